// What an actor is given: everything it may not have of its own (L5).

import type { Gateway } from '../payments/gateway.ts';
import type { Show } from '../show/show.ts';
import type { LoadedShow, ShowStore } from '../store/show-store.ts';
import type { CommandMaker } from './requests.ts';

/** Time, chance and turns, as arguments (L5): real in the server, virtual in the simulator. */
export interface Clock {
  /** Monotonic. */
  nowMs(): number;
  /** Calls back once; answers the canceller. */
  setTimer(delayMs: number, callback: () => void): () => void;
  /** Calls back at the end of this turn of the loop, so that what came together is committed together. */
  defer(callback: () => void): void;
}

export interface ActorLog {
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface ActorDeps {
  readonly store: ShowStore;
  readonly gateway: Pick<Gateway, 'createOrder' | 'keyId'>;
  readonly clock: Clock;
  readonly maker: CommandMaker;
  /** The node's lease; past it the actor refuses by itself (ARCHITECTURE.md). */
  readonly lease: { heldAt(nowMs: number): boolean };
  readonly log: ActorLog;
  /** Builds the value from what was loaded; the composition root knows the rules. */
  readonly buildShow: (loaded: LoadedShow, epoch: number, nowMs: number) => Show;
  /** The actor serves no more; it is told once. */
  readonly ended?: () => void;
}
