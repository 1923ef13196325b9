// What a handler gets and gives, for the API (/v1) and the controls (/__double) alike, and how paths find handlers.

import { z } from 'zod';
import type { Outcome } from './draft.ts';
import type { Engine } from './engine.ts';
import type { Merchant } from './entities.ts';
import type { ApiError } from './errors.ts';
import { errorBody } from './errors.ts';
import type { Fields } from './fields.ts';
import type { Metrics } from './metrics.ts';
import type { Outbox } from './outbox.ts';

export type Answer = {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Double = {
  readonly engine: Engine;
  readonly outbox: Outbox;
  readonly metrics: Metrics;
  readonly requests: RequestLog;
  /** Default of endpoints added without a secret. */
  readonly webhookSecret: string;
};

export type Call = {
  readonly double: Double;
  /** Whose key the caller showed; the main one where none is asked for. */
  readonly merchant: Merchant;
  /** A fault: records that changed less than so long ago are shown as they were before. */
  readonly lagMs: number;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly rawBody: string;
  readonly fields: Fields;
  readonly header: (name: string) => string | undefined;
  /** Aborted when the caller went away. */
  readonly signal: AbortSignal;
};

export type Route = {
  readonly name: string;
  readonly method: string;
  /** `:part` takes one path segment. */
  readonly pattern: string;
  readonly handle: (call: Call) => Answer | Promise<Answer>;
};

export function json(value: unknown, status = 200): Answer {
  return { status, contentType: 'application/json', text: JSON.stringify(value) };
}

export function refusal(error: ApiError): Answer {
  return json(errorBody(error), error.status);
}

export function answerOf(outcome: Outcome<unknown>): Answer {
  return outcome.ok ? json(outcome.value) : refusal(outcome.error);
}

/** The body by a schema, or 400 with the first thing that is wrong with it. */
export function reading<T extends z.ZodType>(
  schema: T,
  call: Call,
  handle: (body: z.infer<T>) => Answer | Promise<Answer>,
): Answer | Promise<Answer> {
  const parsed = schema.safeParse(call.fields);
  if (parsed.success) return handle(parsed.data);
  const issue = parsed.error.issues[0];
  const description = `${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is invalid'}`.trim();
  return refusal({ status: 400, code: 'BAD_REQUEST_ERROR', description });
}

/** A route of `/__double`, named by its form. */
export function control(method: string, pattern: string, handle: Route['handle']): Route {
  return { name: `${method} ${pattern}`, method, pattern, handle };
}

const YEAR_MS = 366 * 24 * 60 * 60_000;
export const milliseconds = z.int().min(0).max(YEAR_MS);

export type Matched = { readonly route: Route; readonly params: Readonly<Record<string, string>> };

/** Finds a route by method, number of segments, and the fixed segments among them. */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => Matched | undefined {
  const shelves = new Map<string, { route: Route; parts: string[] }[]>();
  for (const route of routes) {
    const parts = route.pattern.split('/');
    const shelf = `${route.method} ${parts.length}`;
    shelves.set(shelf, [...(shelves.get(shelf) ?? []), { route, parts }]);
  }
  return (method, path) => {
    const given = path.split('/');
    for (const { route, parts } of shelves.get(`${method} ${given.length}`) ?? []) {
      const params = matchParts(parts, given);
      if (params !== undefined) return { route, params };
    }
    return undefined;
  };
}

function matchParts(parts: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':')) {
      if (value === '') return undefined;
      params[part.slice(1)] = value;
    } else if (part !== value) return undefined;
  }
  return params;
}

export type LoggedRequest = {
  readonly at_ms: number;
  readonly method: string;
  readonly path: string;
  readonly route: string | null;
  readonly key_id: string | null;
  readonly status: number | null;
  readonly fault: string | null;
};

/** The last thousand API requests, for tests that ask what the caller really did. Bodies are not kept. */
export class RequestLog {
  #requests: LoggedRequest[] = [];

  add(request: LoggedRequest): void {
    this.#requests.push(request);
    if (this.#requests.length >= 2000) this.#requests = this.#requests.slice(-1000);
  }

  list(): readonly LoggedRequest[] {
    return this.#requests.slice(-1000);
  }

  clear(): void {
    this.#requests = [];
  }
}
