// Mutations: the bugs that would cost a seat or a rupee, each as a textual patch of the sources. An anchor must match
// exactly once: when the code moves on, the patch fails loudly instead of testing nothing.

/** In the file, `from` becomes `to`. */
export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Mutation {
  readonly name: string;
  /** Who must notice: the seeded simulation, or, for what lives in SQL, the store's contract on a real Postgres. */
  readonly catcher: 'simulation' | 'postgres';
  readonly edits: readonly Edit[];
}

const ACTOR = 'server/src/room/actor.ts';
const DATABASE = 'server/src/store/memory-database.ts';
const STORE = 'server/src/store/memory-show-store.ts';
const COMMIT = 'server/src/store/memory-commit.ts';
const SHOW = 'server/src/show/show.ts';
const RECORDS = 'server/src/show/records.ts';
const SETTLE = 'server/src/payments/settle.ts';
const CAPTURE = 'server/src/payments/capture.ts';
const BACKGROUND = 'server/src/payments/background.ts';
const CANCEL_SHOW_SQL = 'server/sql/0011_cancel_show.sql';
const CLAIM_SQL = 'server/sql/0005_claim.sql';
const COMMIT_SQL = 'server/sql/0006_commit.sql';

const NO_EPOCH: Edit = {
  file: DATABASE,
  from: 'if (this.owners.get(showId)?.epoch !== epoch) return false;',
  to: '',
};
const NO_KEY: Edit = {
  file: COMMIT,
  from: 'if (owner !== undefined) throw refused(`seat ${seat} is booked by ${owner}`);',
  to: '',
};

