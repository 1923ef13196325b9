// Auditor
// -------
// Says where a history, the rows and the gateway's books contradict each other or themselves. It knows the protocol and
// the tables, and nothing of how the server works.
//
// Never:  changes anything; imports the server; takes a timeout for a no.
// Invariants: linear in the history, up to sorting.

import { type Finding, Findings, INVARIANTS, type Invariant } from './findings.ts';
import type { Evidence } from './history.ts';
import { checkMaps } from './maps.ts';
import { checkMoney } from './money.ts';
import { checkPromises } from './promises.ts';
import { readWishes } from './requests.ts';
import { readRows } from './rows.ts';
import { checkTakenOff } from './taken-off.ts';

export interface Verdict {
  readonly findings: readonly Finding[];
  /** How often each invariant was held against something. */
  readonly looked: Readonly<Record<Invariant, number>>;
  /** Requests that were granted, and wishes that were unknown at least once. */
  readonly acks: number;
  readonly unknowns: number;
  /** Of the unknowns, those that had happened. */
  readonly durable: number;
  /** The longest that an unknown took to be known after healing. */
  readonly slowestMs: number;
}

/** Every contradiction that there is; an empty list when all invariants hold. Throws on a history that is none. */
export function audit(evidence: Evidence): Verdict {
  const findings = new Findings();
  const wishes = readWishes(evidence, findings);
  const rows = readRows(evidence, findings);
  checkPromises(evidence, wishes, rows, findings);
  checkMaps(evidence, rows, findings);
  checkMoney(evidence, findings);
  checkTakenOff(evidence, findings);
  const unknown = wishes.all.filter((wish) => wish.hadUnknown);
  return {
    findings: findings.list,
    looked: findings.looked,
    acks: evidence.history.filter((entry) => entry.kind === 'ok').length,
    unknowns: unknown.length,
    slowestMs: wishes.slowestMs,
    durable: unknown.filter((wish) => wish.last?.kind === 'ok').length,
  };
}

/** The invariants of a verdict that were held against nothing. */
export const idle = ({ looked }: Verdict): Invariant[] => INVARIANTS.filter((name) => looked[name] === 0);
