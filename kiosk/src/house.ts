// The one connection of this page. Everybody is a guest until they sign in; the token outlives a reload.

import { connect, type Housefull } from '@housefull/client';
import { readConfig } from './config.ts';
import { visitsEnded } from './earlier-visits.ts';
import { inBrowser } from './kept.ts';

export const config = readConfig(document.getElementById('housefull-config')?.textContent ?? '', location.origin);

export const house: Housefull = connect({
  url: config.serverUrl,
  storage: {
    getItem: (name) => inBrowser.get(name) ?? null,
    setItem: (name, token) => inBrowser.set(name, token),
    removeItem: (name) => inBrowser.remove(name),
  },
  renewToken: async (own) => {
    const before = await own.auth.token();
    const guest = await own.auth.guest();
    if (!guest.ok) return undefined;
    if (before !== undefined) visitsEnded.value += 1;
    return guest.value.token;
  },
});
