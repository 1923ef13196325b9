-- People. A guest has no email and no password: a token alone, limited per address block.
create table users (
  user_id text collate "C" primary key,
  email text,
  name text,
  role text not null default 'customer'
    check (role in ('customer', 'kiosk', 'box_office', 'gate', 'manager', 'admin')),
  password_hash text,
  is_guest boolean not null default false,
  created_at timestamptz not null default clock_timestamp(),
  check (is_guest or (email is not null and password_hash is not null)),
  check (not is_guest or role = 'customer')
);
-- One account per address, however it is spelt.
create unique index users_by_email on users (lower(email)) where email is not null;
