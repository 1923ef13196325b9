// From a hold or booking id to the actor of its show: each id names its show (ARCHITECTURE.md).

import { type BookingId, type HoldId, showOf } from '@housefull/schema/ids';
import { type Code, refuse } from '@housefull/schema/refusals';
import type { Directory, PortResult } from '../routing/show-port.ts';

/** An id of a show that is not there is an id of nothing: `missing`. */
export async function portOf(directory: Directory, id: HoldId | BookingId, missing: Code): Promise<PortResult> {
  const showId = showOf(id);
  const found: PortResult = showId ? await directory.find(showId) : { ok: false, refusal: refuse('show_not_found') };
  return !found.ok && found.refusal.code === 'show_not_found' ? { ok: false, refusal: refuse(missing) } : found;
}
