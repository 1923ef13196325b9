// Draft
// -----
// One command's view of the state: reads see its own writes, and nothing is real until the engine commits the puts.
//
// Never:  reads a clock or draws an id by itself (`Moment` brings both).
// Invariants:
//   A dropped draft changed nothing. A record put twice reaches the journal once, in its last form.
//   Chance is drawn from the journalled seed: a draft that is dropped has drawn nothing.

import type { CapturePolicy, Delivery, Merchant, Order, Payment, Refund, Settings } from './entities.ts';
import { holdsMoney, MAIN } from './entities.ts';
import type { ApiError } from './errors.ts';
import type { Chance, Fault, FaultAt, FaultPlace } from './faults.ts';
import { draw, fits, spread } from './faults.ts';
import type { Put, State } from './state.ts';

/** Time and chance, as arguments. `newId('pay')` is `pay_` + 14 letters and digits; `newId('')` the 14 alone. */
export type Moment = { readonly nowMs: number; readonly newId: (prefix: string) => string };

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ApiError };

export function ok<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function no<T>(error: ApiError): Outcome<T> {
  return { ok: false, error };
}

export class Draft {
  readonly state: State;
  readonly nowMs: number;
  readonly newId: (prefix: string) => string;
  readonly #main: Merchant;
  readonly #puts = new Map<string, Put>();
  readonly #heldIds = new Set<string>();

  constructor(state: State, main: Merchant, moment: Moment) {
    this.state = state;
    this.#main = main;
    this.nowMs = moment.nowMs;
    this.newId = moment.newId;
  }

  get nowSeconds(): number {
    return Math.floor(this.nowMs / 1000);
  }

  get settings(): Settings {
    return this.state.settings;
  }

  order(id: string): Order | undefined {
    const put = this.#puts.get(`order ${id}`);
    return put?.[0] === 'order' ? put[1] : this.state.orders.get(id);
  }

  payment(id: string): Payment | undefined {
    const put = this.#puts.get(`payment ${id}`);
    return put?.[0] === 'payment' ? put[1] : this.state.payments.get(id);
  }

  refund(id: string): Refund | undefined {
    const put = this.#puts.get(`refund ${id}`);
    return put?.[0] === 'refund' ? put[1] : this.state.refunds.get(id);
  }

  /** The order of a payment; every payment of the double has one. */
  orderOf(payment: Payment): Order {
    const order = this.order(payment.entity.order_id);
    if (order === undefined) throw new Error(`payment ${payment.entity.id} has no order`);
    return order;
  }

  merchantOf(id: string): Merchant {
    const merchant = id === MAIN ? this.#main : this.state.merchants.get(id);
    if (merchant === undefined) throw new Error(`there is no merchant ${id}`);
    return merchant;
  }

  capturePolicyOf(order: Order): CapturePolicy {
    return order.capture ?? this.settings.capture;
  }

  /** True while some payment of the order holds money. Counted, not looked for: an order may have thousands of attempts. */
  holdsMoney(orderId: string): boolean {
    let count = this.state.holdingByOrder.get(orderId) ?? 0;
    for (const put of this.#puts.values()) {
      if (put[0] !== 'payment' || put[1].entity.order_id !== orderId) continue;
      count += Number(holdsMoney(put[1])) - Number(holdsMoney(this.state.payments.get(put[1].entity.id)));
    }
    return count > 0;
  }

  /** Deliveries kept back by a fault, those of this draft too. */
  *heldDeliveries(): Generator<Delivery> {
    for (const id of new Set([...this.state.heldDeliveryIds, ...this.#heldIds])) {
      const put = this.#puts.get(`delivery ${id}`);
      const delivery = put?.[0] === 'delivery' ? put[1] : this.state.deliveries.get(id);
      if (delivery?.behind !== undefined && delivery.status === 'pending') yield delivery;
    }
  }

  /** The first armed fault that fits and that chance lets strike, one of its uses spent. */
  takeFault<P extends FaultPlace>(place: P, names: readonly string[]): FaultAt<P> | undefined {
    for (const armed of this.state.faults.values()) {
      if (this.#puts.has(`fault_gone ${armed.id}`)) continue;
      const put = this.#puts.get(`fault ${armed.id}`);
      const fault = put?.[0] === 'fault' ? put[1] : armed;
      if (!fits(fault, place, names)) continue;
      if (fault.probability < 1 && this.#draw() >= fault.probability) continue;
      if (fault.remaining === 1) this.put(['fault_gone', { id: fault.id }]);
      else if (fault.remaining !== null) this.put(['fault', { ...fault, remaining: fault.remaining - 1 }]);
      return fault;
    }
    return undefined;
  }

  /** How long this time. */
  spread(fault: Fault): number {
    return fault.distribution === 'fixed' ? fault.delayMs : spread(fault.delayMs, fault.distribution, this.#draw());
  }

  put(put: Put): void {
    if (put[0] === 'delivery' && put[1].behind !== undefined) this.#heldIds.add(put[1].id);
    this.#puts.set(`${put[0]} ${keyOf(put)}`, put);
  }

  puts(): readonly Put[] {
    return [...this.#puts.values()];
  }

  #draw(): number {
    const put = this.#puts.get('chance ');
    const { seed, draws }: Chance = put?.[0] === 'chance' ? put[1] : this.state.chance;
    this.put(['chance', { seed, draws: draws + 1 }]);
    return draw(seed, draws);
  }
}

function keyOf(put: Put): string {
  switch (put[0]) {
    case 'order':
    case 'payment':
    case 'refund':
      return put[1].entity.id;
    case 'idempotency':
      return put[1].key;
    case 'merchant':
    case 'endpoint':
    case 'endpoint_gone':
    case 'event':
    case 'delivery':
    case 'fault':
    case 'fault_gone':
      return put[1].id;
    case 'settings':
    case 'clock':
    case 'chance':
    case 'reset':
      return '';
    default:
      return put satisfies never;
  }
}
