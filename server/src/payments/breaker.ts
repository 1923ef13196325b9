// Breaker
// -------
// A gateway that knows when the gateway is gone: after some faults in a row every call is refused at once, and a look of
// its own, not a customer, finds out when it is back.
//
// Owns:  the count of faults in a row, whether it is open, and the timer of the next look.
// Never: repeats a call, or delays one; lets a customer's order find out whether the gateway is back.
// Invariants:
//   BREAK-1  While it is open no call reaches the gateway but one look at a time.
//   BREAK-2  What is refused here has not been sent: the outcome is `none`.

import { Fault } from '../store/fault.ts';
import { Crowded } from './call-limit.ts';
import type { Gateway, GatewayLists } from './gateway.ts';
import type { PaymentsLog } from './payments-log.ts';

export interface BreakerOptions {
  readonly gateway: Gateway & GatewayLists;
  readonly log: PaymentsLog;
  /** Faults in a row that open it; default 5. */
  readonly faultsToOpen?: number;
  /** Until the first look, doubled after each that fails; default 1 s and at most 15 s. */
  readonly firstLookMs?: number;
  readonly lastLookMs?: number;
  /** Answers how to take the timer back. */
  readonly setTimer?: (delayMs: number, callback: () => void) => () => void;
}

export interface Breaker {
  readonly gateway: Gateway & GatewayLists;
  /** `half_open`: a look is under way. */
  state(): 'closed' | 'open' | 'half_open';
  /** How often it has opened, for metrics and tests. */
  readonly opened: number;
  /** Ends its timer; calls go through unguarded from then on. */
  close(): void;
}

export function createBreaker(options: BreakerOptions): Breaker {
  const circuit = new Circuit(options);
  const { gateway } = options;
  return {
    gateway: {
      keyId: gateway.keyId,
      createOrder: (order) => circuit.run(() => gateway.createOrder(order)),
      fetchOrderPayments: (orderId) => circuit.run(() => gateway.fetchOrderPayments(orderId)),
      fetchPayment: (paymentId) => circuit.run(() => gateway.fetchPayment(paymentId)),
      capture: (paymentId, amountPaise) => circuit.run(() => gateway.capture(paymentId, amountPaise)),
      refund: (refund) => circuit.run(() => gateway.refund(refund)),
      fetchRefunds: (paymentId) => circuit.run(() => gateway.fetchRefunds(paymentId)),
      listPayments: (range) => circuit.run(() => gateway.listPayments(range)),
      listRefunds: (range) => circuit.run(() => gateway.listRefunds(range)),
    },
    state: () => circuit.state,
    get opened() {
      return circuit.opened;
    },
    close: () => circuit.close(),
  };
}

/** The cheapest question: no payment is that old. */
const LOOK = { fromSeconds: 1, toSeconds: 1, skip: 0, count: 1 };

class Circuit {
  state: 'closed' | 'open' | 'half_open' = 'closed';
  opened = 0;
  readonly #options: BreakerOptions;
  readonly #setTimer: NonNullable<BreakerOptions['setTimer']>;
  #faults = 0;
  #lookInMs = 0;
  #cancel: (() => void) | undefined;
  #ended = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#setTimer = options.setTimer ?? systemTimer;
  }

  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.state !== 'closed') {
      // Jobs come again after the next look, not in the middle of it.
      throw new Fault('gateway_unavailable', 'the gateway is away: no call is made', { retryAfterMs: this.#lookInMs });
    }
    try {
      const answer = await call();
      this.#faults = 0;
      return answer;
    } catch (error) {
      if (isAway(error)) this.#fault();
      else if (error instanceof Fault && error.code === 'gateway_refused') this.#faults = 0;
      throw error;
    }
  }

  close(): void {
    this.#ended = true;
    this.state = 'closed';
    this.#cancel?.();
  }

  #fault(): void {
    this.#faults += 1;
    // Calls that were under way when it opened end as faults too, and open nothing twice.
    if (this.#ended || this.state !== 'closed' || this.#faults < (this.#options.faultsToOpen ?? 5)) return;
    this.opened += 1;
    this.#lookInMs = this.#options.firstLookMs ?? 1_000;
    this.#options.log.error({ faults: this.#faults }, 'the gateway is away: orders are refused until it is back');
    this.#wait();
  }

  #wait(): void {
    this.state = 'open';
    this.#cancel = this.#setTimer(this.#lookInMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    this.state = 'half_open';
    const away = await this.#options.gateway.listPayments(LOOK).then(
      () => false,
      (error: unknown) => !(error instanceof Fault) || error.code !== 'gateway_refused',
    );
    if (this.#ended) return;
    if (away) {
      this.#lookInMs = Math.min(this.#options.lastLookMs ?? 15_000, this.#lookInMs * 2);
      this.#wait();
      return;
    }
    this.state = 'closed';
    this.#faults = 0;
    this.#options.log.warn({}, 'the gateway is back');
  }
}

/** Too many calls of ours say nothing about the gateway, and one that asks for fewer calls is there. */
const isAway = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'gateway_unavailable' && !(error instanceof Crowded);

function systemTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}
