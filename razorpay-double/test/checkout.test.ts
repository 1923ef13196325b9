// The checkout page in a real browser, opened by a shop on another origin.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, FrameLocator, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { control, KEYS, sdkFor, start } from './harness.ts';

// A browser's first pages may take long on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

let browser: Browser;

/** For a person to look at. */
const screenshot = (name: string) => `test-results/double-${name}.png`;

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
});

afterAll(() => browser.close());

type Reason = { reason: string } | undefined;
type Heard = { what: string; value: Record<string, unknown> };
type Shop = {
  page: Page;
  frame: FrameLocator;
  orderId: string;
  url: string;
  heard: () => Promise<Heard[]>;
  statuses: () => Promise<string[]>;
};

/** A shop that opens Checkout for a fresh order and writes down whatever it is told. */
async function openCheckout(options: object = {}): Promise<Shop> {
  const { url } = await start();
  const { orders } = sdkFor(url);
  const order = await orders.create({ amount: 123_456, currency: 'INR' });
  const settings = {
    key: KEYS.keyId,
    order_id: order.id,
    name: 'Star <b>"Cinemas"</b>',
    description: 'H12',
    ...options,
  };
  const html = `<!doctype html><title>shop</title><button id="buy">Buy</button>
    <script src="${url}/v1/checkout.js"></script>
    <script>
      window.heard = [];
      const write = (what) => (value) => heard.push({ what, value: value ?? null });
      const checkout = new Razorpay({
        ...${JSON.stringify(settings).replaceAll('<', '\\u003c')},
        ${'callback_url' in options ? '' : "handler: write('handler'),"}
        modal: { ondismiss: write('dismiss') },
      });
      checkout.on('payment.failed', write('failed'));
      document.getElementById('buy').onclick = () => checkout.open();
    </script>`;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(request.method === 'POST' ? `<pre>${body}</pre>` : html);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const page = await browser.newPage({ viewport: { width: 420, height: 800 } });
  onTestFinished(async () => {
    await page.close();
    server.closeAllConnections();
    server.close();
  });
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
  await page.click('#buy');
  const frame = page.frameLocator('iframe.razorpay-checkout-frame');
  await frame.getByRole('button', { name: /^Pay ₹/ }).waitFor();
  return {
    page,
    frame,
    orderId: order.id,
    url,
    heard: () => page.evaluate('window.heard') as Promise<Heard[]>,
    statuses: async () => (await orders.fetchPayments(order.id)).items.map(({ status }) => status),
  };
}

const overlayGone = (shop: Shop) => shop.page.locator('.razorpay-container').waitFor({ state: 'detached' });

test('DOUBLE-41 Checkout shows what is bought, and success closes it and hands over the signed callback', async () => {
  const shop = await openCheckout();
  expect(await shop.frame.locator('#amount').textContent()).toBe('₹1,234.56');
  // Markup in a name stays text.
  expect(await shop.frame.locator('#merchant').textContent()).toBe('Star <b>"Cinemas"</b>');
  await shop.frame.getByText('Netbanking', { exact: true }).click();
  await shop.frame.getByRole('button', { name: /^Pay ₹/ }).click();
  await overlayGone(shop);
  const [heard] = await shop.heard();
  expect(heard).toMatchObject({ what: 'handler', value: { razorpay_order_id: shop.orderId } });
  const [payment] = (await sdkFor(shop.url).orders.fetchPayments(shop.orderId)).items;
  expect(payment).toMatchObject({ id: heard?.value.razorpay_payment_id, method: 'netbanking', status: 'authorized' });
  expect(await shop.page.evaluate('document.activeElement.id')).toBe('buy');
});

test('DOUBLE-42 a failure is told and leaves Checkout open for another attempt', async () => {
  const shop = await openCheckout();
  await shop.frame.getByRole('button', { name: 'Payment fails' }).click();
  await shop.frame.getByRole('alert').waitFor();
  expect(await shop.frame.getByRole('alert').textContent()).toContain('Payment was unsuccessful');
  await shop.frame.getByRole('button', { name: /^Pay ₹/ }).click();
  await overlayGone(shop);
  expect(await shop.heard()).toMatchObject([
    { what: 'failed', value: { error: { reason: 'payment_failed', metadata: { order_id: shop.orderId } } } },
    { what: 'handler' },
  ]);
  expect(await shop.statuses()).toEqual(['authorized', 'failed']);
});

