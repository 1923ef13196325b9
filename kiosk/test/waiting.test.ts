// What an anxious customer reads while the bank takes its time: the page under a clock that the test moves.

import type { BrowserContext, Page } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import type { BoxOffice } from './box-office.ts';
import { officeStage } from './stages.ts';
import { openPage, SHOTS, seatOn, shows, toCheckout } from './walking.ts';

const AN_HOUR_MS = 3_600_000;

describe('waiting for the bank', () => {
  const stage = officeStage();
  const { errors } = stage;
  let office: BoxOffice;
  let context: BrowserContext;
  beforeEach(async () => {
    office = await stage.open();
    office.settleAfterMs = AN_HOUR_MS;
    context = await stage.newContext();
  });

  /** A customer who has paid at Checkout, and whom nobody has told anything since. */
  async function paid(): Promise<Page> {
    const page = await openPage(context, errors);
    await page.clock.install();
    await page.goto(`${office.page}#/shows/demo1`);
    await seatOn(page, 'H12').waitFor();
    await (await toCheckout(page, ['H12', 'H13'])).press('success');
    await shows(page, 'confirming');
    // From here on time stands still unless the test moves it.
    await page.clock.pauseAt(Date.now() + 1_000);
    return page;
  }
  const titled = (page: Page, title: string): Promise<void> => page.getByRole('heading', { name: title }).waitFor();

  test('KIOSK-27 the words change after 10 and 30 seconds, and news brings the ticket while no clock moves', async () => {
    const page = await paid();
    await titled(page, 'Confirming your payment');
    await page.screenshot({ path: `${SHOTS}/waiting-1-quick.png` });
    await page.clock.runFor(10_000);
    await titled(page, 'Still confirming');
    await page.screenshot({ path: `${SHOTS}/waiting-2-slow.png` });
    await page.clock.runFor(20_000);
    await titled(page, 'Your bank is slow today');
    await page.screenshot({ path: `${SHOTS}/waiting-3-later.png` });
    expect(await page.locator('main').textContent()).not.toMatch(/fail|not booked/i);
    const [order] = [...office.book.bookings.values()];
    office.book.pay(String(order?.orderId));
    await page.getByTestId('booking-code').waitFor();
    expect(errors).toEqual([]);
  }, 60_000);

  test('KIOSK-27 who reloads, or comes back in a new tab, goes on waiting where they were, and is not asked to pay', async () => {
    const page = await paid();
    await page.clock.runFor(15_000);
    await titled(page, 'Still confirming');
    // The server has not heard: a callback that was lost.
    office.forgetVerified();
    await page.clock.resume();
    await page.reload();
    await shows(page, 'confirming');
    // Not as if the wait began anew.
    expect(await page.getByRole('heading').first().textContent()).not.toBe('Confirming your payment');
    const url = page.url();
    await page.close();
    const back = await openPage(context, errors);
    await back.goto(url);
    await shows(back, 'confirming');
    expect(await back.getByTestId('back-to-pay').count()).toBe(0);
    await back.goto(`${office.page}#/bookings`);
    await back.locator('.state-confirming').waitFor();
    expect(errors).toEqual([]);
  }, 60_000);
});
