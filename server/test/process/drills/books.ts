// The books of one show at rest: the auditor's rules about rows and money, read from Postgres and from the double.

import { readDump, readLedger } from '../../../../loadtest/auditor/dump.ts';
import { Findings } from '../../../../loadtest/auditor/findings.ts';
import type { TakenOff } from '../../../../loadtest/auditor/history.ts';
import { checkMoney } from '../../../../loadtest/auditor/money.ts';
import { readRows } from '../../../../loadtest/auditor/rows.ts';
import { checkTakenOff } from '../../../../loadtest/auditor/taken-off.ts';
import { type Bench, MAX_SEATS_PER_HOLD } from '../crash-driver/bench.ts';

/** Seats sold once, and the double's books equal ours, payment by payment, to the paisa. What is not so, in words. */
export async function booksOf(
  { databaseUrl, doubleUrl }: Bench,
  showId: string,
  takenOff: readonly TakenOff[] = [],
): Promise<string[]> {
  const dump = await readDump(databaseUrl, [showId]);
  const ledger = await readLedger(doubleUrl, [showId]);
  const limits = {
    ...{ maxSeatsPerHold: MAX_SEATS_PER_HOLD, maxSeatsPerCustomer: 2 * MAX_SEATS_PER_HOLD, maxHoldsPerCustomer: 100 },
    ...{ randomChars: 22, requestMs: 0, resolveMs: 0, deadlineSlackMs: 1_000 },
  };
  const evidence = { history: takenOff, dump, ledger, limits };
  const findings = new Findings();
  readRows(evidence, findings);
  checkMoney(evidence, findings);
  checkTakenOff(evidence, findings);
  return findings.list.map(({ invariant, message }) => `${invariant} ${message}`);
}
