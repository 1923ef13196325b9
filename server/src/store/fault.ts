// Fault: the world failed. One class, thrown only by adapters, caught only where effects come back.

export type FaultCode =
  | 'database_unavailable'
  | 'database_refused'
  | 'gateway_unavailable'
  | 'gateway_refused'
  | 'gateway_rate_limited';

/**
 * `outcome` tells what is known of the write that failed: `none` was certainly not done, `unknown` may have been, or
 * may still become, durable. An unknown outcome is settled by reading, never by assuming.
 */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly outcome: 'none' | 'unknown';
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: FaultCode,
    message: string,
    more: { outcome?: 'none' | 'unknown'; retryable?: boolean; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = 'Fault';
    this.code = code;
    this.outcome = more.outcome ?? 'none';
    this.retryable = more.retryable ?? code !== 'gateway_refused';
    this.retryAfterMs = more.retryAfterMs;
  }
}
