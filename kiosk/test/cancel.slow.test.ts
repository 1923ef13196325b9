// Cancelling seats as people do it: a browser, the real server, the local gateway. Screenshots go to test-results/.

import { formatPaise, type Page as ListPage, type Show, type ShowDetail } from '@housefull/client';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { audit } from '../../server/test/process/audit.ts';
import { type House, startHouse } from '../../server/test/process/house.ts';
import { browserStage } from './stages.ts';
import { openPage, SHOTS, tomorrow } from './walking.ts';

const { errors, newContext } = browserStage();
let house: House;

beforeAll(async () => {
  house = await startHouse();
});
afterAll(() => house?.destroy());

const read = async <T>(path: string): Promise<T> => (await (await fetch(`${house.baseUrl}${path}`)).json()) as T;

/** A show far enough ahead for the first tier, at a theater that gives 75 % back and keeps its fees. */
async function tieredShow(): Promise<ShowDetail> {
  const { items } = await read<ListPage<Show>>(`/api/shows?city=mumbai&date=${tomorrow()}`);
  for (const { id } of items) {
    const detail = await read<ShowDetail>(`/api/shows/${id}`);
    const plain = detail.plan.areas?.some((area) => area.generalAdmission) !== true;
    if (plain && detail.cancel?.tiers[0]?.refundPercent === 75) return detail;
  }
  throw new Error('no show of tomorrow has tiers');
}

async function bookTwo(page: Page, show: ShowDetail): Promise<string[]> {
  await page.goto(`${house.baseUrl}/app/#/shows/${show.id}`);
  await page.getByTestId('seat').first().waitFor();
  while (!(await page.getByTestId('best-count').textContent())?.includes('2')) {
    await page.getByTestId('best-count-more').click();
  }
  await page.getByTestId('best').click();
  await page.getByTestId('contact-email').fill('asha@example.com');
  await page.getByTestId('pay').click();
  await page.frameLocator('iframe').locator('[data-outcome=success]').click();
  await page.getByTestId('booking-code').waitFor();
  return ((await page.getByTestId('booking-seats').textContent()) ?? '').split(/\s+/);
}

test('KIOSK-40 KIOSK-77 a customer cancels one seat and then the other, sees beforehand what comes back, and then that it did', async () => {
  const show = await tieredShow();
  const page = await openPage(await newContext(390, 844), errors);
  const [one = '', two = ''] = await bookTwo(page, show);
  const category = show.plan.seats.find(({ label }) => label === one)?.category ?? '';
  const seatPaise = show.pricePaise[category] ?? 0;
  const refund = formatPaise(seatPaise * 0.75);
  const kept = formatPaise(seatPaise * 0.25 + show.feePaisePerSeat * 1.18);

  const focused = (): Promise<string | null | undefined> => page.evaluate(() => document.activeElement?.textContent);
  await page.getByTestId('cancel-open').click();
  await expect.poll(focused).toBe('Which seats do you want to cancel?');
  expect(await page.getByTestId('cancel-confirm').count()).toBe(0);
  await page.getByTestId('cancel-all').click();
  await page.getByTestId('cancel-confirm').filter({ hasText: 'Cancel the whole booking' }).waitFor();
  expect(await focused()).toBe('Which seats do you want to cancel?');
  await page.getByTestId(`cancel-seat-${two}`).uncheck();
  await page
    .getByTestId('cancel-confirm')
    .filter({ hasText: `Cancel ${one}` })
    .waitFor();
  await page.getByTestId('cancel-confirm').waitFor();
  expect(await page.getByTestId('cancel-refund').textContent()).toBe(refund);
  expect(await page.getByTestId('cancel-kept').textContent()).toBe(kept);
  expect(await page.getByTestId('cancel-confirm').textContent()).toBe(`Cancel ${one}`);
  expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
  await page.screenshot({ path: `${SHOTS}/cancel-1-offer.png`, fullPage: true });
  await page.getByTestId('cancel-confirm').click();
  await page.getByTestId('cancelled-seats').waitFor();
  expect(await page.getByTestId('booking-seats').textContent()).toBe(two);
  expect(await page.getByTestId('cancelled-seats').textContent()).toContain(`${one}: ${refund} back, ${kept} kept`);
  await page.getByText('Your refund has been paid out.').waitFor();
  await page.screenshot({ path: `${SHOTS}/cancel-2-partly.png`, fullPage: true });

  await page.getByTestId('cancel-open').click();
  await page.getByTestId('cancel-keep').click();
  await expect.poll(focused).toBe('Cancel this seat');
  await page.getByTestId('cancel-open').click();
  await page.getByTestId('cancel-confirm').click();
  await page.locator('[data-testid=booking-status][data-display=refunded]').waitFor();
  expect(await page.getByTestId('cancel-open').count()).toBe(0);
  await page.screenshot({ path: `${SHOTS}/cancel-3-whole.png`, fullPage: true });
  expect(errors).toEqual([]);
  expect(await audit(house)).toMatchObject({ soldTwice: [], unguarded: [], ledgerDifferences: [], confirmed: 0 });
}, 90_000);
