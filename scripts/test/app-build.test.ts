import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildApp } from '../app-build.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'housefull-build-'));
  symlinkSync(join(import.meta.dirname, '../../node_modules'), join(root, 'node_modules'));
  mkdirSync(join(root, 'kiosk/src'), { recursive: true });
  mkdirSync(join(root, 'schema/src'), { recursive: true });
  write('kiosk/package.json', '{"name":"app","type":"module"}');
  write('kiosk/index.html', '<script type="module" src="/src/main.ts"></script>');
  write('kiosk/src/main.ts', 'import { word } from "../../schema/src/word.ts"; document.title = word;');
  write('schema/src/word.ts', 'export const word: string = "first";');
});

afterEach(() => rmSync(root, { recursive: true }));

const write = (path: string, text: string) => writeFileSync(join(root, path), text);
const stamp = () => readFileSync(join(root, 'kiosk/dist/.sources'), 'utf8');

test('START-8 the app is built once, and again only when something it is made of has changed', async () => {
  expect(await buildApp(root)).toBe('built');
  expect(existsSync(join(root, 'kiosk/dist/index.html'))).toBe(true);
  expect(await buildApp(root)).toBe('fresh');

  const before = stamp();
  write('schema/src/word.ts', 'export const word: string = "second";');
  expect(await buildApp(root)).toBe('built');
  expect(stamp()).not.toBe(before);

  // Back to what it was, as a checkout does: newer by time or not, it is another app than the one in dist/.
  write('schema/src/word.ts', 'export const word: string = "first";');
  expect(await buildApp(root)).toBe('built');
  expect(stamp()).toBe(before);
});

test('START-8 a build that fails is told, and tried again next time', async () => {
  expect(await buildApp(root)).toBe('built');
  write('kiosk/src/main.ts', 'import "./missing.css";');
  expect(await buildApp(root)).toBe('failed');
  expect(await buildApp(root)).toBe('failed');
});

test('START-8 a build that was removed is made anew', async () => {
  expect(await buildApp(root)).toBe('built');
  rmSync(join(root, 'kiosk/dist'), { recursive: true });
  expect(await buildApp(root)).toBe('built');
});
