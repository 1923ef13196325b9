import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openJournal } from '../src/journal.ts';
import { State } from '../src/state.ts';
import { control, payFor, sdkFor, start, temporaryDir } from './harness.ts';

const shown = (state: State) => JSON.parse(JSON.stringify([...state.snapshot()])) as unknown;

async function reopen(dir: string, compactAboveBytes: number) {
  const state = new State();
  const options = { path: join(dir, 'journal.jsonl'), newDirId: () => 'dir_new', state, compactAboveBytes };
  const journal = await openJournal({ ...options, onFault: () => {} });
  return { journal, state };
}

test('DOUBLE-49 a long journal is rewritten as a snapshot that says the same, under the same name', async () => {
  const dir = await temporaryDir();
  const path = join(dir, 'journal.jsonl');
  const double = await start({ dir });
  const { orders, payments } = sdkFor(double.url);
  const other = await control<{ account_id: string }>(double.url, 'POST', 'merchants', {});
  const endpoint = { url: 'http://127.0.0.1:9/', secret: 's', account_id: other.account_id };
  await control(double.url, 'POST', 'webhooks', endpoint);
  await control(double.url, 'POST', 'faults', { kind: 'status', route: 'orders.all', probability: 0.5 });
  await orders.all().catch(() => {});
  for (let nth = 0; nth < 5; nth += 1) {
    const order = await orders.create({ amount: 25_000, currency: 'INR', receipt: `bk_${nth}` });
    const { razorpay_payment_id: id } = await payFor(double.url, order.id);
    await payments.capture(id, 25_000, 'INR');
  }
  await double.close();
  const long = await reopen(dir, Number.MAX_SAFE_INTEGER);
  await long.journal.close();
  const longBytes = (await stat(path)).size;

  const compacted = await reopen(dir, 1);
  compacted.journal.append({ at: compacted.state.lastAtMs, what: 'clock', put: [['clock', { offsetMs: 5 }]] });
  await compacted.journal.close();
  expect((await stat(path)).size).toBeLessThan(longBytes);
  const again = await reopen(dir, Number.MAX_SAFE_INTEGER);
  await again.journal.close();
  expect(again.journal.dirId).toBe(double.dirId);
  long.state.clockOffsetMs = 5;
  expect(shown(again.state)).toEqual(shown(long.state));
  for (const table of ['merchants', 'endpoints', 'faults', 'chance'] as const) {
    expect([table, again.state[table]]).toEqual([table, long.state[table]]);
  }
  expect(again.state.chance.draws).toBe(1);
});

test('DOUBLE-50 changes appended together reach the disk together, before durable() resolves', async () => {
  const dir = await temporaryDir();
  const { journal, state } = await reopen(dir, Number.MAX_SAFE_INTEGER);
  expect(journal.durable()).toBeNull();
  for (let offsetMs = 1; offsetMs <= 100; offsetMs += 1) {
    journal.append({ at: state.lastAtMs, what: 'clock', put: [['clock', { offsetMs }]] });
  }
  const written = async () => (await readFile(join(dir, 'journal.jsonl'), 'utf8')).trim().split('\n').at(-1);
  const first = journal.durable();
  await first;
  expect(await written()).toContain('"offsetMs":100');
  expect(journal.durable()).toBeNull();
  await journal.close();
});