test('DOUBLE-43 cancel, the cross and Escape dismiss without an attempt', async () => {
  const shop = await openCheckout();
  await shop.frame.getByRole('button', { name: 'Customer cancels' }).click();
  await overlayGone(shop);
  await shop.page.click('#buy');
  await shop.frame.getByRole('button', { name: 'Close', exact: true }).click();
  await overlayGone(shop);
  await shop.page.click('#buy');
  await shop.frame.getByRole('button', { name: /^Pay ₹/ }).press('Escape');
  await overlayGone(shop);
  expect((await shop.heard()).map(({ what }) => what)).toEqual(['dismiss', 'dismiss', 'dismiss']);
  expect(await shop.statuses()).toEqual([]);
});

test('DOUBLE-44 a silent bank keeps the customer waiting, with a way out', async () => {
  const shop = await openCheckout();
  await shop.frame.getByRole('button', { name: 'Bank stays silent' }).click();
  await shop.frame.getByText('Waiting for your bank…').waitFor();
  await expect.poll(shop.statuses).toEqual(['created']);
  await shop.frame.getByRole('button', { name: 'Close', exact: true }).click();
  await overlayGone(shop);
  expect(await shop.heard()).toEqual([{ what: 'dismiss', value: null }]);
});

test('DOUBLE-45 debited and gone: the shop hears nothing, the money is there', async () => {
  const shop = await openCheckout();
  await shop.frame.getByRole('button', { name: 'Debited, then tab closed' }).click();
  await overlayGone(shop);
  expect(await shop.heard()).toEqual([]);
  expect(await shop.statuses()).toEqual(['authorized']);
});

test('DOUBLE-46 late success fails at first and authorizes when its seconds have passed', async () => {
  const shop = await openCheckout();
  await shop.frame.getByLabel('Seconds until late success').fill('3600');
  await shop.frame.getByRole('button', { name: 'Late success in' }).click();
  await shop.frame.getByRole('alert').waitFor();
  expect(await shop.heard()).toMatchObject([{ what: 'failed' }]);
  await control(shop.url, 'POST', 'clock/advance', { ms: 3_000_000 });
  expect(await shop.statuses()).toEqual(['failed']);
  await control(shop.url, 'POST', 'clock/advance', { ms: 600_000 });
  expect(await shop.statuses()).toEqual(['authorized']);
});

test('DOUBLE-47 with a callback url the three fields are posted there, and a timeout closes Checkout', async () => {
  const shop = await openCheckout({ callback_url: '/paid', redirect: true });
  await shop.frame.getByRole('button', { name: /^Pay ₹/ }).click();
  await shop.page.waitForURL('**/paid');
  const fields = new URLSearchParams((await shop.page.locator('pre').textContent()) ?? '');
  expect([...fields.keys()]).toEqual(['razorpay_payment_id', 'razorpay_order_id', 'razorpay_signature']);

  const timed = await openCheckout({ timeout: 3 });
  await overlayGone(timed);
  expect(await timed.heard()).toEqual([{ what: 'dismiss', value: 'timeout' }]);
});

test('DOUBLE-75 a test card goes by the bank, whose OTP and number decide, and a UPI id says how it ends', async () => {
  const shop = await openCheckout();
  const reasons = async () => (await shop.heard()).map(({ what, value }) => (value.error as Reason)?.reason ?? what);
  await shop.frame.getByLabel('UPI ID').fill('failure@razorpay');
  await shop.frame.getByRole('button', { name: /^Pay ₹/ }).click();
  await shop.frame.getByRole('alert').waitFor();
  await shop.frame.getByText('Card', { exact: true }).click();
  const payByCard = async (number: string, otp: string) => {
    await shop.frame.getByLabel('Card number').fill(number);
    await shop.frame.getByRole('button', { name: /^Pay ₹/ }).click();
    await shop.frame.getByLabel('OTP from your bank').fill(otp);
    await shop.frame.getByRole('button', { name: 'Submit' }).click();
  };
  await payByCard('4100 2800 0008 0001', '1234');
  await expect.poll(reasons).toEqual(['payment_failed', 'insufficient_fund']);
  await shop.page.screenshot({ path: screenshot('card-refused') });
  await payByCard('4100 2800 0000 1007', '123');
  await expect.poll(reasons).toEqual(['payment_failed', 'insufficient_fund', 'incorrect_otp']);
  await payByCard('4100 2800 0000 1007', '123456');
  await overlayGone(shop);
  expect((await reasons()).at(-1)).toBe('handler');
  expect(await shop.statuses()).toEqual(['authorized', 'failed', 'failed', 'failed']);
});

