// A manager at work: the real server, a real Chromium. Each screen is written to test-results/manage-*.png.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { query } from '../../server/test/process/audit.ts';
import { type House, startHouse } from '../../server/test/process/house.ts';
import { PASSWORD, staffToken } from './staff.ts';
import { browserStage } from './stages.ts';
import { neighbours, openPage, SHOTS, showsToWalk, toCheckout, tomorrow } from './walking.ts';

const { errors, newContext } = browserStage();
let house: House;

beforeAll(async () => {
  house = await startHouse();
  for (const role of ['manager', 'box_office'] as const) await staffToken(house, role);
}, 60_000);
afterAll(() => house?.destroy());

const newPage = async (width?: number, height?: number): Promise<Page> =>
  openPage(await newContext(width, height), errors);
const shot = async (page: Page, name: string): Promise<void> => {
  expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
  await page.screenshot({ path: `${SHOTS}/manage-${name}.png`, animations: 'disabled', fullPage: true });
};
async function signIn(page: Page, role: string, password = PASSWORD): Promise<void> {
  await page.getByTestId('staff-email').fill(`${role}@example.in`);
  await page.getByTestId('staff-password').fill(password);
  // With the keyboard.
  await page.keyboard.press('Enter');
}
const rulesOf = async (theaterId: string): Promise<unknown> => {
  const [row] = await query(house, 'select cancel_rules, refund_policy from theaters where theater_id = $1', [
    theaterId,
  ]);
  return row;
};

test('KIOSK-60 the rules are read, changed and kept; what is no rule is told at its field; others are turned away', async () => {
  const page = await newPage();
  await page.goto(`${house.baseUrl}/app/#/manage/lotus-fort`);
  await page.getByTestId('staff-email').waitFor();
  await shot(page, '1-sign-in');
  await signIn(page, 'manager', 'wrong password');
  await page.getByText('Email or password is wrong.').waitFor();
  await signIn(page, 'box_office');
  await page.getByText('This account may not manage theaters.').waitFor();
  // Their own 401 and nothing else.
  expect(errors.filter((text) => !text.includes('401'))).toEqual([]);
  errors.length = 0;
  await signIn(page, 'manager');
  await page.getByTestId('rules-form').waitFor();
  const steps = page.getByTestId('step');
  expect(await steps.count()).toBe(2);
  await shot(page, '2-rules');

  await page.getByTestId('add-step').click();
  // The new step has the focus: on with the keyboard.
  await page.keyboard.type('80');
  await page.keyboard.press('Tab');
  await page.keyboard.type('30');
  const before = await rulesOf('lotus-fort');
  await page.getByTestId('save-rules').click();
  await page.getByText('has to end later than the one above').waitFor();
  await page.getByText('more than the step above gives back').waitFor();
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-invalid'))).toBe('true');
  await shot(page, '3-complaints');
  expect(await rulesOf('lotus-fort')).toEqual(before);

  const third = steps.nth(2).getByRole('textbox');
  await third.nth(0).fill('10');
  await third.nth(1).fill('0');
  await third.nth(2).fill('5');
  await page.getByTestId('fees-back').check();
  await page.getByTestId('policy-leave').check();
  await page.getByTestId('save-rules').click();
  await page
    .getByTestId('rules-said')
    .filter({ hasText: /^Saved\. The \d+ shows .* keep the rules/ })
    .waitFor();
  await shot(page, '4-saved');
  expect(await rulesOf('lotus-fort')).toEqual({
    cancel_rules: {
      tiers: [
        { minutesBefore: 120, refundPercent: 75 },
        { minutesBefore: 20, refundPercent: 50 },
        { minutesBefore: 5, refundPercent: 10 },
      ],
      feesBack: true,
    },
    refund_policy: 'leave',
  });
  await page.reload();
  await page.getByTestId('rules-form').waitFor();
  expect(await steps.count()).toBe(3);
  await page.getByTestId('kind-none').check();
  await page.getByTestId('save-rules').click();
  await page.getByTestId('rules-said').filter({ hasText: 'Saved' }).waitFor();
  expect(await rulesOf('lotus-fort')).toMatchObject({ cancel_rules: { tiers: [], feesBack: true } });
  await page.getByTestId('sign-out').click();
  await page.getByTestId('staff-email').waitFor();
  await page.reload();
  await page.getByTestId('staff-email').waitFor();
  expect(errors).toEqual([]);
}, 60_000);

