// What the server tells this page: it writes JSON in place of a literal text of index.html when it serves it. Under
// `vite dev` the text is still there, and everything has its default.

export interface PageConfig {
  /** Of Razorpay's checkout.js, or of the double's. */
  readonly checkoutUrl: string;
  /** Of the server; this page's own origin by default. */
  readonly serverUrl: string;
}

const RAZORPAY_CHECKOUT = 'https://checkout.razorpay.com/v1/checkout.js';

export function readConfig(text: string, origin: string): PageConfig {
  const given = parse(text);
  return {
    checkoutUrl: typeof given.checkoutUrl === 'string' ? given.checkoutUrl : RAZORPAY_CHECKOUT,
    serverUrl: typeof given.serverUrl === 'string' ? given.serverUrl : origin,
  };
}

function parse(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
