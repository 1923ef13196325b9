// Small parts that several pages show.

import { type Countdown, formatCountdown, formatPaise, type PriceLine } from '@housefull/client';
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';

export function Waiting({ what }: { what: string }): JSX.Element {
  return (
    <p class="waiting" role="status">
      <span class="spinner" aria-hidden="true" />
      {what} …
    </p>
  );
}

export function Problem({ text, again }: { text: string; again?: () => void }): JSX.Element {
  return (
    <div class="notice notice-refusal" role="alert" data-testid="refusal">
      <p>{text}</p>
      {again !== undefined && (
        <button type="button" class="quiet" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Lines({ lines, amountPaise }: { lines: readonly PriceLine[]; amountPaise: number }): JSX.Element {
  return (
    <dl class="lines">
      {lines.map((line) => (
        <div key={`${line.kind} ${line.label}`}>
          <dt>
            {line.label}
            {line.kind !== 'tax' && line.count > 0 && (
              <small> {`${line.count} × ${formatPaise(line.unitPaise)}`}</small>
            )}
          </dt>
          <dd>{formatPaise(line.amountPaise)}</dd>
        </div>
      ))}
      <div class="total">
        <dt>Total</dt>
        <dd>{formatPaise(amountPaise)}</dd>
      </div>
    </dl>
  );
}

const URGENT_MS = 60_000;

export function HoldCountdown({ countdown }: { countdown: Countdown }): JSX.Element {
  const left = useSignal(countdown.remainingMs());
  useEffect(() => {
    const tick = (): void => {
      left.value = countdown.remainingMs();
    };
    tick();
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [countdown]);
  const urgent = left.value <= URGENT_MS;
  return (
    <div class={urgent ? 'countdown urgent' : 'countdown'}>
      <span class="countdown-text" role="timer" data-testid="hold-countdown">
        {formatCountdown(left.value)}
      </span>
      {/* Said once, not every second. */}
      <span class="unseen" aria-live="polite">
        {urgent ? 'Less than one minute left for these seats.' : ''}
      </span>
    </div>
  );
}
