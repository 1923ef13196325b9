// Walks through the page against the box office at three sizes and writes a picture of each step. Run by hand:
// `node kiosk/test/screenshots.ts DIR`, after `npm run build -w @housefull/kiosk`.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BOOKED } from '@housefull/schema/status';
import { chromium, type Page } from 'playwright-core';
import { type BoxOffice, startBoxOffice } from './box-office.ts';

const SIZES = { phone: [390, 844], desktop: [1280, 800], kiosk: [1080, 1920] } as const;
const dir = process.argv[2] ?? 'test-results/kiosk';
mkdirSync(dir, { recursive: true });

const dist = join(import.meta.dirname, '..', 'dist');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
const taken = Array.from({ length: 90 }, (_, at) => (at * 37) % 400).filter((seat) => seat < 150 || seat > 190);

for (const [name, [width, height]] of Object.entries(SIZES)) {
  const office = await startBoxOffice(dist);
  office.book.set(taken, BOOKED);
  await visit(name, width, height, office.page, (page, shot) => walk(office, page, shot));
  await office.close();
}
for (const planId of ['demo-sofa', 'demo-drive-in', 'demo-palace', 'demo-imax']) {
  const other = await startBoxOffice(dist, { planId });
  for (const [name, [width, height]] of Object.entries(SIZES)) {
    await visit(`${name}-${planId}`, width, height, `${other.page}#/shows/demo1`, rules);
  }
  await other.close();
}
await browser.close();

type Shot = (step: string) => Promise<Buffer>;

async function visit(
  name: string,
  width: number,
  height: number,
  url: string,
  walkThrough: (page: Page, shot: Shot) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ viewport: { width, height } });
  const page = await context.newPage();
  page.setDefaultTimeout(5_000);
  page.on('console', (message) => process.stdout.write(`${name} console: ${message.text()}\n`));
  page.on('pageerror', (error) => process.stdout.write(`${name} error: ${error.message}\n`));
  await page.goto(url);
  await walkThrough(page, (step) => page.screenshot({ path: join(dir, `${name}-${step}.png`) }));
  await context.close();
}

/** What the rules of seats look like on this plan. */
async function rules(page: Page, shot: Shot): Promise<void> {
  await page.getByTestId('seat').first().waitFor();
  await shot('1-map');
  await page.locator('[data-status=kept]').first().click();
  await shot('2-kept');
  await page.getByTestId('accessible').click();
  await shot('3-accessible');
  await page.getByTestId('accessible').click();
  const area = page.getByTestId('area');
  if ((await area.count()) > 0) {
    await area.click();
    await shot('4-area');
  }
  for (const label of ['H8', 'H9', 'H10', 'C4', 'G1', 'TB2']) {
    const seat = page.locator(`[data-testid=seat][data-label=${label}][data-status=available]`);
    if ((await seat.count()) > 0) await seat.click();
  }
  const child = page.getByTestId('ticket');
  if ((await child.count()) > 0) await child.last().selectOption('child');
  await shot('5-picked');
  await page.getByTestId('continue').click();
  await page.locator('[data-testid=suggestion], [data-testid=hold-countdown]').first().waitFor();
  await shot('6-answer');
  const release = page.getByTestId('release');
  if ((await release.count()) > 0) await release.click();
}

async function walk(office: BoxOffice, page: Page, shot: Shot): Promise<void> {
  await page.locator('[data-badge]').first().waitFor();
  await page.waitForLoadState('networkidle');
  await shot('1-listing');
  await page.locator('[data-show=demo1]').click();
  await page.locator('[data-testid=seat][data-status=booked]').first().waitFor();
  await shot('2-map');
  for (const label of ['H12', 'H13', 'H14']) await page.locator(`[data-testid=seat][data-label=${label}]`).click();
  await shot('3-picked');
  const picked = await page.locator('[data-status=picked]').first().getAttribute('data-index');
  office.book.set([Number(picked)], BOOKED);
  await page.getByTestId('refusal').waitFor();
  await shot('4-taken');
  await page.getByTestId('continue').click();
  await page.getByTestId('hold-countdown').waitFor();
  await shot('5-held');
  await page.getByTestId('contact-email').fill('asha@example.com');
  await page.getByTestId('pay').click();
  const checkout = page.frameLocator('iframe');
  const payNow = checkout.getByRole('button', { name: /^Pay ₹/ });
  await payNow.waitFor();
  await shot('6-checkout');
  office.settleAfterMs = 1_500;
  await payNow.click();
  await page
    .locator('[data-testid=booking-status][data-display=confirming], [data-testid=booking-status][data-display=paying]')
    .waitFor();
  await shot('7-confirming');
  await page.getByTestId('booking-code').waitFor();
  await shot('8-ticket');
  await page.getByRole('link', { name: 'My bookings' }).first().click();
  await page.getByTestId('booking-row').waitFor();
  await shot('9-bookings');
}
