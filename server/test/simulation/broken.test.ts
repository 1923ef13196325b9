// The tests of the tests: every anchor of a broken build matches, and a few of the builds are caught here; npm run
// broken takes them all.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catchMutation, patched } from './broken/copy.ts';
import { MUTATIONS } from './broken/mutations.ts';

const ROOT = join(import.meta.dirname, '../../..');
const HERE = ['expiry by wall clock', 'the unique key is skipped together with the epoch check', 'ack before commit'];

test('BROKEN-1 every patch of a broken build matches the sources exactly once', () => {
  for (const { edits } of MUTATIONS) {
    for (const edit of edits) patched(readFileSync(join(ROOT, edit.file), 'utf8'), edit);
  }
  expect(MUTATIONS.length).toBeGreaterThanOrEqual(12);
  expect(() => patched('twice twice', { file: 'none', from: 'twice', to: '' })).toThrow('2 times');
});

test('BROKEN-2 the unpatched build passes, and builds with a bug in them are caught', async () => {
  expect(await catchMutation({ name: 'none', catcher: 'simulation', edits: [] }, 30)).toMatchObject({ caught: false });
  for (const mutation of MUTATIONS.filter(({ name }) => HERE.includes(name))) {
    expect(await catchMutation(mutation, 100), mutation.name).toMatchObject({ caught: true });
  }
}, 60_000);
