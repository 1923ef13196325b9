// npm run admin, as the first administrator of a house meets it.

import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Identity } from '@housefull/schema/rest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cleanEnv, type House, startHouse } from './house.ts';

const ADMIN = resolve(import.meta.dirname, '../../src/admin.ts');

let house: House;
beforeAll(async () => {
  house = await startHouse();
});
afterAll(() => house?.destroy());

async function admin(args: readonly string[], dataDir = house.dataDir) {
  const env = { ...cleanEnv(), DATA_DIR: dataDir };
  const child = spawn(process.execPath, ['--conditions', 'development', ADMIN, ...args], { env });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, ...said };
}

const login = (email: string, password: string): Promise<Response> =>
  fetch(`${house.baseUrl}/api/users/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });

test('ADMIN-1 an open house is given its first administrator, and other staff, who sign in with the password that was printed', async () => {
  for (const [role, more] of [
    ['admin', []],
    ['manager', ['--role', 'manager', '--name', 'Meera Rao']],
  ] as const) {
    const email = `${role}@example.in`;
    const { code, out } = await admin(['create', email, ...more]);
    expect(code).toBe(0);
    const password = /^password (\S{20})$/m.exec(out)?.[1] ?? '';
    const answer = await login(email, password);
    expect(answer.status).toBe(200);
    const { token, user } = (await answer.json()) as Identity;
    expect(user).toMatchObject({ role, email });
    const rules = await fetch(`${house.baseUrl}/api/admin/theaters/lotus-fort/rules`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(rules.status).toBe(200);
  }
});

test('ADMIN-2 what is asked for wrongly, an email that has an account, and a house that is not open are told, and change nothing', async () => {
  expect(await admin(['create', 'once@example.in', '--role', 'gate'])).toMatchObject({ code: 0 });
  expect(await admin(['create', 'once@example.in'])).toMatchObject({ code: 1, out: '' });
  const wrong = [
    [],
    ['create'],
    ['create', 'no-email'],
    ['delete', 'once@example.in'],
    ['create', 'a@example.in', 'b@example.in'],
    ['create', 'a@example.in', '--role', 'king'],
    ['create', 'a@example.in', '--password', 'x'],
  ];
  for (const answer of await Promise.all(wrong.map((args) => admin(args)))) {
    expect(answer).toMatchObject({ code: 2, out: '' });
    expect(answer.err).toContain('npm run admin -- create EMAIL');
  }
  const closed = await admin(['create', 'a@example.in'], join(house.dataDir, 'nowhere'));
  expect(closed).toMatchObject({ code: 1, out: '' });
  expect(closed.err).toContain('npm start');
}, 60_000);
