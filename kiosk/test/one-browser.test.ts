// What a browser does to its visitor: a storage that is forbidden, full or spoiled. The built page in a real Chromium,
// against the box office.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BoxOffice, startBoxOffice } from './box-office.ts';
import { launchBrowser, openPage, shows, toCheckout } from './walking.ts';

const dist = mkdtempSync(join(tmpdir(), 'housefull-one-browser-'));
const HOUR_MS = 3_600_000;

describe('one browser', () => {
  let browser: Browser;
  let office: BoxOffice;
  let context: BrowserContext;
  let errors: string[] = [];

  beforeAll(async () => {
    const configFile = join(import.meta.dirname, '..', 'vite.config.ts');
    await build({ configFile, logLevel: 'error', build: { outDir: dist } });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(dist, { recursive: true, force: true });
  });
  beforeEach(async () => {
    errors = [];
    office = await startBoxOffice(dist);
    office.settleAfterMs = HOUR_MS;
    context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  });
  afterEach(async () => {
    await context.close();
    await office.close();
  });

  async function atMap(): Promise<Page> {
    const page = await openPage(context, errors);
    await page.goto(`${office.page}#/shows/demo1`);
    await page.getByTestId('seat').first().waitFor();
    return page;
  }

  const BROKEN = {
    forbidden: () => {
      for (const name of ['localStorage', 'sessionStorage'])
        Object.defineProperty(window, name, {
          get() {
            throw new DOMException('blocked', 'SecurityError');
          },
        });
    },
    full: () => {
      Storage.prototype.setItem = () => {
        throw new DOMException('full', 'QuotaExceededError');
      };
    },
    spoiled: () => {
      const { getItem } = Storage.prototype;
      Storage.prototype.getItem = function (name) {
        const isToken = name.startsWith('housefull.token');
        return isToken || name.startsWith('housefull.paid') ? getItem.call(this, name) : '{"half';
      };
    },
  };

  test.each(Object.keys(BROKEN) as (keyof typeof BROKEN)[])(
    'KIOSK-71 with a storage that is %s seats are paid for, and who has paid is not asked again',
    async (how) => {
      await context.addInitScript(BROKEN[how]);
      const page = await atMap();
      await (await toCheckout(page, ['H12', 'H13'])).press('success');
      await shows(page, 'confirming');
      await page.goBack();
      await page.getByTestId('paid-here').waitFor();
      expect(await page.getByTestId('pay').count()).toBe(0);
      await page.getByRole('link', { name: 'My bookings' }).click();
      await page.getByTestId('booking-row').filter({ hasText: 'H12' }).waitFor();
      expect(office.book.bookings.size).toBe(1);
      expect(errors).toEqual([]);
    },
    60_000,
  );
});
