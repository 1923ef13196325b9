// Counting test cases. A test that did not run proves nothing: skipped, todo and never collected all count as failed.

import { existsSync, readFileSync } from 'node:fs';

export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/**
 * Cases in a report of vitest. A file without cases counts as one failure, a file that failed beside passing cases
 * too, and so does a run that ended badly without any failed case (an unhandled rejection, a crash, no report).
 * `partial` is a run of chosen titles (`-t`), in which skipping the others is what was asked for.
 */
export function countCases(reportFile: string, exitCode: number | null, partial = false): Tally {
  if (!existsSync(reportFile)) return { passed: 0, failed: 1 };
  const { testResults } = JSON.parse(readFileSync(reportFile, 'utf8')) as Report;
  let passed = 0;
  let failed = 0;
  for (const { status, assertionResults } of testResults) {
    const ran = partial ? assertionResults.filter((result) => result.status !== 'skipped') : assertionResults;
    const good = ran.filter((result) => result.status === 'passed').length;
    const bad = ran.length - good;
    passed += good;
    failed += bad;
    if (bad === 0 && (status !== 'passed' || assertionResults.length === 0)) failed += 1;
  }
  if (exitCode !== 0 && failed === 0) failed = 1;
  return { passed, failed };
}

/** The plain last line that `.ci/run` reads. */
export const tallyLine = ({ passed, failed }: Tally): string => `${passed} passed, ${failed} failed\n`;
