// What people open: the app at /app, / which leads there, and posters.

import { refuse } from '@housefull/schema/refusals';
import { refusalResponse } from './answers.ts';
import type { HttpDeps } from './deps.ts';
import { encode, encodedResponse } from './encoded.ts';
import type { Api } from './endpoint.ts';
import { POSTER_POLICY, pagePolicy } from './security-headers.ts';
import { loadStaticApp } from './static-app.ts';

/** Drawn from what the catalog knows of the film, which seldom changes. */
const POSTER_CACHING = 'public, max-age=3600';

export function pageRoutes(api: Api, { config, catalog }: Pick<HttpDeps, 'config' | 'catalog'>): void {
  const { checkoutUrl, publicUrl } = config;
  const app = loadStaticApp(config.appDir, {
    config: { checkoutUrl },
    policy: (host) => pagePolicy(publicUrl, checkoutUrl, host),
  });

  api.get('/', (c) => c.redirect('/app/', 302));
  api.get('/app', (c) => c.redirect('/app/', 302));
  api.get('/app/*', (c) => {
    const path = pathBelow(c.req.path, '/app/');
    const found = path === undefined ? undefined : app.respond(c.req.raw, path);
    return found ?? refusalResponse(refuse('not_found'));
  });

  api.get('/posters/:file{[A-Za-z0-9_-]{1,64}\\.svg}', async (c) => {
    const svg = await catalog.poster(c.req.param('file').slice(0, -'.svg'.length));
    if (svg === undefined) return refusalResponse(refuse('movie_not_found'));
    const poster = encodedResponse(c.req.raw, encode(svg, 'image/svg+xml; charset=utf-8'), POSTER_CACHING);
    poster.headers.set('content-security-policy', POSTER_POLICY);
    poster.headers.set('cross-origin-resource-policy', 'cross-origin');
    return poster;
  });
}

/** Undefined for a path that cannot be decoded. */
function pathBelow(path: string, root: string): string | undefined {
  try {
    return decodeURIComponent(path.slice(root.length)) || 'index.html';
  } catch {
    return undefined;
  }
}
