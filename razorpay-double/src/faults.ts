// Faults a test arms against a route. They live in memory only: a restarted double is a healthy one.

export const FAULT_KINDS = ['status', 'hang', 'reset', 'fail_after_commit', 'latency'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export type FaultRequest = {
  /** A route's name (`payments.capture`), its form (`POST /v1/payments/:id/capture`), or `*`. */
  readonly route: string;
  readonly kind: FaultKind;
  readonly count: number;
  readonly status: number;
  readonly delayMs: number;
  readonly retryAfterSeconds: number | null;
  /** For hang and reset: the command was carried out and only its answer is lost. */
  readonly afterCommit: boolean;
};

export type Fault = FaultRequest & { readonly id: string; remaining: number };

export type RouteName = { readonly name: string; readonly method: string; readonly pattern: string };

export class FaultTable {
  #faults: Fault[] = [];

  add(id: string, request: FaultRequest): Fault {
    const afterCommit = request.afterCommit || request.kind === 'fail_after_commit';
    const fault = { ...request, afterCommit, id, remaining: request.count };
    this.#faults.push(fault);
    return fault;
  }

  list(): readonly Fault[] {
    return this.#faults;
  }

  clear(): void {
    this.#faults = [];
  }

  /** The first armed fault for the route, one of its uses spent. */
  take(route: RouteName): Fault | undefined {
    if (this.#faults.length === 0) return undefined;
    const fault = this.#faults.find((candidate) => matches(candidate.route, route));
    if (fault === undefined) return undefined;
    fault.remaining -= 1;
    if (fault.remaining === 0) this.#faults = this.#faults.filter((other) => other !== fault);
    return fault;
  }

  /** A fault after commit that met a refused command (nothing was committed) waits for the next one. */
  giveBack(fault: Fault): void {
    fault.remaining += 1;
    if (!this.#faults.includes(fault)) this.#faults.unshift(fault);
  }
}

function matches(wanted: string, route: RouteName): boolean {
  return wanted === '*' || wanted === route.name || wanted === `${route.method} ${route.pattern}`;
}
