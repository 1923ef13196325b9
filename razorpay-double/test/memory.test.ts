// What a long run leaves in memory, and what a snapshot of it must not lose.

import { expect, test } from 'vitest';
import type { DeliveryStatus } from '../src/entities.ts';
import type { Fault } from '../src/faults.ts';
import { State } from '../src/state.ts';

/** So many that the oldest are looked at again and again. */
const MANY = 45_000;
const BOUND = 30_000;

function tell(state: State, nth: number, status: DeliveryStatus): void {
  const eventId = `event_${nth}`;
  const event = { id: eventId, merchantId: 'main', name: 'payment.failed', createdAtMs: nth, body: '{}' } as const;
  const delivery = {
    id: `${eventId}.main`,
    eventId,
    endpointId: 'main',
    signature: 'signature',
    status,
    attempts: 0,
    dueAtMs: status === 'pending' ? nth : null,
    lastResult: null,
  };
  const put = [['event', event] as const, ['delivery', delivery] as const];
  state.applyChange({ at: nth, what: 'test', put });
}

test('DOUBLE-84 a snapshot loses no undelivered event, however many wait', () => {
  const state = new State();
  for (let nth = 0; nth < MANY; nth += 1) tell(state, nth, 'pending');
  const copy = new State();
  for (const put of state.snapshot()) copy.applyChange({ at: state.lastAtMs, what: 'snapshot', put: [put] });
  expect([state.events.size, state.deliveries.size]).toEqual([MANY, MANY]);
  expect([copy.events.size, copy.deliveries.size]).toEqual([MANY, MANY]);
});

test('DOUBLE-85 events that were delivered or died do not pile up, and the newest dead letters stay', () => {
  const state = new State();
  for (let nth = 0; nth < MANY; nth += 1) tell(state, nth, nth % 2 === 0 ? 'dead' : 'delivered');
  for (const table of [state.events, state.deliveries, state.deliveryIdsByEvent]) {
    expect(table.size).toBeLessThanOrEqual(BOUND);
  }
  const dead = [...state.events.keys()].filter((id) => state.deliveries.get(`${id}.main`)?.status === 'dead');
  expect(dead.length).toBeGreaterThanOrEqual(10_000);
  expect(dead).toContain(`event_${MANY - 1 - ((MANY - 1) % 2)}`);
  expect(dead).not.toContain('event_0');
});

test('DOUBLE-86 a stale read remembers what it can still show, and no more', () => {
  const state = new State();
  const fault: Fault = {
    id: 'fault_1',
    kind: 'stale_read',
    on: '*',
    remaining: null,
    probability: 1,
    afterCommit: false,
    status: 500,
    retryAfterSeconds: null,
    delayMs: 100,
    distribution: 'fixed',
    times: 2,
  };
  state.applyChange({ at: 0, what: 'test', put: [['fault', fault]] });
  for (let nth = 0; nth < 1_000; nth += 1) {
    const entity = {
      id: `order_${nth}`,
      entity: 'order',
      amount: 100,
      amount_paid: 0,
      amount_due: 100,
      currency: 'INR',
      receipt: null,
      offer_id: null,
      status: 'created',
      attempts: 0,
      notes: [],
      created_at: 0,
    } as const;
    state.applyChange({ at: nth, what: 'test', put: [['order', { entity, merchantId: 'main', capture: null }]] });
  }
  expect(state.before.size).toBe(100);
  expect(state.before.has('order_900')).toBe(true);
});
