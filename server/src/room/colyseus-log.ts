// What Colyseus says for itself. It calls every undecodable message of a client an error and prints its stack; said so
// often as clients like, that is a way to fill a disk. Here it is one short warning a second, with a count of the rest.

import type { Logger } from 'pino';

const EVERY_MS = 1_000;
const LENGTH_MAX = 300;

type Say = (...words: unknown[]) => void;

/** For the `logger` option of Colyseus' Server. `nowMs` is monotonic. */
export function colyseusLog(
  log: Pick<Logger, 'warn'>,
  nowMs: () => number,
): Record<'error' | 'warn' | 'info' | 'debug' | 'trace', Say> {
  let saidAtMs = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  const say: Say = (...words) => {
    if (nowMs() - saidAtMs < EVERY_MS) {
      unsaid++;
      return;
    }
    log.warn({ said: words.map(String).join(' ').slice(0, LENGTH_MAX), unsaid }, 'colyseus has something to say');
    saidAtMs = nowMs();
    unsaid = 0;
  };
  const silent: Say = () => undefined;
  return { error: say, warn: say, info: silent, debug: silent, trace: silent };
}
