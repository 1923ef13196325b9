// Operator
// --------
// Those who run the house: in some runs a manager takes a show off in the middle of its sale, sometimes two of them at
// once; and whoever did may go home when the first of it has ended, so that the rest must end by itself.
//
// Owns:   who still asks.

import type { ShowId } from '@housefull/schema/ids';
import { REQUEST_MS } from './options.ts';
import { Party } from './scheduler.ts';
import type { World } from './world.ts';

export class Operator {
  readonly #world: World;
  readonly #shows: readonly { readonly showId: ShowId; readonly atMs: number; readonly managers: number }[];
  #asking: number;

  constructor(world: World) {
    this.#world = world;
    const { scheduler, options, showIds } = world;
    const { random } = scheduler;
    const showId = showIds.at(-1);
    const isOff = random.chance(options.takenOff) && showId !== undefined;
    const atMs = random.between(options.faultyMs / 4, (options.faultyMs * 9) / 10);
    this.#shows = isOff ? [{ showId, atMs, managers: random.chance(0.3) ? 2 : 1 }] : [];
    this.#asking = this.#shows.reduce((sum, { managers }) => sum + managers, 0);
  }

  /** Everybody has been answered. */
  get done(): boolean {
    return this.#asking === 0;
  }

  run(): void {
    for (const { showId, atMs, managers } of this.#shows) {
      for (let n = 1; n <= managers; n += 1) this.#world.go(this.#takeOff(showId, atMs, new Party(`manager${n}`)));
    }
  }

  async #takeOff(showId: ShowId, atMs: number, party: Party): Promise<void> {
    const { scheduler, history, options } = this.#world;
    const { random } = scheduler;
    await scheduler.sleep(party, atMs + random.between(0, 200), 'takes a show off');
    const goesHome = random.chance(0.5);
    for (;;) {
      const reply = await this.#world.send(party, showId, { type: 'cancel_show' }, REQUEST_MS);
      if (reply?.ok === true) {
        const { epoch, revision, left } = reply.value;
        scheduler.note(`${party.name} has taken ${showId} off, ${left} have still to end`);
        history.add({ kind: 'taken_off', showId, epoch, revision });
        if (left === 0 || goesHome) break;
      } else await scheduler.sleep(party, random.between(20, 10 * options.againMs), 'waits');
    }
    this.#asking -= 1;
  }
}
