-- What whoever looked into it has found and done, a line each time.
alter table quarantined_payments add column resolution text;
