// The Colyseus room state of a show: position and packed statuses (wire.ts), nothing else (L9, COLYSEUS C21, C24).

import { type SchemaType, schema, t } from '@colyseus/schema';

export const ShowState = schema(
  {
    epoch: t.uint32().default(0),
    revision: t.uint32().default(0),
    seats: t.array('uint32'),
  },
  'ShowState',
);
export type ShowState = SchemaType<typeof ShowState>;
