// Show session
// ------------
// One visit to one show: the live show behind signals, what the visitor picked, and what is to be said to them.
//
// Owns:   the live show from `open` to `close`, the picks, the notice.
// Never:  draws, or knows which seat is free better than the server: picks that others took are given up at once.

import {
  ConnectionFault,
  type Contact,
  type LinkState,
  type LiveShow,
  newKey,
  type OrderAnswer,
  type Outcome,
  type OwnHold,
  type OwnSeats,
  type Refusal,
  type ShowDetail,
} from '@housefull/client';
import { batch, computed, effect, type ReadonlySignal, type Signal, signal, untracked } from '@preact/signals';
import { answered } from './answered.ts';
import { type CheckoutEnd, type CheckoutRequest, openCheckout } from './checkout.ts';
import { NEW_VISIT, noteOrdered, visitsEnded } from './earlier-visits.ts';
import { beginVisit, config, house } from './house.ts';
import { keepOrder, keptOrder } from './kept-order.ts';
import { type Offer, offerOf } from './offer.ts';
import { namesOf, type OpenArea, openAreasOf, unitOf } from './plan-parts.ts';
import { keptWords, listOf, NO_ANSWER, wordsFor } from './refusal-words.ts';
import { SaleWatch } from './sale-watch.ts';
import { type SeatLook, toggle } from './seat-picking.ts';
import { type Tickets, ticketsFor } from './tickets.ts';

export interface NoticeAction {
  readonly label: string;
  readonly run: () => void;
}
export interface Notice {
  readonly kind: 'refusal' | 'info';
  readonly text: string;
  readonly actions?: readonly NoticeAction[];
}

export interface BestWish {
  readonly count: number;
  readonly category?: string;
  readonly split?: boolean;
  /** As many as `count`. */
  readonly tickets?: readonly string[];
}

/** An area without seat numbers, as it stands. */
export interface LiveArea {
  readonly area: OpenArea;
  readonly free: Signal<number>;
  readonly mine: Signal<number>;
}

/** Refusals of a pick for which the server may know another one. */
const MENDABLE: ReadonlySet<Refusal['code']> = new Set<Refusal['code']>([
  ...(['seat_taken', 'orphan_seat', 'group_incomplete', 'companion_only', 'accessible_only', 'house_only'] as const),
]);
/** A timer that is further off than a day is not worth having: nobody stays that long. */
const MAX_RELEASE_WAIT_MS = 86_400_000;

export class ShowSession {
  readonly showId: string;
  readonly detail = signal<ShowDetail | undefined>(undefined);
  /** Why there is no show here. */
  readonly absent = signal<string | undefined>(undefined);
  readonly link = signal<LinkState>('joining');
  readonly picks = signal<readonly number[]>([]);
  readonly own = signal<OwnSeats>({ holds: [], bookings: [] });
  readonly hold: ReadonlySignal<OwnHold | undefined> = computed(() => this.own.value.holds[0]);
  readonly notice = signal<Notice | undefined>(undefined);
  readonly busy = signal(false);
  /** The visitor needs a wheelchair space: these and the seats beside them can be picked. */
  readonly accessible = signal(false);
  /** What each pick is sold as, where that is not an adult's ticket. */
  readonly tickets = signal<Tickets>(new Map());
  /** Where `best` is to look; empty for anywhere. */
  readonly bestCategory = signal('');
  areas: readonly LiveArea[] = [];
  /** Seats free right now. */
  readonly available = signal(0);
  /** One per seat, so that a change redraws the seats it changes. */
  looks: readonly Signal<SeatLook>[] = [];
  /** Whether this show still sells. */
  readonly sale: SaleWatch;
  /** Ordered on this page; `own` hears of it at its next reading. */
  readonly #ordered = signal<{ readonly holdId: string; readonly bookingId: string } | undefined>(undefined);
  #live: LiveShow | undefined;
  #closed = false;
  /** Closes Checkout, where it is open. */
  #checkout = new AbortController();
  readonly #stopWatching: () => void;
  /** Since this page was opened. */
  readonly #isNewVisit: () => boolean;
  #offer: Offer | undefined;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #onBooking: (bookingId: string) => void;

