// Reads as a lagging replica answers them: what changed a moment ago is still as it was before.

import type { Order, Payment, Refund } from './entities.ts';
import type { Call } from './routes.ts';

type Readable = { orders: Order; payments: Payment; refunds: Refund };
type Tables = { readonly [K in keyof Readable]: ReadonlyMap<string, Readable[K]> };

/** The record as this caller may see it; undefined when there is none, or none yet. */
export function seen<K extends keyof Readable>(call: Call, table: K, id: string): Readable[K] | undefined {
  const { state } = call.double.engine;
  const before = call.lagMs === 0 ? undefined : state.before.get(id);
  if (before !== undefined && call.double.engine.nowMs() - before.changedAtMs < call.lagMs) {
    return (before.record ?? undefined) as Readable[K] | undefined;
  }
  const tables: Tables = state;
  return tables[table].get(id);
}
