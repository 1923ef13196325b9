// Prometheus counters of the double itself, at GET /metrics. The ledger is the oracle; these are for dashboards.

import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Engine } from './engine.ts';
import { ledgerOf } from './ledger.ts';

const DURATION_BUCKETS_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5];

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = this.#counter('requests_total', 'API requests by route and status', ['route', 'status']);
  readonly #faults = this.#counter('faults_total', 'Faults that struck', ['kind']);
  readonly #attempts = this.#counter('webhook_attempts_total', 'Webhook attempts by result', ['result']);
  readonly #seconds = new Histogram({
    name: 'razorpay_double_request_seconds',
    help: 'From the whole request to its answer, durable on disk',
    buckets: DURATION_BUCKETS_SECONDS,
    registers: [this.#registry],
  });

  constructor(engine: Engine) {
    const { state } = engine;
    this.#gauge('payments', 'Payments by status', ['status'], (gauge) => {
      gauge.reset();
      for (const payment of state.payments.values()) gauge.inc({ status: payment.entity.status });
    });
    this.#gauge('deliveries', 'Webhook deliveries by status', ['status'], (gauge) => {
      gauge.reset();
      for (const delivery of state.deliveries.values()) gauge.inc({ status: delivery.status });
    });
    this.#gauge('orders', 'Orders', [], (gauge) => gauge.set(state.orders.size));
    this.#gauge('open_paise', 'Authorized, neither captured nor given back', [], (gauge) =>
      gauge.set(ledgerOf(state).totals.open),
    );
    this.#gauge('clock_ahead_seconds', 'How far the clock was advanced', [], (gauge) =>
      gauge.set(state.clockOffsetMs / 1000),
    );
  }

  /** `status` null: no answer left, because of a fault. */
  request(route: string | null, status: number | null, elapsedMs: number): void {
    this.#requests.inc({ route: route ?? 'unknown', status: status ?? 'none' });
    this.#seconds.observe(elapsedMs / 1000);
  }

  fault(kind: string): void {
    this.#faults.inc({ kind });
  }

  attempt(result: string): void {
    this.#attempts.inc({ result });
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name: `razorpay_double_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void): void {
    const gauge: Gauge = new Gauge({
      name: `razorpay_double_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      collect: () => collect(gauge),
    });
  }
}
