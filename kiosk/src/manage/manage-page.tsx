// For who runs a theater: sign in, choose it, edit its rules, take a show off.

import type { Page, Theater } from '@housefull/client';
import { useSignal } from '@preact/signals';
import type { JSX, TargetedSubmitEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { type Answered, answered } from '../answered.ts';
import { hrefOf } from '../route.ts';
import { Problem, Waiting } from '../small-parts.tsx';
import '../style/manage.css';
import { RulesForm } from './rules-form.tsx';
import { ShowsPanel } from './shows-panel.tsx';
import { hasSignedIn, resume, signedOutWhy, signIn, signOut, staff, staffHouse } from './staff-house.ts';

export function ManagePage({ theaterId }: { readonly theaterId: string | undefined }): JSX.Element {
  const resuming = useSignal(staff.value === undefined && hasSignedIn());
  useEffect(() => {
    if (!resuming.value) return;
    void resume().then(() => {
      resuming.value = false;
    });
  }, []);
  if (resuming.value) {
    return (
      <main class="page narrow">
        <Waiting what="Signing in" />
      </main>
    );
  }
  const user = staff.value;
  if (user === undefined) return <SignIn problem={signedOutWhy.value} />;
  return (
    <main class="page narrow manage">
      <p class="who">
        Signed in as {user.name ?? user.email}
        <button type="button" class="quiet" onClick={() => void signOut()} data-testid="sign-out">
          Sign out
        </button>
      </p>
      {theaterId === undefined ? <Theaters /> : <OneTheater key={theaterId} theaterId={theaterId} />}
    </main>
  );
}

function SignIn({ problem: first }: { readonly problem: string | undefined }): JSX.Element {
  const problem = useSignal(first);
  const busy = useSignal(false);
  const password = useRef<HTMLInputElement>(null);
  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    busy.value = true;
    problem.value = await signIn(String(form.get('email')).trim(), String(form.get('password')));
    busy.value = false;
    if (problem.value !== undefined) password.current?.select();
  };
  return (
    <main class="page narrow">
      <h1>Manage a theater</h1>
      <form class="contact" onSubmit={(event) => void submit(event)}>
        <label>
          <span>Email</span>
          <input name="email" type="email" autocomplete="username" required maxLength={254} data-testid="staff-email" />
        </label>
        <label>
          <span>Password</span>
          <input
            ref={password}
            name="password"
            type="password"
            autocomplete="current-password"
            required
            maxLength={128}
            data-testid="staff-password"
          />
        </label>
        <div role="alert">{problem.value !== undefined && <p class="field-problem">{problem.value}</p>}</div>
        <button type="submit" class="primary" disabled={busy.value} data-testid="sign-in">
          {busy.value ? 'One moment …' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}

/** A chain has some hundred at most; more would be a mistake of somebody. */
const MOST_PAGES = 20;

function Theaters(): JSX.Element {
  const theaters = useSignal<readonly Theater[] | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const load = async (): Promise<void> => {
    problem.value = undefined;
    const all: Theater[] = [];
    for (let page: number | undefined = 1; page !== undefined && page <= MOST_PAGES; ) {
      const answer: Answered<Page<Theater>> = await answered(staffHouse.theaters({ page }));
      if (!answer.ok) {
        problem.value = answer.text;
        return;
      }
      all.push(...answer.value.items);
      page = answer.value.nextPage;
    }
    theaters.value = all;
  };
  useEffect(() => void load(), []);
  return (
    <>
      <h1>Theaters</h1>
      {problem.value !== undefined && <Problem text={problem.value} again={() => void load()} />}
      {problem.value === undefined && theaters.value === undefined && <Waiting what="Looking them up" />}
      <ul class="booking-list">
        {theaters.value?.map(({ id, name, address }) => (
          <li key={id}>
            <a href={hrefOf({ page: 'manage', theaterId: id })} data-testid="theater">
              <span>
                <strong>{name}</strong>
                <small>{address}</small>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}

function OneTheater({ theaterId }: { readonly theaterId: string }): JSX.Element {
  const name = useSignal('');
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    void answered(staffHouse.manage.rules(theaterId)).then((answer) => {
      if (answer.ok) name.value = answer.value.theater.name;
    });
  }, []);
  return (
    <>
      <p>
        <a href={hrefOf({ page: 'manage', theaterId: undefined })}>All theaters</a>
      </p>
      <h1 ref={heading} tabIndex={-1}>
        {name.value || 'Theater'}
      </h1>
      <RulesForm theaterId={theaterId} />
      <ShowsPanel theaterId={theaterId} />
    </>
  );
}
