// What this browser keeps for us. Its storage may be forbidden (cookies are blocked), full, or hold what we never wrote:
// then what is kept lives as long as the page, and nobody who pays waits for it.

export interface Keeper {
  get(name: string): string | undefined;
  set(name: string, text: string): void;
  remove(name: string): void;
}

/** @param storage asked for each time: where it is forbidden, naming it throws. */
function keeperOf(storage: () => Storage): Keeper {
  /** What the storage did not take. */
  const here = new Map<string, string>();
  return {
    get(name) {
      return here.get(name) ?? tried(() => storage().getItem(name) ?? undefined);
    },
    set(name, text) {
      here.set(name, text);
      tried(() => {
        storage().setItem(name, text);
        here.delete(name);
      });
    },
    remove(name) {
      here.delete(name);
      tried(() => storage().removeItem(name));
    },
  };
}

function tried<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}

/** By all tabs, and after the last is closed. */
export const inBrowser = keeperOf(() => localStorage);
/** By this tab, over a reload. */
export const inTab = keeperOf(() => sessionStorage);

/** Undefined for what is no JSON. */
export const jsonOf = (text = ''): unknown => tried(() => JSON.parse(text));
