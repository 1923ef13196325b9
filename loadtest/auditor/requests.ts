// Requests by their keys: what each wish was answered in the course of the run. One pass over the history.

import type { Findings } from './findings.ts';
import { byPosition, type Entry, type Evidence, type Fail, type Invoke, type Ok, type Position } from './history.ts';

/** Answers that say neither yes nor no: ask again with the same key. */
const MAYBE: ReadonlySet<string> = new Set(['unavailable', 'payment_unavailable', 'overloaded', 'rate_limited']);

/** One customer's key: all that was asked and answered under it. */
export interface Wish {
  readonly first: Invoke;
  /** Every body it was asked with: more than one, and all but one must be refused. */
  readonly bodies: Set<string>;
  invokes: number;
  ok: Ok | undefined;
  /** The request that `ok` answers. */
  okInvoke: Invoke | undefined;
  /** The last answer that was neither unknown nor maybe. */
  last: Ok | Fail | undefined;
  hadUnknown: boolean;
  /** The last word was unknown or maybe. */
  isOpen: boolean;
  /** Since when it is known what became of it; undefined: it is not. */
  knownAtMs: number | undefined;
  /** The newest position that anybody had heard of when it was first asked. */
  readonly seenBefore: Position | undefined;
}

export interface Wishes {
  /** The longest that an unknown took to be known, from healing or, asked later, from then. */
  readonly slowestMs: number;
  readonly all: readonly Wish[];
  readonly byKey: ReadonlyMap<string, Wish>;
}

export const wishKey = (showId: string, customerId: string, key: string): string => `${showId} ${customerId} ${key}`;

function bodyOf({ type, body }: Invoke): string {
  const seats = [...(body.seats ?? [])].sort((a, b) => a - b).join();
  return `${type} [${seats}] ${body.count ?? ''} ${body.holdId ?? ''} ${body.bookingId ?? ''}`;
}

/** Pairs requests with outcomes, and checks what the history alone can tell (I6, I13, I18). */
export function readWishes({ history, limits }: Evidence, findings: Findings): Wishes {
  const reader = new Reader(findings, limits.requestMs);
  for (const entry of history) reader.read(entry);
  return reader.end(limits.resolveMs);
}

class Reader {
  readonly #findings: Findings;
  readonly #requestMs: number;
  readonly #wishes = new Map<string, Wish>();
  readonly #open = new Map<number, { invoke: Invoke; wish: Wish }>();
  readonly #newest = new Map<string, Position>();
  #healedAtMs: number | undefined;

  constructor(findings: Findings, requestMs: number) {
    this.#findings = findings;
    this.#requestMs = requestMs;
  }

  read(entry: Entry): void {
    if (entry.kind === 'invoke') this.#open.set(entry.op, { invoke: entry, wish: this.#wishOf(entry) });
    else if (entry.kind === 'map') this.#heard(entry.showId, entry);
    else if (entry.kind === 'healed') this.#healedAtMs = entry.atMs;
    else if (entry.kind === 'ok' || entry.kind === 'fail' || entry.kind === 'unknown') {
      const asked = this.#open.get(entry.op);
      if (asked === undefined) throw new Error(`the history answers ${entry.op}, which nobody asked`);
      const { invoke, wish } = asked;
      this.#open.delete(entry.op);
      const tookMs = entry.atMs - invoke.atMs;
      this.#findings.must('I13', tookMs <= this.#requestMs, () => `${nameOf(invoke)} took ${Math.round(tookMs)} ms`);
      if (entry.kind === 'unknown' || (entry.kind === 'fail' && MAYBE.has(entry.code))) {
        wish.hadUnknown = true;
        wish.isOpen = true;
        // The owner knows that the gateway made no order, and when it is back the same key makes one.
        if (entry.kind === 'unknown' || entry.code !== 'payment_unavailable') wish.knownAtMs = undefined;
        else wish.knownAtMs ??= entry.atMs;
        return;
      }
      if (entry.kind === 'ok') this.#acknowledged(invoke, wish, entry);
      else this.#refused(invoke, wish, entry);
    }
  }

