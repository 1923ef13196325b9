// What a customer sees when a payment does not go straight: the real server, the local gateway's Checkout, a real
// Chromium, and the gateway's own books at the end. Each screen is written to test-results/money-*.png.

import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { audit, eventually, query } from '../../server/test/process/audit.ts';
import { doubleUrlOf, type House, startHouse } from '../../server/test/process/house.ts';
import { browserStage } from './stages.ts';
import { type Checkout, neighbours, openPage, pay, SHOTS, seatOn, shows, showsToWalk, toCheckout } from './walking.ts';

const { errors, newContext } = browserStage();
let house: House;
/** Each walk has a show of its own. */
let toWalk: readonly string[] = [];
let soldBefore = 0;

beforeEach(async () => {
  soldBefore = (await audit(house)).confirmed;
});

/** A customer before the seat map of a show that nobody else walks to. */
async function atShow(context: BrowserContext): Promise<Page> {
  const page = await openPage(context, errors);
  const [showId, ...others] = toWalk;
  toWalk = others;
  await page.goto(`${house.baseUrl}/app/#/shows/${showId}`);
  await page.getByTestId('seat').first().waitFor();
  return page;
}

const shot = (page: Page, name: string): Promise<Buffer> =>
  page.screenshot({ path: `${SHOTS}/money-${name}.png`, animations: 'disabled' });

async function double(path: string, method = 'GET', body?: object): Promise<unknown> {
  const init =
    body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(`${doubleUrlOf(house.dataDir)}/__double/${path}`, { method, ...init });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}
/** The customer's bank says yes, and only the gateway hears it. */
const bankSaysYes = (orderId: string): Promise<unknown> => double('pay', 'POST', { order_id: orderId });
const orderIdOf = async ({ frame }: Checkout): Promise<string> =>
  (await frame.locator('#order').textContent()) ?? 'no order';

const sound = { soldTwice: [], unguarded: [], ledgerDifferences: [] };
/** At rest: this walk sold one ticket, no seat is sold twice, and our books are the gateway's. */
const oneTicket = async (): Promise<void> => {
  const wanted = { ...sound, confirmed: soldBefore + 1 };
  let found: object = {};
  await eventually('the books agree', async () => {
    const { capturedPaise: _, ...books } = await audit(house);
    found = books;
    return JSON.stringify(books) === JSON.stringify(wanted) ? true : undefined;
  }).catch(() => undefined);
  expect(found).toEqual(wanted);
};

describe('a payment that does not go straight', () => {
  beforeAll(async () => {
    house = await startHouse();
    toWalk = await showsToWalk(house.baseUrl);
  });
  afterAll(() => house?.destroy());

  test('KIOSK-28 a payment that failed is tried again in the same Checkout, and there is one ticket', async () => {
    const page = await atShow(await newContext());
    const checkout = await toCheckout(page, await neighbours(house.baseUrl, page));
    const orderId = await orderIdOf(checkout);
    await checkout.press('fail');
    await checkout.frame.getByRole('alert').waitFor();
    await shot(page, '1-failed-in-checkout');
    await checkout.press('success');
    await page.getByTestId('booking-code').waitFor();
    await shot(page, '2-failed-then-ticket');
    const rows = await query(house, 'select status from payments where order_id = $1 order by created_at', [orderId]);
    expect(rows.map(({ status }) => status).sort()).toEqual(['captured', 'failed']);
    expect(errors).toEqual([]);
    await oneTicket();
  }, 90_000);

  test('KIOSK-26 a second payment is told beside the ticket, which stays', async () => {
    const page = await atShow(await newContext());
    const checkout = await toCheckout(page, await neighbours(house.baseUrl, page));
    const orderId = await orderIdOf(checkout);
    await checkout.press('success');
    await page.getByTestId('booking-code').waitFor();
    const total = (await page.locator('.total dd').textContent()) ?? 'no total';
    await double('pay', 'POST', { order_id: orderId, second: true });
    await eventually('the second payment is known', async () => {
      const rows = await query(house, "select 1 from payments where order_id = $1 and allocation <> 'none'", [orderId]);
      return rows.length === 2 ? true : undefined;
    });
    await page.reload();
    const refund = page.getByTestId('refund-line');
    await refund.waitFor();
    await shot(page, '19-second-payment');
    expect(await refund.textContent()).toContain(`A second payment of ${total}`);
    await page.getByTestId('booking-code').waitFor();
    expect(errors).toEqual([]);
  }, 90_000);

  test('KIOSK-28 who closes Checkout keeps the seats, finds the booking, and pays the same order later', async () => {
    const page = await atShow(await newContext());
    const labels = await neighbours(house.baseUrl, page);
    const first = await toCheckout(page, labels);
    const orderId = await orderIdOf(first);
    await first.press('cancel');
    await page.getByTestId('paying-hint').waitFor();
    await shot(page, '3-cancelled');
    await page.getByTestId('to-booking').click();
    await shows(page, 'paying');
    await shot(page, '4-cancelled-booking');
    await page.getByTestId('back-to-pay').click();
    await page.getByTestId('pay').waitFor();
    await shot(page, '5-back-to-pay');
    const second = await pay(page);
    expect(await orderIdOf(second)).toBe(orderId);
    await second.press('success');
    await page.getByTestId('booking-code').waitFor();
    expect(errors).toEqual([]);
    await oneTicket();
  }, 90_000);

  test('KIOSK-29 a silent bank is waited for, and its late word brings the ticket by the webhook alone', async () => {
    const page = await atShow(await newContext(390, 844));
    const checkout = await toCheckout(page, await neighbours(house.baseUrl, page));
    const orderId = await orderIdOf(checkout);
    await checkout.press('silent');
    await checkout.frame.locator('#waiting').waitFor();
    await shot(page, '6-bank-silent');
    await checkout.frame.locator('#close').click();
    await page.getByTestId('to-booking').click();
    await shows(page, 'paying');
    await shot(page, '7-bank-silent-booking');
    await bankSaysYes(orderId);
    await page.getByTestId('booking-code').waitFor();
    await shot(page, '8-bank-spoke-ticket');
    expect(errors).toEqual([]);
    await oneTicket();
  }, 90_000);

  test('KIOSK-30 debited, and the tab closed: the ticket is under My bookings when the customer comes back', async () => {
    const context = await newContext();
    const page = await atShow(context);
    const checkout = await toCheckout(page, await neighbours(house.baseUrl, page));
    const debited = page.waitForResponse((response) => response.url().endsWith('/pay'));
    await checkout.press('debit_no_callback');
    await debited;
    await page.close();

    const back = await openPage(context, errors);
    await back.goto(`${house.baseUrl}/app/`);
    await back.getByRole('link', { name: 'My bookings' }).click();
    const row = back.getByTestId('booking-row');
    await row.locator('.state-confirmed').waitFor();
    await shot(back, '9-came-back');
    await row.click();
    await back.getByTestId('booking-code').waitFor();
    await shot(back, '10-came-back-ticket');
    expect(errors).toEqual([]);
    await oneTicket();
  }, 90_000);
});

