// What a browser does to its visitor: several tabs, and a storage that is forbidden, full or spoiled. The built page in a
// real Chromium, against the box office.

import type { BrowserContext, Page } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { dateOf } from '../src/india-time.ts';
import type { BoxOffice } from './box-office.ts';
import { officeStage } from './stages.ts';
import { openPage, pay, seatOn, shows, toCheckout } from './walking.ts';

const HOUR_MS = 3_600_000;

describe('one browser', () => {
  const stage = officeStage();
  const { errors } = stage;
  let office: BoxOffice;
  let context: BrowserContext;
  beforeEach(async () => {
    office = await stage.open();
    office.settleAfterMs = HOUR_MS;
    context = await stage.newContext();
  });

  async function atMap(): Promise<Page> {
    const page = await openPage(context, errors);
    await page.goto(`${office.page}#/shows/demo1`);
    await page.getByTestId('seat').first().waitFor();
    return page;
  }

  const guests = (): number => office.asked.filter((path) => path.endsWith('/api/users/guest')).length;

  test('KIOSK-70 a tab that was opened before the visit began goes on with it, and so the ticket is found', async () => {
    const early = await openPage(context, errors);
    await early.goto(`${office.page}#/`);
    const showTime = early.locator('[data-show=demo1]');
    await showTime.waitFor();
    const page = await atMap();
    await (await toCheckout(page, ['H12', 'H13'])).press('success');
    await shows(page, 'confirming');
    await showTime.click();
    await early.getByTestId('paid-here').waitFor();
    await page.reload();
    await shows(page, 'confirming');
    expect(guests()).toBe(1);
    expect(errors).toEqual([]);
  }, 60_000);

  test('KIOSK-70 tabs that are opened at once are one visitor', async () => {
    let ask: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      ask = resolve;
    });
    // Slow enough for all to have asked.
    await context.route('**/api/users/guest', async (route) => {
      ask();
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      await route.continue();
    });
    const first = atMap();
    await asked;
    await Promise.all([first, atMap(), atMap()]);
    expect(guests()).toBe(1);
    expect(errors).toEqual([]);
  }, 60_000);

  test('KIOSK-70 a visit that ended in one tab is told in the other, which holds seats', async () => {
    const holder = await atMap();
    await seatOn(holder, 'H12').click();
    await holder.getByTestId('continue').click();
    await holder.getByTestId('held-seats').waitFor();
    office.expireTokens();
    await atMap();
    office.cutSockets();
    await holder.getByText('Your earlier visit had ended').waitFor();
    expect(guests()).toBe(2);
    expect(errors.filter((text) => !text.includes('401'))).toEqual([]);
  }, 60_000);

  test('KIOSK-74 an order that another tab made stays for whom it was made, and nothing else is said', async () => {
    const one = await atMap();
    await (await toCheckout(one, ['H12', 'H13'])).press('cancel');
    await one.getByText('The ticket goes to asha@example.com.').waitFor();
    const two = await atMap();
    await two.getByTestId('contact-email').fill('ravi@example.com');
    await two.getByText('The ticket goes where you said first.').waitFor();
    await (await pay(two)).press('cancel');
    await two.getByText('The payment was not finished.').waitFor();
    expect(await two.getByText('The ticket goes to').count()).toBe(0);
    await (await pay(two)).press('success');
    await shows(two, 'confirming');
    expect(office.book.bookings.size).toBe(1);
    expect(errors).toEqual([]);
  }, 60_000);

  test.each([-50, 50])(
    'KIOSK-75 with a clock that is %i hours wrong, today is the day of the server',
    async (hours) => {
      const page = await openPage(context, errors);
      await page.clock.install({ time: Date.now() + hours * HOUR_MS });
      await page.clock.resume();
      const asked: (string | null)[] = [];
      page.on('request', (request) => {
        const url = new URL(request.url());
        if (url.pathname === '/api/shows') asked.push(url.searchParams.get('date'));
      });
      await page.goto(`${office.page}#/`);
      await page.locator('[data-show=demo1]').waitFor();
      const today = dateOf(Date.now());
      expect(await page.getByTestId('day').first().getAttribute('data-date')).toBe(today);
      expect(await page.locator('[data-testid=day][aria-pressed=true]').getAttribute('data-date')).toBe(today);
      expect(asked).toEqual([today]);
      expect(errors).toEqual([]);
    },
  );

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
