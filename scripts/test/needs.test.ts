import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { locate, meetNeeds, type Need } from '../needs.ts';

const NEED: Need = {
  name: 'Projector',
  neededBy: ['kiosk/test'],
  commands: ['housefull-no-such-projector', 'sh'],
  env: 'HOUSEFULL_PROJECTOR',
  debianPackage: 'projector',
};

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'housefull-needs-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

describe('needs of the tests', () => {
  test('NEEDS-1 finds the first command that PATH has, and tells the tests where', () => {
    mkdirSync(join(root, 'kiosk/test'), { recursive: true });
    vi.stubEnv('HOUSEFULL_PROJECTOR', '');
    meetNeeds(root, [NEED]);
    expect(process.env.HOUSEFULL_PROJECTOR).toMatch(/\/sh$/);
  });

  test('NEEDS-1 prefers the path it is given, and says what to do when that is wrong', () => {
    mkdirSync(join(root, 'kiosk/test'), { recursive: true });
    vi.stubEnv('HOUSEFULL_PROJECTOR', process.execPath);
    expect(locate(NEED)).toBe(process.execPath);
    vi.stubEnv('HOUSEFULL_PROJECTOR', join(root, 'absent'));
    expect(() => meetNeeds(root, [NEED])).toThrow(
      /Projector \(for kiosk\/test\)\. Run: apt-get update && .* projector\nor.* HOUSEFULL_PROJECTOR=/,
    );
  });

  test('NEEDS-1 asks for nothing that no test needs yet', () => {
    vi.stubEnv('HOUSEFULL_PROJECTOR', join(root, 'absent'));
    expect(() => meetNeeds(root, [NEED])).not.toThrow();
  });
});
