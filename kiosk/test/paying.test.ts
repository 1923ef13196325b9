// The ways in which paying goes wrong in a browser, and nobody pays twice or is told what is not so: the built page in a
// real Chromium, against the box office.

import type { ShowDetail } from '@housefull/client';
import { refuse } from '@housefull/schema/refusals';
import type { BrowserContext, Page, Route } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import type { BoxOffice } from './box-office.ts';
import { officeStage } from './stages.ts';
import { openPage, pay, SHOTS, seatOn, shows, toCheckout } from './walking.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

describe('paying', () => {
  const stage = officeStage();
  const { errors } = stage;
  let office: BoxOffice;
  let context: BrowserContext;
  beforeEach(() => open());
  async function open(show: Partial<ShowDetail> = {}): Promise<void> {
    // A page of the office before would complain that it is gone.
    await stage.closeContexts();
    office = await stage.open({ show });
    office.settleAfterMs = HOUR_MS;
    context = await stage.newContext();
  }

  async function atMap(page?: Page): Promise<Page> {
    const own = page ?? (await openPage(context, errors));
    await own.goto(`${office.page}#/shows/demo1`);
    await own.getByTestId('seat').first().waitFor();
    return own;
  }
  async function atForm(): Promise<Page> {
    const page = await atMap();
    for (const label of ['H12', 'H13']) await seatOn(page, label).click();
    await page.getByTestId('continue').click();
    await page.getByTestId('contact-email').fill('asha@example.com');
    return page;
  }
  const orders = (): number => office.book.requests.filter(({ type }) => type === 'order').length;
  const iframes = (page: Page): Promise<number> => page.locator('iframe').count();

  test('KIOSK-53 two clicks on pay while Checkout is loading are one order and one Checkout', async () => {
    const page = await atForm();
    let script: Route | undefined;
    const asked = new Promise<void>((resolve) => {
      void page.route('**/v1/checkout.js', (route) => {
        script = route;
        resolve();
      });
    });
    await page.getByTestId('pay').click();
    await asked;
    await page.getByTestId('pay').click({ force: true });
    await page.getByTestId('pay').dispatchEvent('click');
    await script?.continue();
    await page.frameLocator('iframe').locator('[data-outcome=success]').waitFor();
    expect(await iframes(page)).toBe(1);
    expect(orders()).toBe(1);
    expect(errors).toEqual([]);
  }, 60_000);

  test('KIOSK-53 who has paid and goes back to the seats is sent to the booking, and not asked to pay', async () => {
    const page = await atMap();
    await (await toCheckout(page, ['H12', 'H13'])).press('success');
    await shows(page, 'confirming');
    await page.goBack();
    await page.getByTestId('paid-here').waitFor();
    expect(await page.getByTestId('pay').count()).toBe(0);
    await page.screenshot({ path: `${SHOTS}/paying-1-went-back.png` });
    await page.reload();
    await page.getByTestId('paid-here').waitFor();
    await page.getByTestId('paid-here').getByRole('link').click();
    await shows(page, 'confirming');
    expect(errors).toEqual([]);
  }, 60_000);

  test('KIOSK-53 paid in one tab, the Checkout of another is closed, and it does not ask for money', async () => {
    const one = await atMap();
    const first = await toCheckout(one, ['H12', 'H13']);
    const two = await atMap(await openPage(context, errors));
    await two.getByTestId('contact-email').fill('asha@example.com');
    await pay(two);
    await first.press('success');
    await shows(one, 'confirming');
    await two.getByTestId('paid-here').waitFor();
    expect(await iframes(two)).toBe(0);
    expect(await two.getByTestId('pay').count()).toBe(0);
    const [order] = [...office.book.bookings.values()];
    expect(office.book.bookings.size).toBe(1);
    office.book.pay(String(order?.orderId));
    for (const page of [one, two]) await page.getByTestId('booking-code').waitFor();
    expect(errors).toEqual([]);
  }, 60_000);

  test('KIOSK-53 who leaves the page takes no Checkout along, and finds the payment again', async () => {
    const page = await openPage(context, errors);
    await page.goto(`${office.page}#/`);
    await page.locator('[data-show=demo1]').click();
    await page.getByTestId('seat').first().waitFor();
    await toCheckout(page, ['H12', 'H13']);
    await page.goBack();
    await page.getByTestId('show-card').first().waitFor();
    expect(await iframes(page)).toBe(0);
    await page.getByRole('link', { name: 'My bookings' }).click();
    await page.getByTestId('booking-row').click();
    await shows(page, 'paying');
    await page.getByTestId('back-to-pay').click();
    await (await pay(page)).press('success');
    await shows(page, 'confirming');
    expect(office.book.bookings.size).toBe(1);
    expect(errors).toEqual([]);
  }, 60_000);

  test('KIOSK-57 paid while the connection is away: as soon as it is back there is the ticket, and no Checkout', async () => {
    const page = await atMap();
    await toCheckout(page, ['H12', 'H13']);
    const away = page.getByText('The connection was lost.');
    // The gateway tells the server, and nobody can tell the page.
    office.refuseJoins(Array.from({ length: 3 }, () => refuse('unavailable')));
    office.cutSockets();
    await away.waitFor();
    const [order] = [...office.book.bookings.values()];
    office.book.pay(String(order?.orderId));
    await page.getByTestId('booking-code').waitFor();
    expect(await iframes(page)).toBe(0);
    expect(errors.filter((text) => !text.includes('503'))).toEqual([]);
  }, 60_000);

  test('KIOSK-54 a Checkout that is refused, or never comes, is told, and the same order is paid later', async () => {
    const page = await openPage(context, errors);
    await page.clock.install();
    await atMap(page);
    for (const label of ['H12', 'H13']) await seatOn(page, label).click();
    await page.getByTestId('continue').click();
    await page.getByTestId('contact-email').fill('asha@example.com');
    await page.route('**/v1/checkout.js', (route) => route.abort());
    await page.getByTestId('pay').click();
    const told = page.getByTestId('refusal').filter({ hasText: 'The payment page did not load' });
    await told.waitFor();
    await page.screenshot({ path: `${SHOTS}/paying-2-no-checkout.png` });
    await page.unroute('**/v1/checkout.js');
    const asked = new Promise<void>((resolve) => {
      void page.route('**/v1/checkout.js', () => resolve());
    });
    await page.getByTestId('pay').click();
    await asked;
    await told.waitFor({ state: 'detached' });
    await page.clock.runFor(15_000);
    await told.waitFor();
    await page.unroute('**/v1/checkout.js');
    await (await pay(page)).press('success');
    await shows(page, 'confirming');
    expect(office.book.bookings.size).toBe(1);
    // The browser's own word for the script that was refused.
    expect(errors.filter((text) => !text.includes('net::ERR_FAILED'))).toEqual([]);
  }, 60_000);

  test.each([-1, 1])(
    'KIOSK-55 with a clock that is %i hours wrong, listing, offers and cancelling are the same',
    async (hours) => {
      // In that hour the show begins, by the clock of the device.
      const startsAt = new Date(Date.now() + 50 * MINUTE_MS).toISOString();
      const cancel = {
        tiers: [
          { minutesBefore: 60, refundPercent: 100 },
          { minutesBefore: 20, refundPercent: 50 },
        ],
        feesBack: true,
      };
      await open({ startsAt, closesAt: startsAt, cancel });
      office.settleAfterMs = 0;
      const page = await openPage(context, errors);
      await page.clock.install({ time: Date.now() + hours * HOUR_MS });
      await page.clock.resume();
      await page.goto(`${office.page}#/`);
      await page.locator('[data-show=demo1]').click();
      await page.getByTestId('seat').first().waitFor();
      await page.locator('[data-status=kept]').first().waitFor();
      const checkout = await toCheckout(page, ['H12', 'H13']);
      // Of two steps one is over.
      expect(await page.getByTestId('refund-terms').textContent()).toMatch(
        /^50 % back until .*; no refund after that\.$/,
      );
      await checkout.press('success');
      await page.getByTestId('booking-code').waitFor();
      await page.getByTestId('refund-terms').waitFor();
      expect(await page.getByTestId('cancel-open').count()).toBe(1);
      expect(errors).toEqual([]);
    },
    60_000,
  );

  test('KIOSK-52 what comes back until when stands before the payment, also when it is nothing', async () => {
    const startsAt = '2030-06-01T13:30:00.000Z';
    const cancel = {
      tiers: [
        { minutesBefore: 120, refundPercent: 75 },
        { minutesBefore: 20, refundPercent: 50 },
      ],
      feesBack: false,
    };
    const nothing =
      'Seats of this show cannot be cancelled: once paid, nothing comes back, unless the theater cancels the show.';
    const tiered =
      '75 % back until Sat, 1 Jun, 5:00 pm; 50 % back until 6:40 pm; no refund after that. The booking fee, with the tax on it, is kept.';
    for (const [more, words] of [
      [{ cancel }, tiered],
      [{ cancel: { tiers: [], feesBack: true } }, nothing],
      [{}, 'Free to cancel until Sat, 1 Jun, 6:45 pm; no refund after that.'],
    ] as [Partial<ShowDetail>, string][]) {
      await open({ startsAt, closesAt: '2030-06-01T13:15:00.000Z', ...more });
      const page = await atForm();
      const terms = page.getByTestId('refund-terms');
      expect(await terms.textContent()).toBe(words);
      // Above the button.
      const [at, button] = [await terms.boundingBox(), await page.getByTestId('pay').boundingBox()];
      expect(at?.y).toBeLessThan(button?.y ?? 0);
      await page.screenshot({ path: `${SHOTS}/paying-3-terms-${words.length}.png`, fullPage: true });
    }
    expect(errors).toEqual([]);
  }, 60_000);

  test('KIOSK-56 a visit that ends in payment is told; its booking is named with its number, and nothing is denied', async () => {
    const page = await atMap();
    await (await toCheckout(page, ['H12', 'H13'])).press('success');
    await shows(page, 'confirming');
    const bookingId = decodeURIComponent(page.url().split('/').at(-1) ?? '');
    office.expireTokens();
    await page.reload();
    await page.getByTestId('refusal').filter({ hasText: 'Your earlier visit to this page has ended' }).waitFor();
    expect(await page.locator('main').textContent()).toContain(bookingId);
    await page.screenshot({ path: `${SHOTS}/paying-4-visit-ended.png` });
    await page.getByRole('link', { name: 'My bookings' }).first().click();
    await page.getByTestId('earlier').filter({ hasText: bookingId }).waitFor();
    await page.screenshot({ path: `${SHOTS}/paying-5-earlier.png` });
    expect(errors.filter((text) => !/40[14]/.test(text))).toEqual([]);
  }, 60_000);
});