  end(resolveMs: number): Wishes {
    let slowestMs = 0;
    for (const { invoke } of this.#open.values())
      this.#findings.must('I13', false, () => `${nameOf(invoke)} never ended`);
    for (const wish of this.#wishes.values()) {
      if (!wish.hadUnknown) continue;
      const { first, last, isOpen, knownAtMs } = wish;
      this.#findings.must('I18', !isOpen && last !== undefined, () => `${nameOf(first)} stays unknown`);
      if (this.#healedAtMs === undefined || knownAtMs === undefined) continue;
      const tookMs = knownAtMs - Math.max(this.#healedAtMs, first.atMs);
      slowestMs = Math.max(slowestMs, tookMs);
      const lateMs = tookMs - resolveMs;
      this.#findings.must('I18', lateMs <= 0, () => `${nameOf(first)} is known ${Math.round(lateMs)} ms too late`);
    }
    return { slowestMs, all: [...this.#wishes.values()], byKey: this.#wishes };
  }

  #wishOf(invoke: Invoke): Wish {
    const id = wishKey(invoke.showId, invoke.customerId, invoke.key);
    let wish = this.#wishes.get(id);
    if (wish === undefined) {
      wish = {
        first: invoke,
        bodies: new Set(),
        invokes: 0,
        ok: undefined,
        okInvoke: undefined,
        last: undefined,
        hadUnknown: false,
        isOpen: false,
        knownAtMs: undefined,
        seenBefore: this.#newest.get(invoke.showId),
      };
      this.#wishes.set(id, wish);
    }
    wish.invokes += 1;
    wish.bodies.add(bodyOf(invoke));
    return wish;
  }

  #heard(showId: string, { epoch, revision }: { epoch?: number; revision?: number }): void {
    if (epoch === undefined || revision === undefined) return;
    const before = this.#newest.get(showId);
    if (before === undefined || byPosition(before, { epoch, revision }) < 0)
      this.#newest.set(showId, { epoch, revision });
  }

  #acknowledged(invoke: Invoke, wish: Wish, ok: Ok): void {
    const { ok: before, okInvoke } = wish;
    if (before !== undefined && okInvoke !== undefined) {
      this.#findings.must(
        'I6',
        bodyOf(invoke) === bodyOf(okInvoke),
        () => `${nameOf(invoke)}: two bodies, two effects`,
      );
      this.#findings.must('I6', sameAnswer(before, ok, invoke.type), () => {
        return `${nameOf(invoke)} was answered ${JSON.stringify(before)}, then ${JSON.stringify(ok)}`;
      });
    }
    wish.ok ??= ok;
    wish.okInvoke ??= invoke;
    wish.last = ok;
    close(wish, ok.atMs);
    this.#heard(invoke.showId, ok);
  }

  #refused(invoke: Invoke, wish: Wish, fail: Fail): void {
    this.#findings.must('bug', fail.code !== 'internal', () => `${nameOf(invoke)} was answered internal`);
    const isReused = fail.code === 'key_reused';
    if (isReused) {
      this.#findings.must('I6', wish.bodies.size > 1, () => `${nameOf(invoke)}: its own key is key_reused`);
    }
    // Another body on a key that has had its effect says nothing of that effect.
    if (isReused && wish.ok !== undefined) {
      close(wish, fail.atMs);
      return;
    }
    if (wish.ok !== undefined && bodyOf(invoke) === bodyOf(wish.okInvoke as Invoke)) {
      this.#findings.must('I6', false, () => `${nameOf(invoke)} was granted, then refused: ${fail.code}`);
    }
    wish.last = fail;
    close(wish, fail.atMs);
  }
}

function close(wish: Wish, atMs: number): void {
  wish.isOpen = false;
  wish.knownAtMs ??= atMs;
}

function sameAnswer(a: Ok, b: Ok, type: Invoke['type']): boolean {
  if (a.holdId !== b.holdId || a.bookingId !== b.bookingId || a.orderId !== b.orderId) return false;
  if (a.amountPaise !== b.amountPaise || String(a.seats) !== String(b.seats)) return false;
  // A release tells where the show stands, a hold where it was made.
  return (type !== 'hold' && type !== 'best') || (a.epoch === b.epoch && a.revision === b.revision);
}

export const nameOf = ({ type, customerId, key }: Invoke): string => `${type} of ${customerId} with ${key}`;
