// The local Razorpay, as the process of its own that a bank would be: it outlives a kill of ours, and a clean stop ends it.

import { join } from 'node:path';
import type { Logger } from 'pino';
import { endProcess } from './processes.ts';
import { reason, StartProblem } from './start-problem.ts';

/** Public, and the same everywhere: only the secrets of the double are made up. */
const KEY_ID = 'rzp_test_HousefullLocal';

/** Killing it loses nothing: what it answered is in its journal. */
const STOP_STEPS = [
  ['SIGTERM', 5_000],
  ['SIGKILL', 5_000],
] as const;

export interface DoubleOptions {
  readonly dataDir: string;
  readonly keySecret: string;
  readonly webhookSecret: string;
  /** Where its webhooks go from now on. */
  readonly webhookUrl: string;
  readonly log: Logger;
}

export interface DoubleProcess {
  readonly url: string;
  readonly keyId: string;
  readonly adopted: boolean;
  /** For a server that learns its port only when it listens. */
  sendWebhooksTo(url: string): Promise<void>;
  stop(): Promise<void>;
}

/** Adopts the double that a killed server left running, or starts one. Throws StartProblem. */
export async function startDoubleProcess(options: DoubleOptions): Promise<DoubleProcess> {
  // Loaded only here, where it is wanted: production never sees it.
  const { ensureDouble, findRunningDouble } = await import('@housefull/razorpay-double');
  const dir = join(options.dataDir, 'razorpay-double');
  const ensure = (webhookUrl: string) =>
    ensureDouble({
      dir,
      keyId: KEY_ID,
      keySecret: options.keySecret,
      webhookSecret: options.webhookSecret,
      webhookUrl,
    });
  try {
    const { url, pid, adopted } = await ensure(options.webhookUrl);
    options.log.info({ double: pid, url, adopted }, 'the local Razorpay runs');
    return {
      url,
      keyId: KEY_ID,
      adopted,
      async sendWebhooksTo(webhookUrl) {
        await ensure(webhookUrl);
      },
      async stop() {
        // Not the package's own stop: that one waits for a parent to reap an adopted double, and it has none left.
        const running = await findRunningDouble(dir);
        if (running) await endProcess(running.pid, STOP_STEPS);
      },
    };
  } catch (error) {
    throw new StartProblem(`The local Razorpay does not start (${reason(error)}).`, error);
  }
}
