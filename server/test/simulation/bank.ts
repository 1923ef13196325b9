// Bank
// ----
// The gateway's side of the world: the memory gateway with faults around it, customers who pay (twice, the wrong amount,
// or so that the bank answers late), refunds the bank takes its time over, and webhooks on their way to us.
//
// Owns:  the gateway, what is still to happen at it, and webhooks under way.

import type { OrderId, RefundId } from '@housefull/schema/ids';
import type { GatewayOrder } from '../../src/payments/gateway.ts';
import { createMemoryGateway, type MemoryGateway, type MemoryWebhook } from '../../src/payments/memory-gateway.ts';
import { Fault } from '../../src/store/fault.ts';
import { LAPSING_MINUTES } from './options.ts';
import { Party } from './scheduler.ts';
import type { World } from './world.ts';

const REDELIVER_MS = { from: 500, to: 4_000 };

export class Bank {
  readonly gateway: MemoryGateway;
  readonly #world: World;
  readonly #party = new Party('bank');
  /** Our booking ids, as the gateway has them with its orders. */
  readonly receipts = new Map<OrderId, string>();
  readonly #debited = new Set<OrderId>();
  /** Things that will still happen at the bank, and webhooks that will still be delivered. */
  pending = 0;

  constructor(world: World) {
    this.#world = world;
    const { scheduler } = world;
    const silent = (outcome: 'none' | 'unknown'): Fault => new Fault('gateway_unavailable', 'no answer', { outcome });
    this.gateway = createMemoryGateway({
      nowMs: () => scheduler.nowMs,
      random14: () => scheduler.random.text(14),
      manualExpiryMinutes: world.luck('authorization lapses in seconds', 0.3)
        ? LAPSING_MINUTES
        : world.options.manualExpiryMinutes,
      around: async (call, act) => {
        await scheduler.sleep(this.#party, world.latencyMs(), call);
        if (world.isGatewayAway) throw silent('none');
        if (world.luck('gateway did not hear', world.options.faults.gatewayBefore)) throw silent('none');
        const result = act();
        if (call === 'createOrder') this.#noteReceipt(result as GatewayOrder);
        await scheduler.sleep(this.#party, world.latencyMs(), `${call} done`);
        if (world.luck('gateway reply lost', world.options.faults.gatewayAfter)) throw silent('unknown');
        return result;
      },
      onWebhook: (webhook) => this.#send(webhook),
    });
    if (world.swarm.has('refund pending')) this.gateway.refundsPending(true);
  }

  /** Whether its customer has been debited, at any time. */
  hasMoney(orderId: OrderId): boolean {
    return this.#debited.has(orderId);
  }

  #noteReceipt({ orderId, receipt }: GatewayOrder): void {
    this.receipts.set(orderId, receipt);
  }

  /** Whether money is neither at rest nor on its way home. */
  get unsettled(): boolean {
    return this.pending > 0 || this.gateway.ledger().payments.some((one) => one.status === 'authorized');
  }

  /** A customer pays; our page may tell us, webhooks may tell us, or only the timer finds it. */
  pay(orderId: OrderId): void {
    const { scheduler, swarm } = this.#world;
    const { random } = scheduler;
    const outcome = random.weighted({ authorized: 8, failed: 2, silent: 1, captured: 1 });
    const second = this.#world.luck('second payment', 0.08);
    const wrong = this.#world.luck('wrong amount paid', 0.04);
    const amountPaise = 10_000 + random.below(1_000);
    try {
      const paid = this.gateway.pay(orderId, outcome, { second, ...(wrong ? { amountPaise } : {}) });
      scheduler.note(`${orderId} is paid: ${outcome}${second ? ', a second time' : ''}${wrong ? ', a wrong sum' : ''}`);
      if (outcome === 'authorized' || outcome === 'captured') this.#debited.add(orderId);
      if (random.chance(0.5)) this.#callback(orderId);
      const late = outcome === 'failed' || outcome === 'silent';
      if (!late || !swarm.has('money authorized late') || !random.chance(0.5)) return;
      this.#eventually(random.between(100, 9_000), 'authorizes late', () => {
        swarm.happened('money authorized late');
        this.gateway.authorizeLate(paid.razorpay_payment_id);
        this.#debited.add(orderId);
      });
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      // Paid or authorized already: the gateway takes no second payment.
    }
  }

  #callback(orderId: OrderId): void {
    const { scheduler } = this.#world;
    scheduler.after(this.#party, this.#world.latencyMs(), 'verify', () => {
      const [node] = this.#world.liveNodes();
      // A page that was not answered asks again or not; the money is found anyway.
      if (node !== undefined)
        scheduler.after(node.party, 0, 'hears verify', () => void node.till.hint(orderId).catch(noticed));
    });
  }

  #send(webhook: MemoryWebhook): void {
    const { scheduler } = this.#world;
    if (webhook.type === 'refund.created') this.#finishRefunds();
    if (this.#world.luck('webhook lost', 0.15)) return;
    const copies = this.#world.luck('webhook doubled', 0.2) ? scheduler.random.between(2, 3) : 1;
    for (let i = 0; i < copies; i += 1) {
      const late = this.#world.luck('webhook late', 0.2);
      this.pending += 1;
      const lateMs = scheduler.random.between(1_000, 9_000) * this.#world.options.bankScale;
      this.#deliver(webhook, late ? lateMs : this.#world.latencyMs());
    }
  }

  /** Until a node has taken it. */
  #deliver(webhook: MemoryWebhook, delayMs: number): void {
    const { scheduler } = this.#world;
    const { random } = scheduler;
    const again = (): void => this.#deliver(webhook, random.between(REDELIVER_MS.from, REDELIVER_MS.to));
    scheduler.after(this.#party, delayMs, `webhook ${webhook.type}`, () => {
      const live = this.#world.liveNodes();
      if (live.length === 0 || this.#world.isGatewayAway) return again();
      const node = random.pick(live);
      let open = true;
      const ended = (taken: boolean): void => {
        if (!open) return;
        open = false;
        if (taken) this.pending -= 1;
        else again();
      };
      scheduler.after(this.#party, 3_000, 'no answer to a webhook', () => ended(false));
      scheduler.after(node.party, 0, 'takes a webhook', () => {
        node.till.webhook(webhook).then(
          () => ended(true),
          () => ended(false),
        );
      });
    });
  }

  /** What the bank took its time over is done, or, now and then, could not be done. */
  #finishRefunds(): void {
    const { scheduler, swarm } = this.#world;
    for (const { refundId, status } of this.gateway.ledger().refunds) {
      if (status !== 'pending' || this.#finishing.has(refundId)) continue;
      this.#finishing.add(refundId);
      swarm.happened('refund pending');
      const fails = this.#world.luck('refund failed', 0.3);
      this.#eventually(scheduler.random.between(200, 6_000), 'ends a refund', () => {
        this.gateway.finishRefund(refundId, fails ? 'failed' : 'processed');
      });
    }
  }

  readonly #finishing = new Set<RefundId>();

  #eventually(ms: number, what: string, act: () => void): void {
    this.pending += 1;
    this.#world.scheduler.after(this.#party, ms * this.#world.options.bankScale, what, () => {
      this.pending -= 1;
      try {
        act();
      } catch (fault) {
        if (!(fault instanceof Fault)) throw fault;
      }
    });
  }
}

const noticed = (): void => {};