  /** @param onBooking called when a booking of this visitor was decided, wherever it was paid. */
  constructor(showId: string, onBooking: (bookingId: string) => void) {
    this.showId = showId;
    this.sale = new SaleWatch(showId);
    this.#onBooking = onBooking;
    const visits = visitsEnded.peek();
    this.#isNewVisit = () => visitsEnded.peek() !== visits;
    this.#stopWatching = effect(() => {
      if (visitsEnded.value !== visits) this.#onNewVisit();
    });
  }

  async open(): Promise<void> {
    const shown = await answered(house.show(this.showId));
    if (this.#closed) return;
    if (!shown.ok) {
      this.absent.value = shown.text;
      return;
    }
    const detail = shown.value;
    this.looks = detail.plan.seats.map(() => signal<SeatLook>('available'));
    this.areas = openAreasOf(detail.plan).map((area) => ({ area, free: signal(0), mine: signal(0) }));
    this.detail.value = detail;
    // Joining needs a token; without this the first join of a visitor would be refused, and only then repeated.
    await Promise.all([this.sale.look(), beginVisit()]);
    this.sale.lookAt(detail.closesAt);
    const joined = await answered(house.join(this.showId, { detail }));
    if (this.#closed) {
      if (joined.ok) joined.value.close();
      return;
    }
    if (joined.ok) this.#follow(joined.value);
    else this.absent.value = joined.text;
  }

  close(): void {
    this.#closed = true;
    this.#stopWatching();
    for (const timer of this.#timers) clearTimeout(timer);
    this.sale.close();
    // Over another page Checkout would be nobody's; who has paid in it is found all the same.
    this.closeCheckout();
    this.#live?.close();
  }

  readonly labelOf = (seat: number): string | undefined => this.detail.value?.plan.seats[seat]?.label;

  readonly namesOf = (seats: readonly number[]): readonly string[] => {
    const plan = this.detail.value?.plan;
    return plan === undefined ? [] : namesOf(plan, seats);
  };

  /** Picks a seat, or all of its group; picked again, gives it up. */
  pick(seat: number): void {
    const detail = this.detail.value;
    if (detail === undefined || this.hold.value !== undefined) return;
    if (this.#sayKept(seat)) return;
    const isFree = (one: number): boolean => this.#live?.seats.status(one) === 'available' && !this.#isKept(one);
    const toggled = toggle(this.picks.value, unitOf(detail.plan, seat), isFree, detail.maxSeatsPerHold);
    if (toggled.kind === 'picks') {
      this.notice.value = undefined;
      this.#setPicks(toggled.picks);
    } else if (toggled.kind === 'limit') {
      this.#say('info', `One booking takes at most ${detail.maxSeatsPerHold} seats.`);
    }
  }

  clearPicks(): void {
    this.#setPicks([]);
  }

  setAccessible(on: boolean): void {
    this.accessible.value = on;
    this.notice.value = undefined;
    this.#redraw();
    // What only those may pick who need it is given up with the need.
    this.#setPicks(this.picks.value.filter((seat) => !this.#isKept(seat)));
  }

  setTicket(seat: number, type: string): void {
    this.tickets.value = new Map(this.tickets.value).set(seat, type);
  }

  /** Of an area without seat numbers places are taken by count. */
  chooseArea(area: OpenArea): void {
    if (this.hold.value !== undefined) return;
    this.notice.value = undefined;
    this.#setPicks([]);
    this.bestCategory.value = area.category;
  }

  async holdPicks(): Promise<void> {
    const seats = this.picks.value;
    await this.#holdSeats(seats, ticketsFor(seats, this.tickets.value));
  }

  async holdBest(wish: BestWish): Promise<void> {
    const needs = this.#needs();
    const refusal = await this.#command((live) => live.best({ ...wish, ...needs }));
    if (refusal === undefined) return;
    this.#tell(refusal, refusal.code === 'no_adjacent_seats' ? this.#smaller(wish, refusal.largestBlock ?? 0) : []);
  }

  async release(holdId: string): Promise<void> {
    const refusal = await this.#command((live) => live.release(holdId));
    if (refusal !== undefined) this.#tell(refusal, []);
    else if (this.notice.value === undefined) this.#say('info', 'The seats are free again.');
  }

  /** Orders, and lets the visitor pay; answers how Checkout ended, undefined when it did not come to that. */
  async pay(hold: OwnHold, contact: Contact): Promise<{ order: OrderAnswer; end: CheckoutEnd } | undefined> {
    let order: OrderAnswer | undefined;
    const startedMs = performance.now();
    // Whatever was asked first for this hold is asked again, also after a reload: one order, answered as often as needed.
    const wanted = keptOrder(hold.holdId) ?? { key: newKey(), contact };
    // What another tab ordered stays for whom it was ordered there.
    if (!hold.paying) keepOrder(hold.holdId, wanted);
    const refusal = await this.#command(async (live) => {
      const outcome = await live.order(hold.holdId, wanted.contact, { key: wanted.key });
      if (outcome.ok) {
        order = outcome.value;
        this.#ordered.value = { holdId: hold.holdId, bookingId: order.bookingId };
      } else keepOrder(hold.holdId, undefined);
      return outcome;
    });
    if (refusal !== undefined) this.#tell(refusal, []);
    const detail = this.detail.value;
    if (order === undefined || detail === undefined) return undefined;
    const labels = this.namesOf(hold.seats);
    const { movieTitle, startsAt, theater } = detail;
    noteOrdered({ bookingId: order.bookingId, movieTitle, theater: theater.name, startsAt, seats: labels });
    const remainingMs = order.remainingMs - (performance.now() - startedMs);
    const description = `${movieTitle}, ${listOf(labels)}`;
    const end = await this.#checkOut({ order, remainingMs, description, contact: wanted.contact });
    if (end.kind === 'unreachable')
      this.#say('refusal', 'The payment page did not load. Your seats stay held; please try again.');
    if (end.kind === 'dismissed') {
      this.#say('info', 'The payment was not finished. Your seats stay held; you can pay until the time is over.');
    }
    return { order, end };
  }

  /** There is nothing to pay in it any more. */
  closeCheckout(): void {
    this.#checkout.abort();
  }

  /** One Checkout at a time, and no second click until it is there. */
  async #checkOut(
    request: Pick<CheckoutRequest, 'order' | 'remainingMs' | 'description' | 'contact'>,
  ): Promise<CheckoutEnd> {
    this.closeCheckout();
    this.#checkout = new AbortController();
    if (this.#closed) return { kind: 'closed' };
    this.busy.value = true;
    const onOpen = (): void => {
      this.busy.value = false;
    };
    try {
      return await openCheckout(config.checkoutUrl, { ...request, signal: this.#checkout.signal, onOpen });
    } finally {
      onOpen();
    }
  }

  /** The booking that awaits the payment of a hold. */
  bookingOf(holdId: string): string | undefined {
    const ordered = this.#ordered.value;
    if (ordered?.holdId === holdId) return ordered.bookingId;
    return this.own.value.bookings.find((one) => one.holdId === holdId && one.status === 'pending')?.bookingId;
  }

  /** Who the ticket of a hold that was ordered here is for. */
  contactOf(holdId: string): Contact | undefined {
    return keptOrder(holdId)?.contact;
  }

  #follow(live: LiveShow): void {
    this.#live = live;
    this.link.value = live.link;
    this.own.value = live.own;
    this.#redraw();
    live.seats.onChange(() => this.#redraw());
    live.on('own', (own) => {
      const awaited = this.own.value.bookings.filter(({ status }) => status === 'pending');
      const ordered = this.#ordered.value;
      this.own.value = own;
      this.#redraw();
      // Decided while we were away, and told to nobody.
      const isAwaited = (id: string): boolean =>
        id === ordered?.bookingId || awaited.some((one) => one.bookingId === id);
      const decided = own.bookings.find(({ bookingId, status }) => status !== 'pending' && isAwaited(bookingId));
      if (decided !== undefined) this.#decided(decided.bookingId);
    });
    live.on('link', ({ state, refusal }) => {
      this.link.value = state;
      if (refusal !== undefined) this.absent.value = wordsFor(refusal);
      // What was said while we were away was not said to us.
      if (state === 'live') void this.sale.look();
    });
    live.on('expired', ({ seats }) => {
      const labels = this.namesOf(seats);
      this.#say('refusal', `The time for ${listOf(labels)} is over, and the seats are free again. Please pick again.`);
    });
    live.on('notice', ({ code }) => {
      if (code === 'show_cancelled') this.sale.takenOff();
    });
    live.on('booked', ({ bookingId }) => this.#decided(bookingId));
    live.on('failed', ({ bookingId }) => this.#decided(bookingId));
    this.#awaitReleases();
    if (this.#isNewVisit()) this.#say('refusal', NEW_VISIT);
  }

  /** This browser is another customer to the server now: what was held is not ours any more, and nobody says so. */
  #onNewVisit(): void {
    const hold = untracked(() => this.hold.value);
    const bookingId = hold && untracked(() => this.bookingOf(hold.holdId));
    if (bookingId !== undefined) this.#onBooking(bookingId);
    else if (hold !== undefined) this.#say('refusal', NEW_VISIT);
  }

  /** Of another booking than the one that is being paid here it is said without taking the payment away. */
  #decided(bookingId: string): void {
    const paying = this.hold.value && this.bookingOf(this.hold.value.holdId);
    if (paying === undefined || paying === bookingId) this.#onBooking(bookingId);
    else this.#say('info', 'There is news of another booking of yours; you find it under My bookings.');
  }

  /** Seats that are released by the clock change no status, so nobody tells us. */
  #awaitReleases(): void {
    const detail = this.detail.value;
    if (detail === undefined) return;
    const { accessible, houseReleaseMinutesBefore } = detail.rules;
    for (const minutes of [accessible.releaseMinutesBefore, houseReleaseMinutesBefore]) {
      if (minutes === undefined) continue;
      const waitMs = Date.parse(detail.startsAt) - minutes * 60_000 - house.nowMs();
      if (waitMs > 0 && waitMs < MAX_RELEASE_WAIT_MS) this.#timers.add(setTimeout(() => this.#redraw(), waitMs + 50));
    }
  }

  /** Draws the map anew from the mirror, the own holds and the picks; gives up picks that others took. */
  #redraw(): void {
    const live = this.#live;
    const detail = this.detail.value;
    if (live === undefined || detail === undefined) return;
    const statusOf = (seat: number) => live.seats.status(seat);
    this.#offer = offerOf({ detail, accessible: this.accessible.value, nowMs: house.nowMs(), statusOf });
    const mine = new Set(live.own.holds.flatMap((hold) => [...hold.seats]));
    const wanted = this.picks.value;
    const taken = wanted.filter((seat) => statusOf(seat) !== 'available' && !mine.has(seat));
    batch(() => {
      if (taken.length > 0) {
        // A group of which a part is gone cannot be had: all of it is given up.
        const lost = new Set(taken.flatMap((seat) => unitOf(detail.plan, seat)));
        this.picks.value = wanted.filter((seat) => !lost.has(seat));
        // While our own command is out, its answer says what happened.
        if (!this.busy.value) this.#sayTaken(taken, wanted);
      }
      const picked = new Set(this.picks.value);
      this.looks.forEach((look, seat) => {
        const status = statusOf(seat) ?? 'blocked';
        const free = status === 'available' && this.#isKept(seat) ? 'kept' : status;
        look.value = mine.has(seat) ? 'mine' : picked.has(seat) ? 'picked' : free;
      });
      for (const { area, free, mine: own } of this.areas) {
        free.value = area.seats.filter((seat) => statusOf(seat) === 'available').length;
        own.value = area.seats.filter((seat) => mine.has(seat)).length;
      }
      this.available.value = live.seats.count('available');
    });
  }

  #isKept(seat: number): boolean {
    const planned = this.detail.value?.plan.seats[seat];
    return planned !== undefined && this.#offer?.keptOf(planned) !== undefined;
  }

  /** True when the seat is free but kept back: says why, and what can be done. */
  #sayKept(seat: number): boolean {
    const planned = this.detail.value?.plan.seats[seat];
    const kept = planned === undefined ? undefined : this.#offer?.keptOf(planned);
    if (planned === undefined || kept === undefined || this.#live?.seats.status(seat) !== 'available') return false;
    const run = (): void => {
      this.setAccessible(true);
      this.pick(seat);
    };
    const actions = kept === 'house' ? [] : [{ label: 'We need a wheelchair space', run }];
    this.notice.value = { kind: 'info', text: keptWords(kept, planned.label), actions };
    return true;
  }

  #needs(): { accessible?: true } {
    return this.accessible.value ? { accessible: true } : {};
  }

  async #holdSeats(seats: readonly number[], tickets: readonly string[] | undefined): Promise<void> {
    const said = { ...this.#needs(), ...(tickets === undefined ? {} : { tickets }) };
    const refusal = await this.#command((live) => live.hold(seats, said));
    if (refusal === undefined) return;
    if (refusal.code === 'seat_taken') {
      const taken = new Set(refusal.seats);
      this.#setPicks(this.picks.value.filter((seat) => !taken.has(seat)));
    }
    this.#tell(refusal, []);
    if (MENDABLE.has(refusal.code)) await this.#offerOther(seats, tickets);
  }

  /** Adds to the notice the server's own alternative to a pick; without one, the offer to look for as many together. */
  async #offerOther(seats: readonly number[], tickets: readonly string[] | undefined): Promise<void> {
    const told = this.notice.value;
    const live = this.#live;
    if (live === undefined || told === undefined) return;
    const suggested = await answered(live.suggest(seats, this.#needs()));
    // Something else has been said since, or the visitor has picked on.
    if (this.notice.value !== told) return;
    const other = suggested.ok ? suggested.value.seats : [];
    const label = other.length === 0 ? findLabel(seats.length) : `Take ${listOf(this.namesOf(other))} instead`;
    const best: BestWish = { count: seats.length, ...(tickets === undefined ? {} : { tickets }) };
    const run = (): void => void (other.length === 0 ? this.holdBest(best) : this.#holdSeats(other, tickets));
    this.notice.value = { ...told, actions: [{ label, run }] };
  }

  /** What a party that finds no block of its size may ask for: fewer seats, or several blocks on purpose. */
  #smaller(wish: BestWish, largest: number): NoticeAction[] {
    if (largest < 1) return [];
    const fewer = { ...wish, count: largest, ...(wish.tickets && { tickets: wish.tickets.slice(0, largest) }) };
    return [
      { label: findLabel(largest), run: () => void this.holdBest(fewer) },
      ...(wish.split === true
        ? []
        : [{ label: 'Seat us apart', run: () => void this.holdBest({ ...wish, split: true }) }]),
    ];
  }

  #setPicks(picks: readonly number[]): void {
    this.picks.value = picks;
    this.tickets.value = new Map([...this.tickets.value].filter(([seat]) => picks.includes(seat)));
    this.#redraw();
  }

  /** Undefined when it was done, or when no answer came, which is said; otherwise the refusal, which is not said yet. */
  async #command<T>(run: (live: LiveShow) => Promise<Outcome<T>>): Promise<Refusal | undefined> {
    const live = this.#live;
    if (live === undefined || this.busy.value) return undefined;
    this.busy.value = true;
    this.notice.value = undefined;
    try {
      const outcome = await run(live);
      if (!outcome.ok) return outcome.refusal;
      this.#setPicks([]);
      return undefined;
    } catch (fault) {
      if (!(fault instanceof ConnectionFault)) throw fault;
      if (!this.#closed) this.#say('refusal', NO_ANSWER);
      return undefined;
    } finally {
      this.busy.value = false;
    }
  }

  #tell(refusal: Refusal, actions: readonly NoticeAction[]): void {
    // Why it sells nothing any more is better said than that.
    if (refusal.code === 'show_closed') void this.sale.look();
    this.notice.value = { kind: 'refusal', text: wordsFor(refusal, this.labelOf), actions };
  }

  #sayTaken(lost: readonly number[], wanted: readonly number[]): void {
    const labels = lost.flatMap((seat) => this.labelOf(seat) ?? []);
    const text = `Somebody was faster: ${listOf(labels)} ${labels.length === 1 ? 'was' : 'were'} just taken.`;
    this.notice.value = { kind: 'refusal', text };
    void this.#offerOther(wanted, ticketsFor(wanted, this.tickets.value));
  }

  #say(kind: Notice['kind'], text: string): void {
    this.notice.value = { kind, text };
  }
}

const findLabel = (count: number): string => (count === 1 ? 'Find me another seat' : `Find me ${count} together`);
