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
type RazorpayClass = new (options: RazorpayOptions) => { open(): void };

export type CheckoutEnd =
  | { readonly kind: 'paid'; readonly result: CheckoutResult }
  | { readonly kind: 'dismissed' }
  /** The script could not be loaded. */
  | { readonly kind: 'unreachable' };

export interface CheckoutRequest {
  readonly order: OrderAnswer;
  /** Left of the pay clock: Checkout closes itself then. */
  readonly remainingMs: number;
  readonly description: string;
  readonly contact: Contact;
}

/** Resolves when Checkout is closed; the customer may have paid even when it was only dismissed. */
export async function openCheckout(scriptUrl: string, request: CheckoutRequest): Promise<CheckoutEnd> {
  const Razorpay = await loadRazorpay(scriptUrl).catch(() => undefined);
  if (Razorpay === undefined) return { kind: 'unreachable' };
  const { order, contact, description, remainingMs } = request;
  return new Promise((resolve) => {
    const checkout = new Razorpay({
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
      handler: (result) => resolve({ kind: 'paid', result }),
      modal: { ondismiss: () => resolve({ kind: 'dismissed' }), confirm_close: true },
    });
    checkout.open();
  });
}

let loading: Promise<RazorpayClass> | undefined;

function loadRazorpay(scriptUrl: string): Promise<RazorpayClass> {
  loading ??= new Promise<RazorpayClass>((resolve, reject) => {
    const script = document.createElement('script');
    script.src = scriptUrl;
    script.onload = () => {
      const { Razorpay } = globalThis as { Razorpay?: RazorpayClass };
      if (Razorpay === undefined) reject(new Error('checkout.js made no Razorpay'));
      else resolve(Razorpay);
    };
    script.onerror = () => reject(new Error('checkout.js could not be loaded'));
    document.head.append(script);
  }).catch((error: unknown) => {
    // The next attempt loads it again.
    loading = undefined;
    throw error;
  });
  return loading;
}
