// The one connection of this page. Everybody is a guest until they sign in; the token outlives a reload.

import { connect, type Housefull } from '@housefull/client';
import { readConfig } from './config.ts';

export const config = readConfig(document.getElementById('housefull-config')?.textContent ?? '', location.origin);

export const house: Housefull = connect({
  url: config.serverUrl,
  storage: localStorage,
  renewToken: async (own) => {
    const guest = await own.auth.guest();
    return guest.ok ? guest.value.token : undefined;
  },
});
