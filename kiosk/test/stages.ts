// Stages for walks: what a test file sets up once and what each of its tests begins with, as hooks of the file, or of the
// `describe`, that asks for one.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { type BoxOffice, type BoxOfficeOptions, startBoxOffice } from './box-office.ts';
import { launchBrowser } from './walking.ts';

export interface BrowserStage {
  /** For `openPage`: what goes wrong in the pages of this test. */
  readonly errors: string[];
  /** Somebody's browser; closed with the test. */
  newContext(width?: number, height?: number): Promise<BrowserContext>;
  closeContexts(): Promise<void>;
}

export function browserStage(): BrowserStage {
  let browser: Browser;
  let contexts: BrowserContext[] = [];
  const errors: string[] = [];
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());
  beforeEach(() => {
    errors.length = 0;
  });
  const closeContexts = async (): Promise<void> => {
    await Promise.all(contexts.map((context) => context.close()));
    contexts = [];
  };
  afterEach(closeContexts);
  const newContext = async (width = 1280, height = 800): Promise<BrowserContext> => {
    const context = await browser.newContext({ viewport: { width, height }, reducedMotion: 'reduce' });
    contexts.push(context);
    return context;
  };
  return { errors, newContext, closeContexts };
}

export interface OfficeStage extends BrowserStage {
  /** Serves the page as it is built now; ends with the test, or with the next one that is opened. */
  open(options?: BoxOfficeOptions): Promise<BoxOffice>;
}

export function officeStage(): OfficeStage {
  const dist = mkdtempSync(join(tmpdir(), 'housefull-page-'));
  let office: BoxOffice | undefined;
  const close = async (): Promise<void> => {
    await office?.close();
    office = undefined;
  };
  beforeAll(async () => {
    const configFile = join(import.meta.dirname, '..', 'vite.config.ts');
    await build({ configFile, logLevel: 'error', build: { outDir: dist } });
  });
  afterAll(() => rmSync(dist, { recursive: true, force: true }));
  afterEach(close);
  // After those above, for its hooks at the end run before them: pages are closed before what they talk to.
  const stage = browserStage();
  return {
    ...stage,
    open: async (options) => {
      await close();
      office = await startBoxOffice(dist, options);
      return office;
    },
  };
}
