// Ground
// ------
// What a server stands on before it can serve: its data directory, its secrets, its database, and in development the
// local Razorpay. The directory first and last, since all else is in it.
//
// Owns:   the lock of DATA_DIR and the processes it starts, from `openGround` to `close`.
// Never:  leaves something running when it throws; reads the environment.
// Invariants:
//   START-4  After `close`, or after a failed start, none of our processes runs and the directory is free.
//   CONF-2   In production no secret is made, except the password of an embedded Postgres, which nobody else needs.

import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { type DataDir, openDataDir } from './data-dir.ts';
import { startDoubleProcess } from './double-process.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { keepSecrets } from './secrets.ts';

export interface Ground {
  readonly dataDir: string;
  readonly databaseUrl: string;
  /** True when Postgres, left by a killed server of this very directory, was taken over with its sessions. */
  readonly adopted: boolean;
  readonly secrets: { readonly jwtSecret: string; readonly ticketSigningKey: string; readonly clusterSecret: string };
  readonly razorpay: {
    readonly keyId: string;
    /** The one that calls are made with. */
    readonly keySecret: string;
    /** Every one that a callback of Checkout may be signed with. */
    readonly keySecrets: readonly string[];
    /** Every one that a webhook may be signed with. */
    readonly webhookSecrets: readonly string[];
    readonly apiUrl: string;
    readonly checkoutUrl: string;
    /** The double is in use: /dev/* may be offered. */
    readonly double: boolean;
    /** Tells the double where we listen, once that is known. Nothing to do with the real gateway. */
    sendWebhooksTo(url: string): Promise<void>;
  };
  /** Stops what was started and gives the directory up. The server must have stopped before. Never rejects. */
  close(): Promise<void>;
}

type Undo = () => Promise<void> | void;

/** Throws StartProblem, with everything undone. */
export async function openGround(config: Config, log: Logger): Promise<Ground> {
  const undo: Undo[] = [];
  const close = async () => {
    for (const step of undo.splice(0).toReversed()) {
      try {
        await step();
      } catch (err) {
        log.error({ err }, 'a part of the ground did not stop');
      }
    }
  };
  try {
    const dataDir = openDataDir(config.dataDir);
    undo.push(() => dataDir.release());
    const secrets = secretsOf(config, dataDir);
    // Side by side, and both waited for even when one fails: what the other has started must be known to be undone.
    const [database, razorpay] = await bothOf(
      databaseOf(config, dataDir, log, undo),
      razorpayOf(config, dataDir, log, undo),
    );
    return { dataDir: dataDir.path, ...database, secrets, razorpay, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function bothOf<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second]);
  return Promise.all([first, second]);
}

function secretsOf(config: Config, dataDir: DataDir): Ground['secrets'] {
  const { jwtSecret, ticketSigningKey, clusterSecret } = config.secrets;
  if (jwtSecret && ticketSigningKey && clusterSecret) return { jwtSecret, ticketSigningKey, clusterSecret };
  if (config.production) throw new Error('loadConfig let a production without secrets pass');
  const kept = keepSecrets(dataDir.path, ['jwtSecret', 'ticketSigningKey', 'clusterSecret']);
  return {
    jwtSecret: jwtSecret ?? kept.jwtSecret,
    ticketSigningKey: ticketSigningKey ?? kept.ticketSigningKey,
    clusterSecret: clusterSecret ?? kept.clusterSecret,
  };
}

async function databaseOf(
  config: Config,
  dataDir: DataDir,
  log: Logger,
  undo: Undo[],
): Promise<Pick<Ground, 'databaseUrl' | 'adopted'>> {
  if (config.database.kind === 'outside') return { databaseUrl: config.database.url, adopted: false };
  const { postgresPassword } = keepSecrets(dataDir.path, ['postgresPassword']);
  const postgres = await startEmbeddedPostgres({
    dir: join(dataDir.path, 'postgres'),
    password: postgresPassword,
    log,
  });
  undo.push(() => postgres.stop());
  return { databaseUrl: postgres.url, adopted: postgres.adopted };
}

async function razorpayOf(config: Config, dataDir: DataDir, log: Logger, undo: Undo[]): Promise<Ground['razorpay']> {
  if (config.razorpay.kind === 'gateway') {
    const { kind: _, ...given } = config.razorpay;
    return { ...given, keySecret: given.keySecrets[0], double: false, sendWebhooksTo: async () => {} };
  }
  if (config.production) throw new Error('loadConfig let a production without Razorpay keys pass');
  const kept = keepSecrets(dataDir.path, ['doubleKeySecret', 'doubleWebhookSecret']);
  const double = await startDoubleProcess({
    dataDir: dataDir.path,
    keySecret: kept.doubleKeySecret,
    webhookSecret: kept.doubleWebhookSecret,
    webhookUrl: webhookUrl(config.http.host, config.http.port),
    log,
  });
  undo.push(() => double.stop());
  return {
    keyId: double.keyId,
    keySecret: kept.doubleKeySecret,
    keySecrets: [kept.doubleKeySecret],
    webhookSecrets: [kept.doubleWebhookSecret],
    apiUrl: double.url,
    checkoutUrl: `${double.url}/v1/checkout.js`,
    double: true,
    sendWebhooksTo: (url) => double.sendWebhooksTo(url),
  };
}

/** Where the double, a neighbour on this machine, reaches a server that listens on `host`. */
export function webhookUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const name = reachable.includes(':') ? `[${reachable}]` : reachable;
  return `http://${name}:${port}/api/payment/webhook`;
}
