// A gateway whose calls a test takes into its hands one by one: a stale read, a lost answer, a refusal.

import type { Gateway, GatewayLists, GatewayPayment, GatewayPaymentStatus } from '../../src/payments/gateway.ts';
import type { GatewayCall, MemoryGateway } from '../../src/payments/memory-gateway.ts';
import { Fault } from '../../src/store/fault.ts';
import type { TestGateway } from './gateways.ts';

type Face = Gateway & GatewayLists;
type Args<C extends GatewayCall> = Parameters<Face[C]>;
type Answer<C extends GatewayCall> = Awaited<ReturnType<Face[C]>>;
/** `act` makes the call as it is, or with other arguments. */
export type Disturbance<C extends GatewayCall> = (
  act: (...args: Args<C>) => Promise<Answer<C>>,
  ...args: Args<C>
) => Promise<Answer<C>>;

export interface DisturbedGateway extends TestGateway {
  /** As it is, for what the test does there itself. Of the twin only. */
  readonly twin: MemoryGateway;
  /** The next such call that is not disturbed yet. */
  once<C extends GatewayCall>(call: C, how: Disturbance<C>): void;
  /** Every such call, until it is undone, but those of `once`. */
  always<C extends GatewayCall>(call: C, how: Disturbance<C>): () => void;
}

type AnyCall = (...args: unknown[]) => Promise<unknown>;
type AnyDisturbance = (act: AnyCall, ...args: unknown[]) => Promise<unknown>;

const CALLS: readonly GatewayCall[] = [
  'createOrder',
  'fetchOrderPayments',
  'fetchPayment',
  'capture',
  'refund',
  'fetchRefunds',
  'listPayments',
  'listRefunds',
];

export function disturbed(bench: TestGateway): DisturbedGateway {
  const next = new Map<GatewayCall, AnyDisturbance[]>();
  const standing = new Map<GatewayCall, AnyDisturbance>();
  const calls = CALLS.map((call) => {
    const method = (bench.gateway[call] as AnyCall).bind(bench.gateway);
    const made: AnyCall = (...args) => {
      const how = next.get(call)?.shift() ?? standing.get(call);
      return how === undefined ? method(...args) : how(method, ...args);
    };
    return [call, made] as const;
  });
  const gateway = { keyId: bench.gateway.keyId, ...Object.fromEntries(calls) } as unknown as Face;
  return {
    ...bench,
    gateway,
    twin: bench.gateway as unknown as MemoryGateway,
    once: (call, how) => void next.set(call, [...(next.get(call) ?? []), how as unknown as AnyDisturbance]),
    always(call, how) {
      standing.set(call, how as unknown as AnyDisturbance);
      return () => void standing.delete(call);
    },
  };
}

/** It is done, and nobody hears of it. */
export const answerLost = async <A extends unknown[], T>(act: (...args: A) => Promise<T>, ...args: A): Promise<T> => {
  await act(...args);
  throw new Fault('gateway_unavailable', 'the answer was lost', { outcome: 'unknown' });
};
export const neverSent = async (): Promise<never> => {
  throw new Fault('gateway_unavailable', 'no connection', { outcome: 'none' });
};
export const refusedBy = (words: string) => async (): Promise<never> => {
  throw new Fault('gateway_refused', words, { retryable: false });
};

/** As the payment was before: what a replica that lags behind says. */
export const stalely =
  (status: GatewayPaymentStatus) =>
  async <A extends unknown[]>(act: (...args: A) => Promise<GatewayPayment>, ...args: A): Promise<GatewayPayment> => ({
    ...(await act(...args)),
    status,
    refundedPaise: 0,
  });
