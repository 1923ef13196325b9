// How tests walk through the page of a real server: a Chromium, pages that note every complaint, and the steps that
// every walk begins with. A walk leaves a picture of each screen in test-results/, to be looked at.

import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { PlanSeat, Show, ShowDetail } from '@housefull/client';
import {
  type Browser,
  type BrowserContext,
  chromium,
  type FrameLocator,
  type Locator,
  type Page,
} from 'playwright-core';
import { dateOf } from '../src/india-time.ts';

export const SHOTS = resolve(import.meta.dirname, '../../test-results');
const CHROMIUM =
  process.env.CHROMIUM_PATH ?? ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync) ?? 'chromium';
/** Two processes and a browser on two cores: seconds, where it is milliseconds alone. */
const PATIENCE_MS = 25_000;

export function launchBrowser(): Promise<Browser> {
  mkdirSync(SHOTS, { recursive: true });
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A page that writes what goes wrong in it into `errors`. */
export async function openPage(context: BrowserContext, errors: string[]): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  // Checkout asks before it is closed.
  page.on('dialog', (dialog) => void dialog.accept());
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  return page;
}

/** Labels of two seats at the end of a row that is long enough to be left without an orphan, whatever plan this is. */
export function neighboursIn({ seats }: ShowDetail['plan']): readonly [string, string] | undefined {
  const isPlain = (at: number, like: PlanSeat): boolean => {
    const seat = seats[at];
    if (seat === undefined || seat.row !== like.row || seat.segment !== like.segment || seat.area !== like.area)
      return false;
    return [seat.group, seat.accessible, seat.companionOf, seat.house].every((mark) => mark === undefined);
  };
  const first = seats.find((seat, at) => [0, 1, 2, 3].every((by) => isPlain(at + by, seat)) && !isPlain(at - 1, seat));
  const second = seats[(first?.index ?? -2) + 1];
  return first === undefined || second === undefined ? undefined : [first.label, second.label];
}

export async function neighbours(baseUrl: string, page: Page): Promise<readonly [string, string]> {
  const showId = page.url().split('/').at(-1);
  const { plan } = (await (await fetch(`${baseUrl}/api/shows/${showId}`)).json()) as ShowDetail;
  const found = neighboursIn(plan);
  if (found === undefined) throw new Error('no four plain seats side by side');
  return found;
}

const DAY_MS = 86_400_000;

/** In India, where from half past six in the evening of London on it is another day. */
export const tomorrow = (): string => dateOf(Date.now() + DAY_MS);

/** Shows of tomorrow, on sale whatever the hour is, that have such neighbours. */
export async function showsToWalk(baseUrl: string): Promise<readonly string[]> {
  const read = async <T>(path: string): Promise<T> => (await (await fetch(`${baseUrl}${path}`)).json()) as T;
  const { items } = await read<{ items: readonly Show[] }>(`/api/shows?city=mumbai&date=${tomorrow()}`);
  const details = await Promise.all(items.map(({ id }) => read<ShowDetail>(`/api/shows/${id}`)));
  return details.filter(({ plan }) => neighboursIn(plan) !== undefined).map(({ id }) => id);
}

export const seatOn = (page: Page, label: string): Locator => page.locator(`[data-testid=seat][data-label="${label}"]`);

/** From the seat map to Checkout, with these seats. */
export async function toCheckout(page: Page, labels: readonly string[]): Promise<Checkout> {
  for (const label of labels) await seatOn(page, label).click();
  await page.getByTestId('continue').click();
  await page.getByTestId('hold-countdown').waitFor();
  await page.getByTestId('contact-name').fill('Asha Rao');
  await page.getByTestId('contact-email').fill('asha@example.com');
  return pay(page);
}

export async function pay(page: Page): Promise<Checkout> {
  await page.getByTestId('pay').click();
  const frame = page.frameLocator('iframe');
  await frame.locator('[data-outcome=success]').waitFor();
  return { frame, press: (outcome) => frame.locator(`[data-outcome=${outcome}]`).click() };
}

export interface Checkout {
  readonly frame: FrameLocator;
  press(outcome: 'success' | 'fail' | 'cancel' | 'silent' | 'debit_no_callback' | 'late'): Promise<void>;
}

export const shows = (page: Page, display: string): Promise<void> =>
  page.locator(`[data-testid=booking-status][data-display=${display}]`).waitFor();
