-- How a show is sold beyond its prices: other ticket types, taxes, and the seat rules. What is not said has the default
-- of this build (server/src/room/build-show.ts):
--   ticketPaise {type: {category: paise}}   taxes [{label, basisPoints, on}]
--   selling {orphans, remoteClosesMinutesBefore, accessible: {releaseMinutesBefore, releaseWhenSoldOut},
--            houseReleaseMinutesBefore, maxSeatsPerCustomerIn: {category: seats}}
alter table shows add column terms jsonb not null default '{}' check (jsonb_typeof(terms) = 'object');
