// The cancel rules and the refund policy of a theater, to be read and changed.

import type { TheaterRules } from '@housefull/client';
import { useSignal } from '@preact/signals';
import type { JSX, TargetedSubmitEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Problem, Waiting } from '../small-parts.tsx';
import {
  type Complaints,
  type DraftTier,
  draftOf,
  type Kind,
  MOST_TIERS,
  type RulesDraft,
  readDraft,
} from './rules-draft.ts';
import { managed, staffHouse } from './staff-house.ts';

const NONE: Complaints = new Map();

export function RulesForm({ theaterId }: { readonly theaterId: string }): JSX.Element {
  const rules = useSignal<TheaterRules | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const tries = useSignal(0);
  useEffect(() => {
    problem.value = undefined;
    void managed(staffHouse.manage.rules(theaterId)).then((answer) => {
      if (answer.ok) rules.value = answer.value;
      else problem.value = answer.text;
    });
  }, [theaterId, tries.value]);
  if (problem.value !== undefined) return <Problem text={problem.value} again={() => (tries.value += 1)} />;
  return rules.value === undefined ? <Waiting what="Looking up the rules" /> : <Edit rules={rules.value} />;
}

function Edit({ rules }: { readonly rules: TheaterRules }): JSX.Element {
  const draft = useSignal(draftOf(rules));
  const complaints = useSignal(NONE);
  const said = useSignal('');
  const problem = useSignal<string | undefined>(undefined);
  const busy = useSignal(false);
  const form = useRef<HTMLFormElement>(null);
  const change = (more: Partial<RulesDraft>): void => {
    draft.value = { ...draft.value, ...more };
    said.value = '';
  };
  const save = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    said.value = '';
    problem.value = undefined;
    const read = readDraft(draft.value);
    complaints.value = read.ok ? NONE : read.complaints;
    if (!read.ok) {
      // After it is drawn: the first field that is to be mended.
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus());
      return;
    }
    busy.value = true;
    const answer = await managed(staffHouse.manage.setRules(rules.theater.id, read.body));
    busy.value = false;
    if (answer.ok) {
      draft.value = draftOf(answer.value);
      said.value = `Saved. ${keepWords(answer.value.showsToCome)}`;
    } else problem.value = `Nothing was saved. ${answer.text}`;
  };
  return (
    <form class="rules" ref={form} onSubmit={(event) => void save(event)} noValidate data-testid="rules-form">
      <h2>Cancel rules</h2>
      <p class="hint">For shows that are made from now on. {keepWords(rules.showsToCome)}</p>
      <Kinds draft={draft.value} onKind={(kind) => change({ kind })} />
      {draft.value.kind === 'steps' && <Steps draft={draft.value} complaints={complaints.value} onChange={change} />}
      {draft.value.kind === 'steps' && (
        <label class="check">
          <input
            type="checkbox"
            checked={draft.value.feesBack}
            onChange={(event) => change({ feesBack: event.currentTarget.checked })}
            data-testid="fees-back"
          />
          The booking fee, and the tax on it, come back in the same measure
        </label>
      )}
      <Policy draft={draft.value} onPolicy={(refundPolicy) => change({ refundPolicy })} />
      {problem.value !== undefined && <Problem text={problem.value} />}
      <button type="submit" class="primary" disabled={busy.value} data-testid="save-rules">
        {busy.value ? 'One moment …' : 'Save the rules'}
      </button>
      <p class="said" role="status" data-testid="rules-said">
        {said.value}
      </p>
    </form>
  );
}

function keepWords(shows: number): string {
  if (shows === 0) return 'There are no shows to come that would keep other ones.';
  if (shows === 1) return 'The show that is already on sale keeps the rules it was sold with.';
  return `The ${shows} shows that are already on sale keep the rules they were sold with.`;
}

const KINDS: readonly (readonly [Kind, string])[] = [
  ['all', 'Everything comes back until selling ends'],
  ['steps', 'Less comes back the later it is'],
  ['none', 'Bookings cannot be cancelled'],
];

function Kinds({ draft, onKind }: { draft: RulesDraft; onKind: (kind: Kind) => void }): JSX.Element {
  return (
    <fieldset class="choose">
      <legend>What a customer gets back who cancels</legend>
      {KINDS.map(([kind, words]) => (
        <label class="check" key={kind}>
          <input
            type="radio"
            name="kind"
            checked={draft.kind === kind}
            onChange={() => onKind(kind)}
            data-testid={`kind-${kind}`}
          />
          {words}
        </label>
      ))}
    </fieldset>
  );
}

interface StepsProps {
  readonly draft: RulesDraft;
  readonly complaints: Complaints;
  readonly onChange: (more: Partial<RulesDraft>) => void;
}

