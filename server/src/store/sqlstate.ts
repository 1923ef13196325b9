// What an error of Postgres means: one table of SQLSTATEs, by code or by class (its first two characters).
//
//   unknown      the statement may have been committed, or may still be: settle it by reading
//   unavailable  certainly not committed, and no other statement fares better right now
//   refused      certainly not committed, because of what it said or whom it met

import { Fault } from './fault.ts';

export type Verdict = 'unknown' | 'unavailable' | 'refused';

const VERDICTS: Readonly<Record<string, Verdict>> = {
  // connection_exception: the reply is lost, the statement may not be.
  '08': 'unknown',
  // operator_intervention. admin_shutdown, crash_shutdown and query_canceled may strike after the commit record was
  // written and before the reply; with a synchronous standby they do.
  '57': 'unknown',
  // cannot_connect_now: starting up or shutting down; nothing was ever sent.
  '57P03': 'unavailable',
  // insufficient_resources: disk full, out of memory, too many connections.
  '53': 'unavailable',
  // system_error: reading or writing a file failed. (A failed flush of the log is a PANIC, and that is a lost
  // connection.)
  '58': 'unavailable',
  // read_only_sql_transaction: we were led to a standby.
  '25006': 'unavailable',
  // invalid_authorization, invalid_catalog_name: wrong configuration; nobody gets in.
  '28': 'unavailable',
  '3D': 'unavailable',
  // Everything else is an ERROR: the transaction was rolled back. Named here because we count on them:
  // unique_violation, the last guard of L3.
  '23505': 'refused',
  // deadlock_detected, serialization_failure: met somebody else's statement.
  '40': 'refused',
  // lock_not_available: waited longer than lock_timeout.
  '55P03': 'refused',
  // Raised by server/sql: HF001 row missing, HF002 payment spent elsewhere, HF003 order of another booking.
  HF: 'refused',
};

/** What certainly holds of a statement that failed like this. */
export function verdictOf(error: unknown): Verdict {
  const code = sqlStateOf(error);
  // No SQLSTATE: a socket error, our own timer, or a reply we could not read.
  if (code === undefined) return 'unknown';
  const verdict = VERDICTS[code] ?? VERDICTS[code.slice(0, 2)];
  if (verdict !== undefined) return verdict;
  // A session that ended with an error we have not thought of.
  const { severity } = error as { severity?: unknown };
  return severity === 'FATAL' || severity === 'PANIC' ? 'unknown' : 'refused';
}

/** The SQLSTATE of a server's error; undefined for everything else (Node's own codes have other lengths or shapes). */
function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && error.code.length === 5 ? error.code : undefined;
}

/** The Fault of a failed write. `what` names the attempt, for the log. */
export function faultOf(error: unknown, what: string): Fault {
  if (error instanceof Fault) return error;
  const verdict = verdictOf(error);
  const message = `${what}: ${error instanceof Error ? error.message : String(error)}`;
  if (verdict === 'refused') {
    const retryable = ['40', '55'].includes(sqlStateOf(error)?.slice(0, 2) ?? '');
    return new Fault('database_refused', message, { outcome: 'none', retryable, cause: error });
  }
  return new Fault('database_unavailable', message, {
    outcome: verdict === 'unknown' ? 'unknown' : 'none',
    cause: error,
  });
}
