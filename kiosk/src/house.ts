// The one connection of this page. Everybody is a guest until they sign in; the token outlives a reload.

import { connect, type Housefull, STORAGE_KEY } from '@housefull/client';
import { answered } from './answered.ts';
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
    return inTurn(async () => {
      const kept = inBrowser.get(STORAGE_KEY);
      if (kept !== undefined && kept !== before) return kept;
      const guest = await own.auth.guest();
      return guest.ok ? guest.value.token : undefined;
    });
  },
});

let visit: string | undefined;
house.auth.onChange((token) => {
  if (visit !== undefined && token !== visit) visitsEnded.value += 1;
  visit = token;
});

/** Whoever comes without a token is a new guest, and all tabs are the same one. */
export async function beginVisit(): Promise<void> {
  const isNew = async (): Promise<boolean> => (await house.auth.token()) === undefined;
  if (await isNew()) {
    await inTurn(async () => {
      if (await isNew()) await answered(house.auth.guest());
    });
  }
  visit = await house.auth.token();
}

/** One tab after the other: two guests at once would be two customers, and the first could never see its bookings again. */
async function inTurn<T>(run: () => Promise<T>): Promise<T> {
  let leave = (): void => undefined;
  await new Promise<void>((enter) => {
    const stay = new Promise<void>((left) => {
      leave = left;
    });
    const hold = (): Promise<void> => {
      enter();
      return stay;
    };
    // Without locks (no HTTPS), or where they are forbidden, tabs take their chance.
    if (navigator.locks === undefined) enter();
    else navigator.locks.request('housefull.visit', hold).catch(enter);
  });
  try {
    return await run();
  } finally {
    leave();
  }
}
