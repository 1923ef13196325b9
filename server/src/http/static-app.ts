// The app's files, read into memory once when the server starts: no request touches the disk, or names a path on it.

import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { type Encoded, encode, encodedResponse } from './encoded.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
/** A build of ours is below 2 MB; a directory given by mistake must not become memory. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Vite puts a hash of the content into the names below assets/. */
const HASHED = /^assets\/.+-[\w-]{8,}\.\w+$/;
const FOR_EVER = 'public, max-age=31536000, immutable';
const ASK_AGAIN = 'no-cache';

/** Stands in the app's index.html, in a script element that holds data. */
const CONFIG_MARK = '__HOUSEFULL_CONFIG__';

const NOT_BUILT = '<!doctype html><meta charset="utf-8"><title>Housefull</title><p>The app is not built.';

export interface StaticApp {
  /** `path` below /app/, decoded. Undefined: there is no such file, and no page would have that name. */
  respond(request: Request, path: string): Response | undefined;
}

export interface PageOptions {
  /** What the page is told, as JSON in its head. */
  readonly config: object;
  readonly policy: (host: string) => string;
}

/** A directory that is missing is an app that is not built: it says so, with 503. Throws when it is too large. */
export function loadStaticApp(directory: string, page: PageOptions): StaticApp {
  const files = readFiles(directory, page.config);
  const index = files.get('index.html');
  return {
    respond(request, path) {
      const file = files.get(path);
      if (file && file !== index) return encodedResponse(request, file, HASHED.test(path) ? FOR_EVER : ASK_AGAIN);
      // A missing asset is an old page's: HTML in its place would only confuse it.
      if (extname(path) !== '' && path !== 'index.html') return undefined;
      if (!index)
        return new Response(NOT_BUILT, { status: 503, headers: { 'content-type': 'text/html; charset=utf-8' } });
      const response = encodedResponse(request, index, ASK_AGAIN);
      response.headers.set('content-security-policy', page.policy(new URL(request.url).host));
      return response;
    },
  };
}

function readFiles(directory: string, config: object): Map<string, Encoded> {
  const files = new Map<string, Encoded>();
  let bytes = 0;
  for (const name of listFiles(directory)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const content = readFileSync(join(directory, name));
    bytes += content.length;
    if (bytes > MAX_BYTES) throw new Error(`${directory} has more than ${MAX_BYTES} bytes of files to serve`);
    const page = name === 'index.html' && content.toString().replace(CONFIG_MARK, () => embedded(config));
    files.set(name.split(sep).join('/'), encode(page || content, type));
  }
  return files;
}

/** JSON that cannot end the script element it stands in. */
const embedded = (config: object): string => JSON.stringify(config).replaceAll('<', '\\u003c');

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
