// What customers see when the theater takes a show off: the real server, the local gateway's Checkout, a real Chromium.
// Each screen is written to test-results/taken-off-*.png, at the width of a desktop and of a phone.

import { formatPaise } from '@housefull/client';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { audit, eventually, query } from '../../server/test/process/audit.ts';
import { doubleUrlOf, type House, startHouse } from '../../server/test/process/house.ts';
import { staffToken } from './staff.ts';
import { browserStage } from './stages.ts';
import { neighbours, openPage, SHOTS, seatOn, shows, showsToWalk, toCheckout } from './walking.ts';

const { errors, newContext } = browserStage();
let house: House;
let manager: string;
/** Each walk has a show of its own. */
let toWalk: readonly string[] = [];

beforeAll(async () => {
  house = await startHouse();
  manager = (await staffToken(house, 'manager')).token;
  toWalk = await showsToWalk(house.baseUrl);
}, 60_000);
afterAll(() => house?.destroy());

const onPhone = (): Promise<BrowserContext> => newContext(390, 844);

async function atShow(context: BrowserContext, showId: string): Promise<Page> {
  const page = await openPage(context, errors);
  await page.goto(`${house.baseUrl}/app/#/shows/${showId}`);
  await page.getByTestId('seat').first().waitFor();
  return page;
}
function nextShow(): string {
  const [showId = '', ...others] = toWalk;
  toWalk = others;
  return showId;
}
const shot = async (page: Page, name: string): Promise<void> => {
  expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
  await page.screenshot({ path: `${SHOTS}/taken-off-${name}.png`, animations: 'disabled', fullPage: true });
};
async function takeOff(showId: string): Promise<void> {
  const headers = { authorization: `Bearer ${manager}` };
  const response = await fetch(`${house.baseUrl}/api/admin/shows/${showId}/cancel`, { method: 'POST', headers });
  expect(response.status).toBe(200);
}
const double = async (path: string, method: string, body: object): Promise<void> => {
  const headers = { 'content-type': 'application/json' };
  const url = `${doubleUrlOf(house.dataDir)}/__double/${path}`;
  expect((await fetch(url, { method, headers, body: JSON.stringify(body) })).ok).toBe(true);
};
const over = (page: Page): Promise<void> => page.locator('[data-testid=sale-over][data-end=cancelled]').waitFor();

test('KIOSK-50 who looks at the map or holds seats is told at once, and who comes later too, instead of a dead map', async () => {
  const showId = nextShow();
  const looking = await atShow(await onPhone(), showId);
  const holding = await atShow(await newContext(), showId);
  for (const label of await neighbours(house.baseUrl, holding)) await seatOn(holding, label).click();
  await holding.getByTestId('continue').click();
  await holding.getByTestId('hold-countdown').waitFor();
  await takeOff(showId);
  await over(looking);
  await over(holding);
  await shot(looking, '1-looking-phone');
  await shot(holding, '2-holding');
  const late = await openPage(await newContext(), errors);
  await late.goto(`${house.baseUrl}/app/#/shows/${showId}`);
  await over(late);
  expect(await late.getByTestId('seat').count()).toBe(0);
  expect(errors).toEqual([]);
}, 60_000);

test('KIOSK-51 in payment Checkout closes, the booking says why in its own words, and money that comes all the same goes back', async () => {
  const showId = nextShow();
  const page = await atShow(await newContext(), showId);
  const checkout = await toCheckout(page, await neighbours(house.baseUrl, page));
  const orderId = (await checkout.frame.locator('#order').textContent()) ?? '';
  await takeOff(showId);
  const status = page.getByTestId('booking-status');
  await status.filter({ hasText: 'This show was cancelled' }).waitFor();
  expect(await page.locator('iframe').count()).toBe(0);
  expect(await status.textContent()).toContain('No payment of yours has reached us');
  await shot(page, '3-in-payment');
  await double('pay', 'POST', { order_id: orderId });
  await shows(page, 'refunding');
  await shot(page, '4-paid-all-the-same');
  expect(errors).toEqual([]);
}, 60_000);

test('KIOSK-51 a ticket turns into what happened, how much goes back, by when, and then that it was sent back', async () => {
  await double('settings', 'PATCH', { refundDelayMs: 600_000 });
  const showId = nextShow();
  const context = await onPhone();
  const page = await atShow(context, showId);
  await (await toCheckout(page, await neighbours(house.baseUrl, page))).press('success');
  await page.getByTestId('booking-code').waitFor();
  await page.getByTestId('refund-terms').waitFor();
  await shot(page, '5-ticket-phone');
  const total = (await page.locator('.total dd').textContent()) ?? '';
  await takeOff(showId);
  // Who comes back to the tab.
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await shows(page, 'refunding');
  const status = page.getByTestId('booking-status');
  expect(await status.textContent()).toContain('This show was cancelled');
  const line = await page.getByTestId('refund-line').textContent();
  expect(line).toMatch(
    new RegExp(`^${total.replace('.', '\\.')} goes back to where it came from\\. Your bank shows it by \\w+`),
  );
  expect(await page.getByTestId('booking-code').count()).toBe(0);
  expect(await page.getByTestId('cancel-open').count()).toBe(0);
  await shot(page, '6-refunding-phone');
  await page.getByRole('link', { name: 'My bookings' }).first().click();
  await page
    .getByTestId('taken-off')
    .filter({ hasText: `${total} goes back by` })
    .waitFor();
  await shot(page, '7-bookings-phone');
  await page.getByTestId('booking-row').click();
  await eventually('the refund is asked for', async () => {
    const rows = await query(house, "select 1 from refunds where status = 'pending'", []);
    return rows.length > 0 ? true : undefined;
  });
  await double('clock/advance', 'POST', { ms: 600_000 });
  await shows(page, 'refunded');
  await shot(page, '8-refunded-phone');
  expect(errors).toEqual([]);
  expect(await audit(house)).toMatchObject({ soldTwice: [], unguarded: [], ledgerDifferences: [] });
}, 90_000);

test('KIOSK-51 while the bank is silent it says that nobody knows yet, and never that nothing was paid', async () => {
  const showId = nextShow();
  const page = await atShow(await newContext(), showId);
  const checkout = await toCheckout(page, await neighbours(house.baseUrl, page));
  const orderId = (await checkout.frame.locator('#order').textContent()) ?? '';
  await checkout.press('silent');
  await checkout.frame.locator('#waiting').waitFor();
  await takeOff(showId);
  const status = page.getByTestId('booking-status');
  await status.filter({ hasText: 'This show was cancelled' }).waitFor();
  await shot(page, '9-silent');
  await double('pay', 'POST', { order_id: orderId });
  await shows(page, 'refunding');
  const rows = await query(house, 'select amount_paise as paise from gateway_orders where order_id = $1', [orderId]);
  expect(await page.getByTestId('refund-line').textContent()).toContain(formatPaise(Number(rows[0]?.paise)));
  expect(errors).toEqual([]);
}, 60_000);
