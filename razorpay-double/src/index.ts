export type { LedgerRow, LedgerTotals } from './ledger.ts';
export type { EnsureOptions, FoundDouble } from './running.ts';
export { ensureDouble, findRunningDouble, stopDouble } from './running.ts';
export type { DoubleOptions, RunningDouble } from './server.ts';
export { startDouble } from './server.ts';
