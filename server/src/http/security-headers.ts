// Security headers: what browsers are told about every answer, and what our pages may load.

import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';

/** Two years, as browsers' preload lists ask; sent only where people reach us by https. */
const HSTS = 'max-age=63072000; includeSubDomains';

/** Data is not a page: whatever it says, nothing in it runs or is framed. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";
/** Posters style their own text, and are shown by pages of other origins too. */
export const POSTER_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

export function securityHeaders(publicUrl: string): MiddlewareHandler {
  const basic = secureHeaders({
    strictTransportSecurity: publicUrl.startsWith('https:') ? HSTS : false,
    xFrameOptions: 'DENY',
    referrerPolicy: 'strict-origin-when-cross-origin',
    crossOriginResourcePolicy: false,
    // Checkout opens banks' pages in popups, and hears from them.
    crossOriginOpenerPolicy: 'same-origin-allow-popups',
    permissionsPolicy: { camera: [], microphone: [], geolocation: [], usb: [] },
  });
  return async (c, next) => {
    await basic(c, next);
    const { headers } = c.res;
    if (!headers.has('content-security-policy')) headers.set('content-security-policy', DATA_POLICY);
    if (!headers.has('cross-origin-resource-policy')) headers.set('cross-origin-resource-policy', 'same-origin');
  };
}

/**
 * For our pages, as they were reached by `host`. Checkout's script runs in them and opens a frame of its own origin; the
 * real one also frames, calls and shows pictures from its sister hosts. Its overlay has inline styles, hence
 * 'unsafe-inline' for styles alone.
 */
export function pagePolicy(publicUrl: string, checkoutUrl: string, host: string): string {
  const checkout = new URL(checkoutUrl);
  const family = checkout.hostname.endsWith('.razorpay.com')
    ? [checkout.origin, 'https://*.razorpay.com']
    : [checkout.origin];
  // 'self' covers sockets of the same host in current browsers; older Safaris want them said.
  const scheme = publicUrl.startsWith('https:') ? 'wss' : 'ws';
  const sockets = PLAIN_HOST.test(host) ? [`${scheme}://${host}`] : [];
  const directives: readonly (readonly string[])[] = [
    ['default-src', "'self'"],
    ['script-src', "'self'", ...family],
    ['style-src', "'self'", "'unsafe-inline'"],
    ['img-src', "'self'", 'data:', 'https:'],
    ['connect-src', "'self'", ...sockets, ...family],
    ['frame-src', ...family],
    ['form-action', "'self'", ...family],
    ['base-uri', "'none'"],
    ['object-src', "'none'"],
    ['frame-ancestors', "'none'"],
  ];
  return directives.map((directive) => directive.join(' ')).join('; ');
}

/** A host that can stand in a policy: the client wrote it. */
const PLAIN_HOST = /^[A-Za-z0-9.-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/;
