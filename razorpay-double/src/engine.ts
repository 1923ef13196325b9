// Engine
// ------
// The one place where the pure machine meets the clock, chance and the journal.
//
// Owns:   the state, its clock, the timer for what is due next.
// Never:  decides about money (orders, payments, refunds do) or speaks HTTP.
// Invariants:
//   What was due happens first, in the order of its times, before any command sees the state.
//   An answer that shows the state leaves only after `durable()`: see http.ts.

import type { Outcome } from './draft.ts';
import { Draft, ok } from './draft.ts';
import type { DueEntry } from './due-heap.ts';
import type { Merchant, Payment, Settings } from './entities.ts';
import { MAIN } from './entities.ts';
import type { FaultAt, FaultPlace } from './faults.ts';
import type { Journal } from './journal.ts';
import { firePaymentPlan } from './payments.ts';
import { fireRefundPlan } from './refunds.ts';
import type { Change, State } from './state.ts';

/** Node clamps longer timers to 1 ms; waking once an hour for nothing is free. */
const TIMER_MAX_MS = 3_600_000;

export type EngineOptions = {
  readonly state: State;
  readonly journal: Journal;
  readonly merchant: Merchant;
  readonly wallNowMs: () => number;
  readonly newId: (prefix: string) => string;
};

export class Engine {
  readonly state: State;
  readonly merchant: Merchant;
  readonly newId: (prefix: string) => string;
  readonly #journal: Journal;
  readonly #wallNowMs: () => number;
  readonly #listeners = new Set<(change: Change) => void>();
  #timer: NodeJS.Timeout | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(options: EngineOptions) {
    this.state = options.state;
    this.merchant = options.merchant;
    this.newId = options.newId;
    this.#journal = options.journal;
    this.#wallNowMs = options.wallNowMs;
  }

  /** The account whose order, payment or refund this is; the main one for ids nobody knows. */
  ownerOf(id: string): Merchant {
    return this.state.merchants.get(this.state.merchantIdOf(id) ?? MAIN) ?? this.merchant;
  }

  get dirId(): string {
    return this.#journal.dirId;
  }

  /** The double's own time: the machine's plus what was advanced, and never backwards. */
  nowMs(): number {
    return Math.max(this.state.lastAtMs, this.#wallNowMs() + this.state.clockOffsetMs);
  }

  /** Decides and, when it is a yes, applies and journals. A refused command changes nothing. */
  execute<T>(what: string, decide: (draft: Draft) => Outcome<T>): Outcome<T> {
    // One reading of the clock for both: what is due between two readings would come after a command of a later time.
    const nowMs = this.nowMs();
    this.#runDueUntil(nowMs);
    const draft = this.#draft(nowMs);
    const outcome = decide(draft);
    if (outcome.ok) this.#commit(what, draft);
    return outcome;
  }

  /** The fault that strikes this subject, one of its uses spent; undefined when none does. */
  strike<P extends FaultPlace>(place: P, names: readonly string[]): FaultAt<P> | undefined {
    if (this.state.faults.size === 0) return undefined;
    const outcome = this.execute('fault.strike', (draft) => ok(draft.takeFault(place, names)));
    return outcome.ok ? outcome.value : undefined;
  }

  /** The chance of all faults begins anew. */
  seed(seed: number): void {
    this.execute('seed', (draft) => ok(draft.put(['chance', { seed, draws: 0 }])));
  }

  /** Everything changed so far is on disk when this resolves; null when it is already. */
  durable(): Promise<void> | null {
    return this.#journal.durable();
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Moves the double's clock. Whatever comes due on the way happens at its own time, in order. */
  advanceClock(byMs: number): void {
    const offsetMs = this.state.clockOffsetMs + byMs;
    this.execute('clock.advance', (draft) => ok(draft.put(['clock', { offsetMs }])));
    this.runDue();
  }

  changeSettings(change: Partial<Settings>): Settings {
    const settings = { ...this.state.settings, ...change };
    this.execute('settings', (draft) => ok(draft.put(['settings', settings])));
    return settings;
  }

  reset(): void {
    this.execute('reset', (draft) => ok(draft.put(['reset', {}])));
  }

  /** Fires every plan whose time has come. */
  runDue(): void {
    this.#runDueUntil(this.nowMs());
  }

  #runDueUntil(nowMs: number): void {
    const { timers } = this.state;
    for (let entry = timers.peek(); entry !== undefined && entry.atMs <= nowMs; entry = timers.peek()) {
      timers.pop();
      this.#fire(entry);
    }
    this.#arm();
  }

  /** The payment once it has left `created`: how a headless caller waits for a slow bank. */
  async whenDecided(paymentId: string, signal: AbortSignal): Promise<Payment | undefined> {
    const read = () => this.state.payments.get(paymentId);
    if (read()?.entity.status !== 'created') return read();
    return new Promise((resolve) => {
      const finish = () => {
        stopListening();
        signal.removeEventListener('abort', finish);
        resolve(read());
      };
      const stopListening = this.onChange(() => {
        if (read()?.entity.status !== 'created') finish();
      });
      signal.addEventListener('abort', finish);
    });
  }

  /** Stops the timer. The journal is closed by whoever opened it. */
  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #draft(nowMs: number): Draft {
    return new Draft(this.state, this.merchant, { nowMs, newId: this.newId });
  }

  #fire(entry: DueEntry): void {
    const draft = this.#draft(Math.max(entry.atMs, this.state.lastAtMs));
    if (entry.kind === 'payment') {
      const payment = this.state.payments.get(entry.id);
      if (payment?.plan?.dueAtMs !== entry.atMs) return;
      firePaymentPlan(draft, payment);
      this.#commit(`clock.${payment.plan.kind}`, draft);
    } else {
      const refund = this.state.refunds.get(entry.id);
      if (refund?.plan?.dueAtMs !== entry.atMs) return;
      fireRefundPlan(draft, refund);
      this.#commit('clock.refund', draft);
    }
  }

  #commit(what: string, draft: Draft): void {
    const put = draft.puts();
    if (put.length === 0) return;
    const change: Change = { at: draft.nowMs, what, put };
    this.state.applyChange(change);
    this.#journal.append(change);
    for (const listener of this.#listeners) listener(change);
    this.#arm();
  }

  #arm(): void {
    const atMs = this.state.timers.peek()?.atMs ?? Number.POSITIVE_INFINITY;
    if (this.#stopped || atMs === this.#timerAtMs) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    if (atMs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.min(TIMER_MAX_MS, Math.max(0, atMs - this.nowMs()));
    this.#timer = setTimeout(() => {
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      this.runDue();
    }, waitMs);
  }
}
