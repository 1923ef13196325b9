// A number with a button on each side, large enough for a finger.

import type { JSX } from 'preact';

interface StepperProps {
  readonly what: string;
  readonly less: string;
  readonly more: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly testId: string;
  readonly onChange: (value: number) => void;
}

export function Stepper({ what, less, more, value, least, most, testId, onChange }: StepperProps): JSX.Element {
  return (
    <fieldset class="stepper" aria-label={what}>
      <button
        type="button"
        aria-label={less}
        disabled={value <= least}
        onClick={() => onChange(value - 1)}
        data-testid={`${testId}-less`}
      >
        −
      </button>
      <output data-testid={testId} aria-live="polite">
        {value}
      </output>
      <button
        type="button"
        aria-label={more}
        disabled={value >= most}
        onClick={() => onChange(value + 1)}
        data-testid={`${testId}-more`}
      >
        +
      </button>
    </fieldset>
  );
}