function Steps({ draft, complaints, onChange }: StepsProps): JSX.Element {
  const { tiers } = draft;
  const list = useRef<HTMLOListElement>(null);
  const replace = (at: number, more: Partial<DraftTier>): void =>
    onChange({ tiers: tiers.map((tier, nth) => (nth === at ? { ...tier, ...more } : tier)) });
  const add = (): void => {
    onChange({ tiers: [...tiers, { percent: '', hours: '', minutes: '' }] });
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>('li:last-child input')?.focus());
  };
  return (
    <>
      <ol class="steps" ref={list}>
        {tiers.map((tier, at) => (
          // A step is its place in the order.
          <li key={at} data-testid="step">
            <Step
              {...{ tier, at, complaints }}
              onChange={(more) => replace(at, more)}
              onRemove={() => onChange({ tiers: tiers.filter((_, nth) => nth !== at) })}
            />
          </li>
        ))}
      </ol>
      <Complaint {...{ complaints, of: 'tiers' }} />
      <p>
        <button type="button" class="quiet" disabled={tiers.length >= MOST_TIERS} onClick={add} data-testid="add-step">
          Add a step
        </button>
      </p>
      <div>
        <Field
          {...{
            label: 'Percent back after that, until selling ends (leave empty for none)',
            complaints,
            of: 'closing',
          }}
          value={draft.untilClosing}
          onText={(untilClosing) => onChange({ untilClosing })}
        />
        <Complaint {...{ complaints, of: 'closing' }} />
      </div>
    </>
  );
}

interface StepProps {
  readonly tier: DraftTier;
  readonly at: number;
  readonly complaints: Complaints;
  readonly onChange: (more: Partial<DraftTier>) => void;
  readonly onRemove: () => void;
}

function Step({ tier, at, complaints, onChange, onRemove }: StepProps): JSX.Element {
  const percent = { label: 'Percent back', value: tier.percent, of: `${at}.percent` };
  const hours = { label: 'Hours before', value: tier.hours, of: `${at}.time` };
  const minutes = { label: 'and minutes', value: tier.minutes, of: `${at}.time` };
  return (
    <fieldset>
      <legend>Step {at + 1}</legend>
      <Field {...{ ...percent, complaints }} onText={(text) => onChange({ percent: text })} />
      <span class="until">until</span>
      <Field {...{ ...hours, complaints }} onText={(text) => onChange({ hours: text })} />
      <Field {...{ ...minutes, complaints }} onText={(text) => onChange({ minutes: text })} />
      <button type="button" class="quiet" aria-label={`Remove step ${at + 1}`} onClick={onRemove}>
        Remove
      </button>
      <Complaint {...{ complaints, of: percent.of }} />
      <Complaint {...{ complaints, of: hours.of }} />
    </fieldset>
  );
}

const complaintId = (of: string): string => `complaint-${of.replace('.', '-')}`;

function Complaint({ complaints, of }: { readonly complaints: Complaints; readonly of: string }): JSX.Element | null {
  const complaint = complaints.get(of);
  if (complaint === undefined) return null;
  return (
    <p class="field-problem" role="alert" id={complaintId(of)}>
      {complaint}
    </p>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly complaints: Complaints;
  /** What may be complained of. */
  readonly of: string;
  readonly onText: (text: string) => void;
}

function Field({ label, value, complaints, of, onText }: FieldProps): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        inputMode="numeric"
        autocomplete="off"
        maxLength={5}
        value={value}
        aria-invalid={complaints.has(of)}
        aria-describedby={complaints.has(of) ? complaintId(of) : undefined}
        onInput={(event) => onText(event.currentTarget.value)}
      />
    </label>
  );
}

const POLICIES: readonly (readonly [TheaterRules['refundPolicy'], string, string])[] = [
  [
    'capture_then_refund',
    'Take it and refund it at once',
    'The customer has it back sooner; the gateway keeps its fee.',
  ],
  ['leave', 'Leave it to the gateway', 'Free of charge; it goes back by itself, some days later.'],
];

interface PolicyProps {
  readonly draft: RulesDraft;
  readonly onPolicy: (policy: TheaterRules['refundPolicy']) => void;
}

function Policy({ draft, onPolicy }: PolicyProps): JSX.Element {
  return (
    <fieldset class="choose">
      <legend>Money that came too late for its seats</legend>
      <p class="hint">For all shows, at once.</p>
      {POLICIES.map(([policy, words, hint]) => (
        <label class="check" key={policy}>
          <input
            type="radio"
            name="policy"
            checked={draft.refundPolicy === policy}
            onChange={() => onPolicy(policy)}
            data-testid={`policy-${policy}`}
          />
          <span>
            {words}
            <small>{hint}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
