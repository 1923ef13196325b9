// Breaker
// -------
// A gateway that knows when the gateway is gone: after some faults in a row every call is refused at once, and a look of
// its own, not a customer, finds out when it is back.
//
// Owns:  the count of faults in a row, whether it is open, the timer of the next look, and the limit of calls at once.
// Never: repeats a call; lets a customer's order find out whether the gateway is back.
// Invariants:
//   BREAK-1  While it is open no call is sent but one look at a time, also none that waited for its turn meanwhile.
//   BREAK-2  What is refused here has not been sent: the outcome is `none`.
//   BREAK-3  Lists are for sweeps: when they alone fail nothing that a customer waits for is refused.

import type { PaymentId } from '@housefull/schema/ids';
import { Fault } from '../store/fault.ts';
import { type CallLimit, Crowded, createCallLimit } from './call-limit.ts';
import { type Gateway, type GatewayLists, StillRunning, Unreadable } from './gateway.ts';
import type { PaymentsLog } from './payments-log.ts';

export interface BreakerOptions {
  readonly gateway: Gateway & GatewayLists;
  readonly log: PaymentsLog;
  /** Faults in a row that open it; default 5. */
  readonly faultsToOpen?: number;
  /** Until the first look, doubled after each that fails; default 1 s and at most 15 s. */
  readonly firstLookMs?: number;
  readonly lastLookMs?: number;
  /** Calls at once; default 24, below the connections of the client, so that none waits for a socket. */
  readonly concurrentCalls?: number;
  /** Calls waiting for their turn; default 2,000. */
  readonly queuedCalls?: number;
  /** How long one waits; default 10 s. */
  readonly patienceMs?: number;
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
      listPayments: (range) => circuit.run(() => gateway.listPayments(range), 'list'),
      listRefunds: (range) => circuit.run(() => gateway.listRefunds(range), 'list'),
    },
    state: () => circuit.state,
    get opened() {
      return circuit.opened;
    },
    close: () => circuit.close(),
  };
}

/** The cheapest question, answered as every call of a customer is: there is no such payment. */
const NOBODYS = 'pay_00000000000000' as PaymentId;

class Circuit {
  state: 'closed' | 'open' | 'half_open' = 'closed';
  opened = 0;
  readonly #options: BreakerOptions;
  readonly #setTimer: NonNullable<BreakerOptions['setTimer']>;
  readonly #limit: CallLimit;
  #faults = 0;
  #lookInMs = 0;
  #cancel: (() => void) | undefined;
  #ended = false;

  constructor(options: BreakerOptions) {
    const { setTimer = systemTimer, concurrentCalls = 24, queuedCalls = 2_000, patienceMs = 10_000 } = options;
    this.#options = options;
    this.#setTimer = setTimer;
    this.#limit = createCallLimit({ concurrent: concurrentCalls, queued: queuedCalls, patienceMs, setTimer });
  }

  run<T>(call: () => Promise<T>, kind?: 'list'): Promise<T> {
    if (this.state !== 'closed') return Promise.reject(this.#refusal());
    return this.#limit.run(() => (kind === 'list' ? call() : this.#counted(call)));
  }

  close(): void {
    this.#ended = true;
    this.state = 'closed';
    this.#cancel?.();
  }

  async #counted<T>(call: () => Promise<T>): Promise<T> {
    // What was under way when it opened says nothing any more, neither then nor when it is closed again.
    const { opened } = this;
    try {
      const answer = await call();
      if (opened === this.opened) this.#faults = 0;
      return answer;
    } catch (error) {
      if (opened === this.opened && isAway(error)) this.#fault();
      else if (opened === this.opened && isNo(error)) this.#faults = 0;
      throw error;
    }
  }

  #fault(): void {
    this.#faults += 1;
    if (this.#ended || this.#faults < (this.#options.faultsToOpen ?? 5)) return;
    this.opened += 1;
    this.#lookInMs = this.#options.firstLookMs ?? 1_000;
    this.#options.log.error({ faults: this.#faults }, 'the gateway is away: orders are refused until it is back');
    this.#wait();
    this.#limit.refuseWaiting(this.#refusal());
  }

  /** Jobs come again after the next look, not in the middle of it. */
  #refusal(): Fault {
    return new Fault('gateway_unavailable', 'the gateway is away: no call is made', { retryAfterMs: this.#lookInMs });
  }

  #wait(): void {
    this.state = 'open';
    this.#cancel = this.#setTimer(this.#lookInMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    this.state = 'half_open';
    // Past the limit: calls that hang still must not keep it from finding out that new ones do not.
    const answer: unknown = await this.#options.gateway.fetchPayment(NOBODYS).catch((error: unknown) => error);
    if (this.#ended) return;
    if (answer instanceof Error && (isAway(answer) || !(answer instanceof Fault))) {
      this.#lookInMs = Math.min(this.#options.lastLookMs ?? 15_000, this.#lookInMs * 2);
      this.#wait();
      return;
    }
    this.state = 'closed';
    this.#faults = 0;
    this.#options.log.warn({}, 'the gateway is back');
  }
}

/**
 * Too many calls of ours say nothing about the gateway; one that asks for fewer calls, says what we do not read, or works on
 * that very call still, is there.
 */
const isAway = (error: unknown): boolean =>
  error instanceof Fault &&
  error.code === 'gateway_unavailable' &&
  !(error instanceof Crowded || error instanceof Unreadable || error instanceof StillRunning);

const isNo = (error: unknown): boolean => error instanceof Fault && error.code === 'gateway_refused';

function systemTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}
