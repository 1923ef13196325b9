// Razorpay's Checkout, or the double's: the script is fetched when it is first needed, from where the server says.

import type { CheckoutResult, Contact, OrderAnswer } from '@housefull/client';

interface RazorpayOptions {
  readonly key: string;
  readonly amount: number;
  readonly currency: string;
  readonly order_id: string;
  readonly name: string;
  readonly description: string;
  readonly prefill: { readonly name?: string; readonly email?: string; readonly contact?: string };
  readonly timeout: number;
  readonly theme: { readonly color: string };
  readonly handler: (result: CheckoutResult) => void;
  readonly modal: { readonly ondismiss: () => void; readonly confirm_close: boolean };
}
interface RazorpayCheckout {
  open(): void;
  close(): void;
}
type RazorpayClass = new (options: RazorpayOptions) => RazorpayCheckout;

export type CheckoutEnd =
  | { readonly kind: 'paid'; readonly result: CheckoutResult }
  | { readonly kind: 'dismissed' }
  /** By us: there is nothing to pay here any more. */
  | { readonly kind: 'closed' }
  /** The script could not be loaded. */
  | { readonly kind: 'unreachable' };

export interface CheckoutRequest {
  readonly order: OrderAnswer;
  /** Left of the pay clock: Checkout closes itself then. */
  readonly remainingMs: number;
  readonly description: string;
  readonly contact: Contact;
  /** Closes it. */
  readonly signal: AbortSignal;
  readonly onOpen: () => void;
}

/** Resolves when Checkout is closed; the customer may have paid even when it was only dismissed. */
export async function openCheckout(scriptUrl: string, request: CheckoutRequest): Promise<CheckoutEnd> {
  const Razorpay = await loadRazorpay(scriptUrl).catch(() => undefined);
  if (request.signal.aborted) return { kind: 'closed' };
  if (Razorpay === undefined) return { kind: 'unreachable' };
  return new Promise((resolve) => {
    const finish = (end: CheckoutEnd): void => {
      request.signal.removeEventListener('abort', shut);
      resolve(end);
    };
    const shut = (): void => {
      checkout.close();
      finish({ kind: 'closed' });
    };
    const checkout = new Razorpay(optionsOf(request, finish));
    request.signal.addEventListener('abort', shut);
    checkout.open();
    request.onOpen();
  });
}

function optionsOf(request: CheckoutRequest, finish: (end: CheckoutEnd) => void): RazorpayOptions {
  const { order, contact, description, remainingMs } = request;
  return {
    key: order.keyId,
    amount: order.amount,
    currency: order.currency,
    order_id: order.orderId,
    name: 'Housefull',
    description,
    prefill: {
      ...(contact.name === undefined ? {} : { name: contact.name }),
      ...(contact.email === undefined ? {} : { email: contact.email }),
      ...(contact.phone === undefined ? {} : { contact: contact.phone }),
    },
    timeout: Math.max(1, Math.floor(remainingMs / 1000)),
    theme: { color: '#ffb84d' },
    handler: (result) => finish({ kind: 'paid', result }),
    modal: { ondismiss: () => finish({ kind: 'dismissed' }), confirm_close: true },
  };
}

/** A script that has not come by then is told as not coming; who waits may try again. */
const LOAD_MS = 15_000;

let loading: Promise<RazorpayClass> | undefined;

function loadRazorpay(scriptUrl: string): Promise<RazorpayClass> {
  loading ??= new Promise<RazorpayClass>((resolve, reject) => {
    const script = document.createElement('script');
    script.src = scriptUrl;
    script.onload = () => {
      clearTimeout(timer);
      const { Razorpay } = globalThis as { Razorpay?: RazorpayClass };
      if (Razorpay === undefined) reject(new Error('checkout.js made no Razorpay'));
      else resolve(Razorpay);
    };
    const fail = (): void => {
      script.remove();
      reject(new Error('checkout.js could not be loaded'));
    };
    script.onerror = fail;
    const timer = setTimeout(fail, LOAD_MS);
    document.head.append(script);
  }).catch((error: unknown) => {
    // The next attempt loads it again.
    loading = undefined;
    throw error;
  });
  return loading;
}