test('KIOSK-76 who is signed out by the server while managing is told so at the sign-in', async () => {
  const page = await newPage();
  await page.goto(`${house.baseUrl}/app/#/manage/lotus-fort`);
  await signIn(page, 'manager');
  await page.getByTestId('rules-form').waitFor();
  const body = JSON.stringify({ error: { code: 'unauthorized', message: 'The token has expired.' } });
  await page.route('**/api/admin/**', (route) => route.fulfill({ status: 401, contentType: 'application/json', body }));
  await page.getByTestId('save-rules').click();
  await page.getByRole('alert').filter({ hasText: 'Please sign in again.' }).waitFor();
  await page.unroute('**/api/admin/**');
  await signIn(page, 'manager');
  await page.getByTestId('rules-form').waitFor();
  await page.getByTestId('sign-out').click();
  await page.getByTestId('staff-email').waitFor();
  expect(await page.getByText('Please sign in again.').count()).toBe(0);
  expect(errors.filter((text) => !text.includes('401'))).toEqual([]);
}, 60_000);

test('KIOSK-61 KIOSK-78 what taking a show off means is said with the figures of the server, and happens when it is confirmed', async () => {
  const [showId = ''] = await showsToWalk(house.baseUrl);
  const customer = await newPage();
  await customer.goto(`${house.baseUrl}/app/#/shows/${showId}`);
  await customer.getByTestId('seat').first().waitFor();
  await (await toCheckout(customer, await neighbours(house.baseUrl, customer))).press('success');
  await customer.getByTestId('booking-code').waitFor();
  const total = (await customer.locator('.total dd').textContent()) ?? 'no total';

  const page = await newPage(390, 844);
  const [row] = await query(house, 'select theater_id as theater from shows where show_id = $1', [showId]);
  await page.goto(`${house.baseUrl}/app/#/manage`);
  await signIn(page, 'manager');
  await page.getByTestId('theater').first().waitFor();
  await shot(page, '5-theaters-phone');
  await page.goto(`${house.baseUrl}/app/#/manage/${row?.theater}`);
  await page.getByTestId('rules-form').waitFor();
  await page.getByTestId('managed-day').fill(tomorrow());
  const show = page.locator(`[data-testid=managed-show][data-show="${showId}"]`);
  await show.filter({ hasText: `1 booking, 2 seats, ${total}` }).waitFor();
  await shot(page, '6-manage-phone');
  await show.getByTestId('take-off').click();
  const meaning = page.getByTestId('take-off-meaning');
  await meaning.filter({ hasText: `1 booking (2 seats) ends, and ${total} goes back` }).waitFor();
  await page.screenshot({ path: `${SHOTS}/manage-7-take-off-phone.png` });
  // First the focus is on the way out, and Escape leads out too.
  expect(await page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe('keep-show');
  await page.keyboard.press('Escape');
  await page.getByTestId('take-off-dialog').waitFor({ state: 'detached' });
  const status = async (): Promise<unknown> =>
    (await query(house, 'select status from shows where show_id = $1', [showId]))[0]?.status;
  expect(await status()).toBe('on_sale');
  await show.getByTestId('take-off').click();
  // What was confirmed is not taken back by Escape, and its answer is not lost.
  let answer = (): void => undefined;
  const escaped = new Promise<void>((resolve) => (answer = resolve));
  await page.route('**/cancel', async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    await escaped;
    const body = JSON.stringify({ error: { code: 'unavailable', message: 'x' } });
    return route.fulfill({ status: 503, contentType: 'application/json', body });
  });
  await page.getByTestId('confirm-take-off').click();
  await page.getByText('One moment').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  answer();
  await page.getByTestId('take-off-dialog').getByRole('alert').waitFor();
  await page.unroute('**/cancel');
  await page.getByTestId('confirm-take-off').click();
  await page
    .getByTestId('taken-off-said')
    .filter({ hasText: `1 booking ended; ${total} on the way back` })
    .waitFor();
  await show.filter({ hasText: 'Taken off' }).waitFor();
  await shot(page, '8-taken-off-phone');
  expect(await status()).toBe('cancelled');
  expect(errors.filter((text) => !text.includes('503'))).toEqual([]);
}, 60_000);
