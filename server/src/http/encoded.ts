// Encoded: an answer kept as bytes, plain and gzipped, with its ETag; made once, sent many times.

import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

export interface Encoded {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Absent when it would not be smaller. */
  readonly gzip?: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

const COMPRESSIBLE = /^(text\/|application\/(json|javascript|manifest)|image\/svg)/;
/** Below this a packet is a packet. */
const GZIP_FROM_BYTES = 1_000;

export function encode(content: string | Uint8Array, type: string): Encoded {
  const bytes = new Uint8Array(Buffer.from(content as string));
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  if (bytes.length < GZIP_FROM_BYTES || !COMPRESSIBLE.test(type)) return { type, bytes, etag };
  const gzip = new Uint8Array(gzipSync(bytes, { level: 9 }));
  return gzip.length < bytes.length ? { type, bytes, gzip, etag } : { type, bytes, etag };
}

/** 200 with the best encoding the client takes, or 304 when it has this very content. */
export function encodedResponse(request: Request, content: Encoded, cacheControl: string): Response {
  const headers = new Headers({ etag: content.etag, 'cache-control': cacheControl, vary: 'Accept-Encoding' });
  if (matches(request.headers.get('if-none-match'), content.etag)) return new Response(null, { status: 304, headers });
  headers.set('content-type', content.type);
  const gzip = takesGzip(request.headers.get('accept-encoding')) ? content.gzip : undefined;
  if (gzip) headers.set('content-encoding', 'gzip');
  const body = gzip ?? content.bytes;
  headers.set('content-length', String(body.length));
  return new Response(request.method === 'HEAD' ? null : body, { headers });
}

function matches(header: string | null, etag: string): boolean {
  if (header === null) return false;
  return header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag);
}

const takesGzip = (header: string | null): boolean =>
  /(^|,)\s*(gzip|\*)\s*(;\s*q=(1|0\.\d*[1-9]\d*)[.0]*\s*)?(,|$)/i.test(header ?? '');
