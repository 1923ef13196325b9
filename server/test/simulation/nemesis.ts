// Nemesis: blows at nodes while faults are on. Each is noted, so that a trace tells what was done to whom and when.

import { Party } from './scheduler.ts';
import type { World } from './world.ts';

const HOUR_MS = 3_600_000;
const BLOWS = {
  kill: 4,
  stall: 4,
  'node loses requests': 2,
  'node loses replies': 2,
  'wall clock jumps an hour': 2,
  'database outage': 1,
  'gateway outage': 1,
  'database clock steps': 1,
  drain: 2,
  'lease ended early, competing claims': 3,
} as const;

export class Nemesis {
  readonly #party = new Party('nemesis');
  readonly #world: World;
  blows = 0;

  constructor(world: World) {
    this.#world = world;
  }

  async run(): Promise<void> {
    const { scheduler, options } = this.#world;
    for (;;) {
      await scheduler.sleep(this.#party, scheduler.random.between(50, 2 * options.faults.blowEveryMs), 'strikes');
      if (!this.#world.faulty) return;
      this.#strike();
    }
  }

  #strike(): void {
    const { scheduler } = this.#world;
    const { random } = scheduler;
    const live = this.#world.liveNodes();
    if (live.length === 0) return;
    const node = random.pick(live);
    const { name } = node.party;
    const kind = random.weighted(BLOWS);
    if (!this.#world.swarm.has(kind)) return;
    this.blows += 1;
    this.#world.swarm.happened(kind);
    switch (kind) {
      case 'kill':
        node.die('is killed');
        return;
      case 'stall': {
        const ms = random.between(100, 6_000);
        scheduler.stall(node.party, ms);
        scheduler.note(`${name} stalls for ${ms} ms`);
        return;
      }
      case 'node loses requests':
      case 'node loses replies': {
        node.cut = kind === 'node loses requests' ? 'requests' : 'replies';
        const ms = random.between(200, 5_000);
        scheduler.note(`${name} loses its ${node.cut} to the database for ${ms} ms`);
        this.#later(ms, () => {
          node.cut = 'none';
        });
        return;
      }
      case 'wall clock jumps an hour': {
        node.party.wallJumpMs += random.pick([-HOUR_MS, HOUR_MS]);
        scheduler.note(`the wall clock of ${name} is now ${node.party.wallJumpMs} ms off`);
        return;
      }
      case 'database outage':
      case 'gateway outage': {
        const ms = random.between(300, 3_000);
        const which = kind === 'database outage' ? 'database' : 'gateway';
        this.#world.away.add(which);
        scheduler.note(`the ${which} is away for ${ms} ms`);
        this.#later(ms, () => this.#world.away.delete(which));
        return;
      }
      case 'database clock steps': {
        const ms = random.between(-3_000, 3_000);
        this.#world.jumpDatabase(ms);
        scheduler.note(`the clock of the database jumps ${ms} ms`);
        return;
      }
      case 'drain': {
        scheduler.note(`${name} is told to stop`);
        this.#world.go(node.drain());
        this.#world.replace(random.between(1_000, 4_000));
        return;
      }
      case 'lease ended early, competing claims': {
        const row = this.#world.database.nodes.get(node.nodeId);
        if (row === undefined) return;
        this.#world.database.nodes.set(node.nodeId, { ...row, leaseEndMs: 0 });
        scheduler.note(`the lease of ${name} is ended, and others take its shows before it hears of that`);
        for (const other of live) {
          if (other === node) continue;
          for (const showId of this.#world.showIds)
            scheduler.after(other.party, 0, 'takes over', () => void other.actors.find(showId));
        }
      }
    }
  }

  /** Also after the faults have ended: what was broken is mended. */
  #later(ms: number, run: () => void): void {
    this.#world.scheduler.after(this.#party, ms, 'mends', () => {
      if (this.#world.faulty) run();
    });
  }
}