test('DOUBLE-76 a failure has the reason that was chosen, and retries end when the shop says so', async () => {
  const shop = await openCheckout({ retry: { enabled: true, max_count: 1 } });
  await shop.page.screenshot({ path: screenshot('checkout') });
  await shop.frame.getByLabel('Reason of the failure').selectOption('card_declined');
  await shop.frame.getByRole('button', { name: 'Payment fails' }).click();
  await shop.frame.getByRole('alert').waitFor();
  await shop.frame.getByLabel('Reason of the failure').selectOption('insufficient_funds');
  await shop.frame.getByRole('button', { name: 'Payment fails' }).click();
  await overlayGone(shop);
  expect(await shop.heard()).toMatchObject([
    { what: 'failed', value: { error: { reason: 'card_declined' } } },
    { what: 'failed', value: { error: { reason: 'insufficient_funds' } } },
  ]);
});

test('DOUBLE-77 callback faults reach the shop as they would from a browser: twice, never, tampered with', async () => {
  for (const [kind, heardOf] of [
    ['callback_doubled', ['handler', 'handler']],
    ['callback_lost', []],
    ['callback_tampered', ['handler']],
  ] as const) {
    const shop = await openCheckout();
    await control(shop.url, 'POST', 'faults', { kind });
    await shop.frame.getByRole('button', { name: /^Pay ₹/ }).click();
    await overlayGone(shop);
    const heard = await shop.heard();
    expect([kind, heard.map(({ what }) => what)]).toEqual([kind, heardOf]);
    expect(await shop.statuses()).toEqual(['authorized']);
    const [payment] = (await sdkFor(shop.url).orders.fetchPayments(shop.orderId)).items;
    const ids = heard.map(({ value }) => value.razorpay_payment_id === payment?.id);
    expect(ids).toEqual(heard.map(() => kind !== 'callback_tampered'));
    await shop.page.close();
  }
});

test('DOUBLE-48 a wrong key or an unknown order has no page', async () => {
  const { url } = await start();
  const order = await sdkFor(url).orders.create({ amount: 100, currency: 'INR' });
  expect((await fetch(`${url}/checkout/${order.id}?key_id=rzp_test_other`)).status).toBe(401);
  expect((await fetch(`${url}/checkout/order_AAAAAAAAAAAAAA?key_id=${KEYS.keyId}`)).status).toBe(400);
});

test("DOUBLE-95 the notes a shop gives to Checkout are the payment's, and those of a wrong form are refused", async () => {
  const shop = await openCheckout({ notes: { seats: 'H12 & "H13"', count: 2 } });
  await shop.frame.getByRole('button', { name: /^Pay ₹/ }).click();
  await overlayGone(shop);
  const [payment] = (await sdkFor(shop.url).orders.fetchPayments(shop.orderId)).items;
  expect(payment?.notes).toEqual({ seats: 'H12 & "H13"', count: '2' });
  for (const notes of ['{', '"x"', '{"a":{}}']) {
    const page = `${shop.url}/checkout/${shop.orderId}?key_id=${KEYS.keyId}&notes=${encodeURIComponent(notes)}`;
    expect([notes, (await fetch(page)).status]).toEqual([notes, 400]);
  }
});

test('DOUBLE-96 Checkout offers no button before it does something', async () => {
  const shop = await openCheckout();
  await shop.frame.getByRole('button', { name: 'Customer cancels' }).click();
  await overlayGone(shop);
  let release = () => {};
  const released = new Promise<void>((done) => {
    release = done;
  });
  await shop.page.route('**/page.js', async (route) => {
    await released;
    await route.continue();
  });
  await shop.page.click('#buy');
  await shop.frame.locator('#merchant').waitFor();
  expect(await shop.frame.getByRole('button').count()).toBe(0);
  release();
  await shop.frame.getByRole('button', { name: 'Close', exact: true }).click();
  await overlayGone(shop);
  expect((await shop.heard()).map(({ what }) => what)).toEqual(['dismiss', 'dismiss']);
});