export const MUTATIONS: readonly Mutation[] = [
  { name: 'the epoch check is dropped', catcher: 'simulation', edits: [NO_EPOCH] },
  {
    name: 'the epoch check is outside the transaction: a claim does not wait for it',
    catcher: 'simulation',
    edits: [{ file: DATABASE, from: 'while (this.#locks.has(showId)) {', to: 'while (this.#locks.size < 0) {' }],
  },
  { name: 'the unique key is skipped together with the epoch check', catcher: 'simulation', edits: [NO_EPOCH, NO_KEY] },
  {
    name: 'claim and load in one statement: the snapshot is older than the wait',
    catcher: 'simulation',
    edits: [
      {
        file: STORE,
        from: 'export class MemoryShowStore implements ShowStore {',
        to: 'const before = new Map<string, ReturnType<MemoryDatabase["tables"]>>();\nexport class MemoryShowStore implements ShowStore {',
      },
      {
        file: STORE,
        from: 'if (this.#owned(showId) === undefined) await this.database.unlocked(showId);',
        to: 'before.set(`${this.#nodeId} ${showId}`, structuredClone(this.database.tables(showId)));\n    if (this.#owned(showId) === undefined) await this.database.unlocked(showId);',
      },
      {
        file: STORE,
        from: 'bookedSeats, blockedSeats } = this.database.tables(showId);',
        to: 'bookedSeats, blockedSeats } = before.get(`${this.#nodeId} ${showId}`) ?? this.database.tables(showId);',
      },
    ],
  },
  {
    name: 'ack before commit',
    catcher: 'simulation',
    edits: [{ file: ACTOR, from: 'this.#waiters.add({ durable, recovered, unavailable });', to: 'durable();' }],
  },
  {
    name: 'patch before commit',
    catcher: 'simulation',
    edits: [
      {
        file: ACTOR,
        from: "let result: 'committed' | 'fenced' | { fault: unknown };",
        to: "this.#projection.advance(events);\n      this.#notify((listener) => listener.changed(this.snapshot(), []));\n      let result: 'committed' | 'fenced' | { fault: unknown };",
      },
    ],
  },
  {
    name: 'a database error is taken for "failed": read again without a claim that waits',
    catcher: 'simulation',
    edits: [
      {
        file: ACTOR,
        from: 'const claim = await store.claim(this.showId);',
        to: 'const claim = { ok: true as boolean, epoch: this.epoch };',
      },
    ],
  },
  {
    name: 'a database error is taken for "done"',
    catcher: 'simulation',
    edits: [{ file: ACTOR, from: 'result = { fault };', to: "result = 'committed';" }],
  },
  {
    name: 'expiry by wall clock',
    catcher: 'simulation',
    edits: [
      {
        file: ACTOR,
        from: '  #closed: Promise<void> | undefined;',
        to: '  #closed: Promise<void> | undefined;\n  #bornAtMs = 0;\n  #bornWallMs = Date.now();',
      },
      {
        file: ACTOR,
        from: '    this.#activeAtMs = nowMs;\n    this.#arm();',
        to: '    this.#activeAtMs = nowMs;\n    this.#bornAtMs = nowMs;\n    this.#arm();',
      },
      {
        file: ACTOR,
        from: '    const dueMs = this.#show.nextDeadlineMs();\n    if (dueMs !== undefined',
        to: '    nowMs = this.#bornAtMs + (Date.now() - this.#bornWallMs);\n    const dueMs = this.#show.nextDeadlineMs();\n    if (dueMs !== undefined',
      },
    ],
  },
  {
    name: 'one seat of a booking is forgotten',
    catcher: 'simulation',
    edits: [
      {
        file: COMMIT,
        from: '    for (const seat of event.seats) {\n      const owner',
        to: '    for (const seat of event.seats.slice(0, Math.max(1, event.seats.length - 1))) {\n      const owner',
      },
    ],
  },
  {
    name: 'the idempotency key is not in the commit of its effect',
    catcher: 'simulation',
    edits: [{ file: RECORDS, from: "customer.keys.set(hold.key, { kind: 'hold', bodyHash, holdId });", to: '' }],
  },
  {
    name: 'idempotency keys are not per customer',
    catcher: 'simulation',
    edits: [
      {
        file: SHOW,
        from: 'const remembered = this.#records.customers.get(command.customerId)?.keys.get(command.key);\n    if (remembered === undefined) return undefined;',
        to: 'const remembered = [...this.#records.customers.all()].map(([, one]) => one.keys.get(command.key)).find((one) => one !== undefined);\n    if (remembered === undefined) return undefined;',
      },
    ],
  },
  {
    name: 'the cap is per request, as it would be per socket',
    catcher: 'simulation',
    edits: [
      { file: 'server/src/show/picking.ts', from: 'const has = customer?.seatCount ?? 0;', to: 'const has = 0;' },
    ],
  },
  {
    name: 'the revision is not bumped on expiry',
    catcher: 'simulation',
    edits: [
      {
        file: SHOW,
        from: 'const revision = events.length === 0 ? this.#advance() : this.#revision;',
        to: 'const revision = this.#revision;',
      },
    ],
  },
  {
    name: 'two batches of one show are in flight',
    catcher: 'simulation',
    edits: [
      {
        file: ACTOR,
        from: 'if (this.#flushing || this.#inFlight || this.#ready.length === 0) return;',
        to: 'if (this.#flushing || this.#ready.length === 0) return;',
      },
      {
        file: ACTOR,
        from: 'while (this.#ready.length > 0 && !this.#inFlight && (',
        to: 'while (this.#ready.length > 0 && (',
      },
      { file: STORE, from: 'if (this.#inFlight.has(showId)) throw', to: 'if (this.#inFlight.size < 0) throw' },
    ],
  },
  {
    name: 'late money takes its seats without looking',
    catcher: 'simulation',
    edits: [
      {
        file: SHOW,
        from: ' && booking.seats.every((seat) => this.codes[seat] === AVAILABLE);',
        to: ' && AVAILABLE === AVAILABLE;',
      },
    ],
  },
  {
    name: 'an owner that does not answer is taken for "lost"',
    catcher: 'simulation',
    edits: [
      {
        file: SETTLE,
        from: "    case 'unavailable':\n    case 'overloaded':\n      return 'later';",
        to: "    case 'unavailable':\n    case 'overloaded':\n      return lose(deps, order, row, captured, code);",
      },
    ],
  },
  {
    name: 'a capture that answered nothing is taken for done',
    catcher: 'simulation',
    edits: [
      {
        file: CAPTURE,
        from: 'const payment = await deps.gateway.fetchPayment(paymentId);',
        to: "const payment: GatewayPayment = { ...(await deps.gateway.fetchPayment(paymentId)), status: 'captured' };",
      },
    ],
  },
  {
    name: 'late money is taken though the show was taken off',
    catcher: 'simulation',
    edits: [{ file: SHOW, from: "if (this.#records.cancelled) return this.#refuse(refuse('lost'));", to: '' }],
  },
  {
    name: 'a show that was taken off is still held',
    catcher: 'simulation',
    edits: [
      {
        file: SHOW,
        from: "if (this.#records.cancelled) return this.#refuse(refuse('show_closed'));\n    const scene",
        to: 'const scene',
      },
    ],
  },
  {
    name: 'of a show that is taken off only what ends with the first commit is refunded',
    catcher: 'simulation',
    edits: [
      {
        file: SHOW,
        from: "      else events.push(this.#fail(this.#records.booking(bookingId), 'show_cancelled', revision));",
        to: "      else {\n        const event = this.#fail(this.#records.booking(bookingId), 'show_cancelled', revision);\n        events.push(events[0]?.type === 'show_cancelled' ? event : ({ ...event, paymentId: undefined } as unknown as Event));\n      }",
      },
    ],
  },
  {
    name: 'the next owner does not know that the show was taken off',
    catcher: 'simulation',
    edits: [{ file: STORE, from: "cancelled: show.status === 'cancelled',", to: 'cancelled: false,' }],
  },
  {
    name: 'nobody goes on with a show whose cancelling was stopped',
    catcher: 'simulation',
    edits: [
      {
        file: BACKGROUND,
        from: 'for (const showId of await store.unfinishedShows()) await endShow(deps, showId);',
        to: 'for (const showId of (await store.unfinishedShows()).slice(0, 0)) await endShow(deps, showId);',
      },
    ],
  },
  {
    name: 'what a cancellation keeps is not noted at its payment',
    catcher: 'simulation',
    edits: [
      {
        file: COMMIT,
        from: 'const kept = (payment.keptPaise ?? 0) + keptPaise;',
        to: 'const kept = keptPaise - keptPaise;',
      },
    ],
  },
  {
    name: 'SQL: that a show is taken off is not written',
    catcher: 'postgres',
    edits: [{ file: CANCEL_SHOW_SQL, from: "set status = 'cancelled'", to: 'set status = s.status' }],
  },
  {
    name: 'SQL: a fenced owner takes a show off',
    catcher: 'postgres',
    edits: [{ file: CANCEL_SHOW_SQL, from: ' and s.show_id <> all (p_fenced)', to: '' }],
  },
  {
    name: 'SQL: the commit does not look at the epoch',
    catcher: 'postgres',
    edits: [{ file: COMMIT_SQL, from: ' and o.epoch = mine.epoch', to: '' }],
  },
  {
    name: 'SQL: the fence is read without a lock, outside what it guards',
    catcher: 'postgres',
    edits: [{ file: COMMIT_SQL, from: '        for share of o\n', to: '' }],
  },
  {
    name: 'SQL: a seat that is sold already is skipped in silence',
    catcher: 'postgres',
    edits: [
      {
        file: COMMIT_SQL,
        from: 'unnest(r.seats::integer[]) as s (seat_index)\n        where r.show_id <> all (v_fenced);\n  end if;\n  if cardinality(p_su_show)',
        to: 'unnest(r.seats::integer[]) as s (seat_index)\n        where r.show_id <> all (v_fenced) on conflict do nothing;\n  end if;\n  if cardinality(p_su_show)',
      },
    ],
  },
  {
    name: 'SQL: a claim does not raise the epoch',
    catcher: 'postgres',
    edits: [
      { file: CLAIM_SQL, from: 'set epoch = v_owner.epoch + 1, node_id', to: 'set epoch = v_owner.epoch, node_id' },
    ],
  },
];