describe('a payment that comes after the time', () => {
  beforeAll(async () => {
    // Long enough for a walk to Checkout on a busy machine.
    house = await startHouse({ env: { HOLD_TTL_SECONDS: '15', PAYMENT_TTL_SECONDS: '15' } });
    toWalk = await showsToWalk(house.baseUrl);
  });
  afterAll(() => house?.destroy());

  test('KIOSK-29 past the deadline a silent bank is still waited for, and its late yes takes the seats back', async () => {
    const page = await atShow(await newContext());
    const checkout = await toCheckout(page, await neighbours(house.baseUrl, page));
    const orderId = await orderIdOf(checkout);
    await checkout.press('silent');
    await checkout.frame.locator('#close').click();
    await page.getByTestId('to-booking').click();
    const status = page.getByTestId('booking-status');
    await status.filter({ hasText: 'The time for these seats is over' }).waitFor();
    await shot(page, '11-silent-past-deadline');
    expect(await status.getAttribute('data-display')).toBe('confirming');
    await bankSaysYes(orderId);
    await page.getByTestId('booking-code').waitFor();
    await shot(page, '12-late-ticket');
    expect(errors).toEqual([]);
    await oneTicket();
  }, 120_000);

  test.each([
    {
      policy: 'capture_then_refund',
      going: 'goes back to where it came from',
      // The refund is slow.
      doneAfterMs: 600_000,
    },
    {
      policy: 'leave',
      going: 'was not collected by us and goes back by itself',
      // The gateway gives up waiting for a capture.
      doneAfterMs: 1_800_000,
    },
  ])(
    'KIOSK-31 paid after the seats were sold again, by the policy $policy: told so, all money back, one ticket',
    async ({ policy, going, doneAfterMs }) => {
      await query(house, 'update theaters set refund_policy = $1', [policy]);
      await double('settings', 'PATCH', { refundDelayMs: 600_000 });
      const named = (name: string): string => (policy === 'leave' ? `${name}-leave` : name);
      const loser = await atShow(await newContext());
      const showUrl = loser.url();
      const labels = await neighbours(house.baseUrl, loser);
      const checkout = await toCheckout(loser, labels);
      await checkout.frame.locator('#delay').fill('600');
      await checkout.press('late');
      await checkout.frame.getByRole('alert').waitFor();
      await shot(loser, named('13-late-failed-first'));
      await checkout.frame.locator('#close').click();
      await shows(loser, 'failed');
      await shot(loser, named('14-late-time-over'));

      const winner = await openPage(await newContext(), errors);
      await winner.goto(showUrl);
      await seatOn(winner, labels[0]).waitFor();
      await (await toCheckout(winner, labels)).press('success');
      await winner.getByTestId('booking-code').waitFor();
      await shot(winner, named('15-winner-ticket'));

      // The bank says yes after all. Nobody reloads the loser's page.
      await double('clock/advance', 'POST', { ms: 600_000 });
      await shows(loser, 'refunding');
      const refund = loser.getByTestId('refund-line');
      await refund.waitFor();
      await shot(loser, named('16-loser-refunding'));
      const total = (await loser.locator('.total dd').textContent()) ?? 'no total';
      expect(await loser.getByTestId('booking-status').textContent()).toContain('somebody else has them now');
      expect(await refund.textContent()).toContain(`${total} ${going}`);
      // On its way may be what is owed: the bank's time begins when the gateway has the refund.
      const asked = async () => (await query(house, "select from refunds where status = 'pending'"))[0];
      if (policy === 'capture_then_refund') await eventually('the gateway has the refund', asked);
      await double('clock/advance', 'POST', { ms: doneAfterMs });
      await shows(loser, 'refunded');
      await shot(loser, named('17-loser-refunded'));
      expect(await refund.textContent()).toContain(`${total} was sent back`);
      await loser.getByRole('link', { name: 'My bookings' }).first().click();
      await loser.locator('.state-refunded').waitFor();
      await shot(loser, named('18-loser-bookings'));

      await winner.reload();
      await winner.getByTestId('booking-code').waitFor();
      expect(errors).toEqual([]);
      await oneTicket();
    },
    180_000,
  );
});
