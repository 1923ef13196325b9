// The main path as people walk it: two real browsers, the real server, the local gateway's Checkout. Screenshots of
// each step go to test-results/, to be looked at.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { audit } from '../../server/test/process/audit.ts';
import { type House, startHouse } from '../../server/test/process/house.ts';
import { browserStage } from './stages.ts';
import { neighbours, openPage, SHOTS, seatOn, showsToWalk } from './walking.ts';

const { errors, newContext } = browserStage();
let house: House;

beforeAll(async () => {
  house = await startHouse();
});
afterAll(() => house?.destroy());

const newPage = async (width?: number, height?: number): Promise<Page> =>
  openPage(await newContext(width, height), errors);

/** Notes when each seat's status changes on the page, on the clock that all pages of this machine share. */
const watchSeats = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const seen: { label: string; status: string; atMs: number }[] = [];
    (globalThis as unknown as { seen: typeof seen }).seen = seen;
    new MutationObserver((changes) => {
      for (const change of changes) {
        const seat = change.target as HTMLElement;
        const { label = '', status = '' } = seat.dataset;
        seen.push({ label, status, atMs: performance.timeOrigin + performance.now() });
      }
    }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ['data-status'] });
  });

const seenAt = (page: Page, label: string, status: string): Promise<number | undefined> =>
  page.evaluate(
    ([l, s]) =>
      (globalThis as unknown as { seen: { label: string; status: string; atMs: number }[] }).seen.find(
        (one) => one.label === l && one.status === s,
      )?.atMs,
    [label, status] as const,
  );

describe('a booking in the browser', () => {
  test('KIOSK-20 a customer books two seats and has a ticket; another browser sees them held, then booked', async () => {
    const buyer = await newPage();
    await buyer.goto(`${house.baseUrl}/app/`);
    await buyer.getByTestId('city').locator('option').first().waitFor({ state: 'attached' });
    const onSale = await showsToWalk(house.baseUrl);
    await buyer.getByTestId('city').selectOption('mumbai');
    // Tomorrow: late in the evening nothing more is on today.
    await buyer.getByTestId('day').nth(1).click();
    await buyer.getByTestId('show-card').first().waitFor();
    await buyer.screenshot({ path: `${SHOTS}/1-shows.png` });
    await buyer
      .locator(onSale.map((id) => `[data-testid=show-time][data-show="${id}"]`).join())
      .first()
      .click();
    await buyer.getByTestId('seat').first().waitFor();
    const [one, two] = await neighbours(house.baseUrl, buyer);
    const viewer = await newPage(390, 844);
    await viewer.goto(buyer.url());
    await seatOn(viewer, one).waitFor();
    await watchSeats(viewer);

    await seatOn(buyer, one).click();
    await seatOn(buyer, two).click();
    await buyer.screenshot({ path: `${SHOTS}/2-picked.png` });
    const continuedAtMs = Date.now();
    await buyer.getByTestId('continue').click();
    await buyer.getByTestId('hold-countdown').waitFor();
    await viewer.waitForSelector(`[data-testid=seat][data-label="${one}"][data-status="held"]`, { state: 'attached' });
    await viewer.screenshot({ path: `${SHOTS}/3-viewer-held.png` });
    await buyer.getByTestId('contact-name').fill('Asha Rao');
    await buyer.getByTestId('contact-email').fill('asha@example.com');
    await buyer.screenshot({ path: `${SHOTS}/4-held.png` });
    await buyer.getByTestId('pay').click();

    const checkout = buyer.frameLocator('iframe');
    const succeed = checkout.locator('[data-outcome=success]');
    await succeed.waitFor();
    await buyer.screenshot({ path: `${SHOTS}/5-checkout.png` });
    await succeed.click();
    const paidAtMs = Date.now();
    await viewer.waitForSelector(`[data-testid=seat][data-label="${two}"][data-status="booked"]`, {
      state: 'attached',
    });
    await viewer.screenshot({ path: `${SHOTS}/6-viewer-booked.png` });
    const code = buyer.getByTestId('booking-code');
    await code.waitFor();
    expect(await code.textContent()).toMatch(/[A-Z0-9]{4,}/);
    expect(await buyer.getByTestId('booking-seats').textContent()).toMatch(new RegExp(`${one}\\s+${two}`));
    await buyer.screenshot({ path: `${SHOTS}/7-ticket.png` });

    const held = await seenAt(viewer, one, 'held');
    const booked = await seenAt(viewer, one, 'booked');
    expect(held, 'the viewer saw the seat held').toBeDefined();
    expect(booked, 'the viewer saw the seat booked').toBeDefined();
    const since = (atMs: number | undefined, fromMs: number): string => `${Math.round((atMs ?? 0) - fromMs)} ms`;
    process.stdout.write(`held on the other screen ${since(held, continuedAtMs)} after the click to hold\n`);
    process.stdout.write(`booked on the other screen ${since(booked, paidAtMs)} after the click to pay at Checkout\n`);
    expect(errors).toEqual([]);
    expect(await audit(house)).toMatchObject({ soldTwice: [], unguarded: [], ledgerDifferences: [], confirmed: 1 });
  }, 60_000);
});
