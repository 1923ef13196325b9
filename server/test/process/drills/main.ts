// The server of the drills: the real house, with a probe that ends or stops this process at a step it is told of.
//
// Told by messages: `{ kill: step }` ends it there with SIGKILL, `{ hold: step }` tells of it and waits for `{ go: true }`.
// Every step that is reached is told to the parent, so that a drill knows where there was a place to die.

import { pino } from 'pino';
import { loadConfig } from '../../../src/config.ts';
import { openHouse, type Probe } from '../../../src/house.ts';
import type { ShowPort, ShowRequest } from '../../../src/routing/show-port.ts';

export interface Order {
  readonly kill?: string;
  readonly hold?: string;
  readonly go?: true;
}
export interface Told {
  readonly reached?: string;
  readonly held?: string;
  /** An order was taken. */
  readonly taken?: true;
}

let kill: string | undefined;
let hold: string | undefined;
let goOn: (() => void) | undefined;
/** How often a show was asked to end some of itself, since the last order. */
let asked = 0;

process.on('message', (order: Order) => {
  if (order.go === true) goOn?.();
  else {
    asked = 0;
    kill = order.kill;
    hold = order.hold;
  }
  tell({ taken: true });
});

function tell(told: Told): void {
  // A parent that has gone needs to know nothing.
  if (process.connected) process.send?.(told);
}

async function reached(step: string): Promise<void> {
  if (step === kill) {
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  }
  tell({ reached: step });
  if (step !== hold) return;
  hold = undefined;
  const going = new Promise<void>((resolve) => (goOn = resolve));
  tell({ held: step });
  await going;
}

/** The same thing, with a place to die before and after each of these calls: `<what>.<name>:asked` and `:answered`. */
function probed<T extends object>(what: string, target: T, names: readonly (keyof T & string)[]): T {
  return new Proxy(target, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name);
      if (typeof value !== 'function') return value;
      if (!(names as readonly (string | symbol)[]).includes(name)) return value.bind(of) as unknown;
      return async (...args: unknown[]): Promise<unknown> => {
        await reached(`${what}.${String(name)}:asked`);
        try {
          return (await value.apply(of, args)) as unknown;
        } finally {
          // Also when the answer was that something went wrong.
          await reached(`${what}.${String(name)}:answered`);
        }
      };
    },
  });
}

/** What the operator's cancelling asks of a show, counted: `off:asked 1`, `off:answered 1`, `off:asked 2`, ... */
function countedOff(port: ShowPort): ShowPort {
  const submit = async (request: ShowRequest): Promise<unknown> => {
    if (request.type !== 'cancel_show') return port.submit(request);
    asked += 1;
    const nth = asked;
    await reached(`off:asked ${nth}`);
    const reply = await port.submit(request);
    await reached(`off:answered ${nth}`);
    return reply;
  };
  const { showId } = port;
  return {
    showId,
    submit: submit as ShowPort['submit'],
    subscribe: (listener) => port.subscribe(listener),
    snapshot: () => port.snapshot(),
  };
}

const probe: Probe = {
  endAtOnce: 2,
  directory: (directory) => ({
    live: (showId) => directory.live(showId),
    find: async (showId) => {
      const found = await directory.find(showId);
      return found.ok ? { ok: true, port: countedOff(found.port) } : found;
    },
  }),
  at: reached,
  gateway: (gateway) => probed('gateway', gateway, ['createOrder', 'capture', 'refund']),
  paymentStore: (store) => probed('store', store, ['addHint', 'addWebhook']),
};

const loaded = loadConfig(process.env);
if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
const log = pino({ level: loaded.config.logLevel }, pino.destination({ dest: 2, sync: true }));
// As main.ts: what nobody listened to is logged, and ends nothing.
process.on('unhandledRejection', (err) => log.error({ err }, 'a promise was rejected and nobody listened'));
process.on('uncaughtException', (err) => log.error({ err }, 'an error escaped to the process'));
const house = await openHouse(loaded.config, log, probe);
process.on('SIGTERM', () => void house.close().finally(() => process.exit(0)));
// The channel must not keep a server that was told to stop, nor a server whose parent has gone.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.stdout.write(`Housefull is open at ${house.url}\n`);
