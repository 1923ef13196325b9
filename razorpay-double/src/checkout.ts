// Checkout: the script a shop includes, and the page it opens, whose buttons say what the customer and the bank do.

import { readFileSync } from 'node:fs';
import { TEST_CARDS } from './cards.ts';
import { payAs, payBody } from './customers.ts';
import type { Outcome } from './draft.ts';
import { no, ok } from './draft.ts';
import type { Notes } from './entities.ts';
import { NO_NOTES } from './entities.ts';
import { apiError, FAILURES } from './errors.ts';
import { readNotes } from './fields.ts';
import type { Answer, Call, Route } from './routes.ts';
import { refusal } from './routes.ts';

const CHECKOUT_SCRIPT = asset('checkout.js');
const PAGE = asset('page.html');
const PAGE_SCRIPT = asset('page.js');
const PAGE_STYLE = asset('page.css');

/** Readable from any origin, as the real script is; embedders with COEP need the second header. */
const EMBEDDABLE = { 'cross-origin-resource-policy': 'cross-origin', 'cache-control': 'no-store' };
const PAGE_HEADERS = {
  ...EMBEDDABLE,
  'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'",
  'referrer-policy': 'no-referrer',
};

export const CHECKOUT_ROUTES: readonly Route[] = [
  {
    name: 'checkout.script',
    method: 'GET',
    pattern: '/v1/checkout.js',
    handle: () => ({
      status: 200,
      contentType: 'text/javascript; charset=utf-8',
      text: CHECKOUT_SCRIPT,
      headers: { ...EMBEDDABLE, 'access-control-allow-origin': '*' },
    }),
  },
  { name: 'checkout.page_script', method: 'GET', pattern: '/checkout/assets/page.js', handle: () => pageScript() },
  { name: 'checkout.page_style', method: 'GET', pattern: '/checkout/assets/page.css', handle: () => pageStyle() },
  { name: 'checkout.page', method: 'GET', pattern: '/checkout/:orderId', handle: page },
  { name: 'checkout.pay', method: 'POST', pattern: '/checkout/:orderId/pay', handle: payFromPage },
];

function asset(name: string): string {
  return readFileSync(new URL(`../assets/${name}`, import.meta.url), 'utf8');
}

function pageScript(): Answer {
  return { status: 200, contentType: 'text/javascript; charset=utf-8', text: PAGE_SCRIPT, headers: EMBEDDABLE };
}

function pageStyle(): Answer {
  return { status: 200, contentType: 'text/css; charset=utf-8', text: PAGE_STYLE, headers: EMBEDDABLE };
}

function page(call: Call): Answer {
  const { engine } = call.double;
  const order = engine.state.orders.get(call.params.orderId ?? '');
  if (order === undefined) return refusal(apiError('id_unknown'));
  if (call.query.get('key_id') !== engine.ownerOf(order.entity.id).keyId)
    return refusal(apiError('authentication_failed'));
  const notes = notesOf(call.query.get('notes'));
  if (!notes.ok) return refusal(notes.error);
  const data = {
    orderId: order.entity.id,
    amount: order.entity.amount,
    currency: order.entity.currency,
    paid: order.entity.status === 'paid',
    /** Where results are posted; never `*`, so that only the page that opened Checkout hears them. */
    openerOrigin: originOf(call.query.get('origin')),
    name: call.query.get('name') ?? 'Test merchant',
    description: call.query.get('description') ?? '',
    email: call.query.get('email') ?? '',
    contact: call.query.get('contact') ?? '',
    method: call.query.get('method') ?? 'upi',
    /** Null: the payment has none, and they are not sent. */
    notes: notes.value === NO_NOTES ? null : notes.value,
    reasons: Object.keys(FAILURES),
    cards: TEST_CARDS.map(({ number, network, reason }) => ({ number, network, reason })),
  };
  const text = PAGE.replace('__DATA__', () => escapeAttribute(JSON.stringify(data)));
  return { status: 200, contentType: 'text/html; charset=utf-8', text, headers: PAGE_HEADERS };
}

/** The shop's option `notes`, which become the payment's. */
function notesOf(text: string | null): Outcome<Notes> {
  if (text === null) return ok(NO_NOTES);
  try {
    return readNotes(JSON.parse(text));
  } catch {
    return no(apiError('notes_value', 'notes'));
  }
}

function escapeAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

function originOf(text: string | null): string | null {
  if (text === null || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.origin : null;
}

function payFromPage(call: Call): Answer | Promise<Answer> {
  const parsed = payBody.safeParse({ ...call.fields, order_id: call.params.orderId });
  return parsed.success ? payAs(parsed.data, call) : refusal(apiError('body_malformed'));
}
