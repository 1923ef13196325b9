// After the hold: the clock, the price, who the ticket is for, and the way to pay.

import { type CheckoutResult, type Contact, formatPaise, type OwnHold, type ShowDetail } from '@housefull/client';
import { useSignal } from '@preact/signals';
import type { JSX, TargetedSubmitEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { contactOf } from './contact.ts';
import { house } from './house.ts';
import { NoticeBox } from './notice-box.tsx';
import { paidAtMs } from './paid-here.ts';
import { termsSentence } from './refund-terms.tsx';
import { listOf } from './refusal-words.ts';
import { hrefOf } from './route.ts';
import type { ShowSession } from './show-session.ts';
import { HoldCountdown, Lines } from './small-parts.tsx';

interface HoldPanelProps {
  readonly session: ShowSession;
  readonly detail: ShowDetail;
  readonly hold: OwnHold;
  readonly onPaid: (bookingId: string, result: CheckoutResult) => void;
}

export function HoldPanel({ session, detail, hold, onPaid }: HoldPanelProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  // The button that was pressed is gone; who uses a keyboard or a screen reader goes on here.
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  const labels = session.namesOf(hold.seats);
  const kept = hold.paying ? session.contactOf(hold.holdId) : undefined;
  const bookingId = session.bookingOf(hold.holdId);
  // In another tab, or before coming back to this page.
  const isPaid = bookingId !== undefined && paidAtMs(bookingId) !== undefined;
  useEffect(() => {
    if (isPaid) session.closeCheckout();
  }, [isPaid]);

  const pay = async (contact: Contact): Promise<void> => {
    const ended = await session.pay(hold, contact);
    if (ended?.end.kind === 'paid') onPaid(ended.order.bookingId, ended.end.result);
  };

  return (
    <div class="held">
      <div class="held-head">
        <div>
          <h2 ref={heading} tabIndex={-1} data-testid="held-seats">
            {listOf(labels)}
          </h2>
          <p>{hold.paying ? 'Held while you pay' : 'Held for you'}</p>
        </div>
        <HoldCountdown countdown={hold.countdown} />
      </div>
      <NoticeBox notice={session.notice.value} />
      {hold.paying && !isPaid && <Paying bookingId={bookingId} />}
      <Lines lines={hold.lines} amountPaise={hold.amountPaise} />
      <p class="hint" data-testid="refund-terms">
        {termsSentence(detail, house.nowMs())}
      </p>
      {isPaid ? (
        <PaidHere bookingId={bookingId} />
      ) : kept === undefined ? (
        <ContactForm
          amountPaise={hold.amountPaise}
          busy={session.busy.value}
          ordered={hold.paying}
          onContact={(contact) => void pay(contact)}
        />
      ) : (
        <PayAgain
          contact={kept}
          amountPaise={hold.amountPaise}
          busy={session.busy.value}
          onPay={() => void pay(kept)}
        />
      )}
      {!hold.paying && (
        <button
          type="button"
          class="quiet"
          disabled={session.busy.value}
          onClick={() => void session.release(hold.holdId)}
          data-testid="release"
        >
          Give the seats back
        </button>
      )}
    </div>
  );
}

/** An order was made, so money may be out already, whatever Checkout said when it was closed. */
function Paying({ bookingId }: { readonly bookingId: string | undefined }): JSX.Element {
  return (
    <p class="hint" data-testid="paying-hint">
      If your bank has already taken the money, please do not pay again: your ticket comes by itself.{' '}
      {bookingId !== undefined && (
        <a href={hrefOf({ page: 'booking', bookingId })} data-testid="to-booking">
          See this booking
        </a>
      )}
    </p>
  );
}

/** Checkout said "paid" in this browser: to ask for money again would be to ask for it twice. */
function PaidHere({ bookingId }: { readonly bookingId: string }): JSX.Element {
  return (
    <div class="paid-here" role="status" data-testid="paid-here">
      <p>You have paid for these seats. Please do not pay again: we are waiting for your bank to confirm it.</p>
      <a class="primary" href={hrefOf({ page: 'booking', bookingId })}>
        See this booking
      </a>
    </div>
  );
}

interface PayAgainProps {
  readonly contact: Contact;
  readonly amountPaise: number;
  readonly busy: boolean;
  readonly onPay: () => void;
}

/** The order stands, and with it who the ticket is for. */
function PayAgain({ contact, amountPaise, busy, onPay }: PayAgainProps): JSX.Element {
  return (
    <>
      <p class="hint">The ticket goes to {contact.email ?? contact.phone}.</p>
      <button type="button" class="primary" disabled={busy} onClick={onPay} data-testid="pay">
        {payWords(amountPaise, busy)}
      </button>
    </>
  );
}

const payWords = (amountPaise: number, busy: boolean): string =>
  busy ? 'One moment …' : `Pay ${formatPaise(amountPaise)}`;

interface ContactFormProps {
  readonly amountPaise: number;
  readonly busy: boolean;
  /** In another tab: this is for the payment only, and who the ticket is for is known there. */
  readonly ordered: boolean;
  readonly onContact: (contact: Contact) => void;
}

function ContactForm({ amountPaise, busy, ordered, onContact }: ContactFormProps): JSX.Element {
  const problem = useSignal<string | undefined>(undefined);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const read = contactOf(new FormData(event.currentTarget));
    problem.value = read.ok ? undefined : read.text;
    if (read.ok) onContact(read.contact);
  };
  return (
    <form class="contact" onSubmit={(event) => submit(event)} noValidate>
      <label>
        <span>Name</span>
        <input name="name" autocomplete="name" maxLength={80} data-testid="contact-name" />
      </label>
      <label>
        <span>Email</span>
        <input
          name="email"
          type="email"
          autocomplete="email"
          inputMode="email"
          maxLength={254}
          data-testid="contact-email"
        />
      </label>
      <label>
        <span>Phone</span>
        <input name="phone" type="tel" autocomplete="tel" inputMode="tel" maxLength={20} data-testid="contact-phone" />
      </label>
      <p class="hint">
        {ordered
          ? 'The ticket goes where you said first. The payment needs your email or phone again.'
          : 'The ticket goes to your email or phone; one of the two is enough.'}
      </p>
      {problem.value !== undefined && (
        <p class="field-problem" role="alert" data-testid="contact-problem">
          {problem.value}
        </p>
      )}
      <button type="submit" class="primary" disabled={busy} data-testid="pay">
        {payWords(amountPaise, busy)}
      </button>
    </form>
  );
}
