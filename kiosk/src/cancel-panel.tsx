// Cancelling seats of a booking: choose them, see what comes back and what is kept, then confirm that very figure; and
// afterwards, where the money is.

import { type BookingView, type CancelOffer, formatPaise, type ShowDetail } from '@housefull/client';
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { type Answered, answered } from './answered.ts';
import { byWhen } from './cancelled.ts';
import { house } from './house.ts';
import { RefundTerms, termsRows } from './refund-terms.tsx';
import { listOf } from './refusal-words.ts';
import { Problem } from './small-parts.tsx';

interface CancelPanelProps {
  readonly booking: BookingView;
  /** The booking is another one now: look again. */
  readonly onChanged: () => void;
}

/** For a booking that is paid and whose show is still to come. */
export function CancelPanel({ booking, onChanged }: CancelPanelProps): JSX.Element | null {
  const open = useSignal(false);
  const opener = useRef<HTMLButtonElement>(null);
  const isTicket = booking.display === 'confirmed' && booking.paid;
  const show = useSignal<ShowDetail | undefined>(undefined);
  useEffect(() => {
    if (!isTicket) return;
    // Without an answer the button is there all the same: the server decides.
    void answered(house.show(booking.showId)).then((answer) => {
      if (answer.ok) show.value = answer.value;
    });
  }, [booking.showId, isTicket]);
  const nowMs = house.nowMs();
  const isToCome = Date.parse(booking.startsAt) > nowMs;
  const mayCancel = isTicket && isToCome && (show.value === undefined || termsRows(show.value, nowMs).length > 0);
  return (
    <>
      <CancelledSeats booking={booking} onChanged={onChanged} />
      {isTicket && isToCome && show.value !== undefined && <RefundTerms terms={show.value} nowMs={nowMs} />}
      {mayCancel &&
        (open.value ? (
          <Choice
            booking={booking}
            onDone={() => {
              open.value = false;
              onChanged();
            }}
            onKeep={() => {
              open.value = false;
              // The button is there again with the next drawing.
              requestAnimationFrame(() => opener.current?.focus());
            }}
          />
        ) : (
          <button
            ref={opener}
            type="button"
            class="quiet"
            onClick={() => (open.value = true)}
            data-testid="cancel-open"
          >
            {booking.seats.length === 1 ? 'Cancel this seat' : 'Cancel seats'}
          </button>
        ))}
    </>
  );
}

interface ChoiceProps {
  readonly booking: BookingView;
  readonly onDone: () => void;
  readonly onKeep: () => void;
}

function Choice({ booking, onDone, onKeep }: ChoiceProps): JSX.Element {
  const { id, seats } = booking;
  const chosen = useSignal<readonly string[]>(seats.length === 1 ? seats : []);
  const offer = useSignal<CancelOffer | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const busy = useSignal(false);
  const asked = useSignal(0);
  const heading = useRef<HTMLHeadingElement>(null);
  // A button that was pressed and is gone takes the focus with it: who uses a keyboard or a screen reader goes on here.
  const goOn = (): void => heading.current?.focus({ preventScroll: true });
  useEffect(goOn, []);

  useEffect(() => {
    let current = true;
    offer.value = undefined;
    if (chosen.value.length === 0) return;
    const ask = async (): Promise<void> => {
      const answer = await answered(house.bookings.offerCancel(id, { seats: chosen.value }));
      if (!current) return;
      if (answer.ok) offer.value = answer.value;
      else problem.value = refusedWords(answer);
    };
    void ask();
    return () => {
      current = false;
    };
  }, [chosen.value, asked.value]);

  const choose = (wanted: readonly string[]): void => {
    problem.value = undefined;
    chosen.value = wanted;
  };
  const confirm = async ({ seats: shown, refundPaise: expectedRefundPaise }: CancelOffer): Promise<void> => {
    busy.value = true;
    problem.value = undefined;
    const answer = await answered(house.bookings.cancel(id, { seats: shown, expectedRefundPaise }));
    busy.value = false;
    if (answer.ok) return onDone();
    problem.value = refusedWords(answer);
    asked.value += 1;
  };

  return (
    <section class="cancel" data-testid="cancel-panel">
      <h2 ref={heading} tabIndex={-1}>
        Which seats do you want to cancel?
      </h2>
      <SeatBoxes
        {...{ seats, chosen: chosen.value, disabled: busy.value }}
        onChoose={choose}
        onAll={() => {
          choose(seats);
          goOn();
        }}
      />
      {problem.value !== undefined && <Problem text={problem.value} />}
      {offer.value !== undefined && (
        <Offer offer={offer.value} busy={busy.value} onConfirm={(it) => void confirm(it)} />
      )}
      <p>
        <button type="button" class="quiet" disabled={busy.value} onClick={onKeep} data-testid="cancel-keep">
          Keep my seats
        </button>
      </p>
    </section>
  );
}

interface SeatBoxesProps {
  readonly seats: readonly string[];
  readonly chosen: readonly string[];
  readonly disabled: boolean;
  readonly onChoose: (wanted: readonly string[]) => void;
  readonly onAll: () => void;
}

function SeatBoxes({ seats, chosen, disabled, onChoose, onAll }: SeatBoxesProps): JSX.Element {
  const withSeat = (seat: string, on: boolean): readonly string[] =>
    seats.filter((one) => (one === seat ? on : chosen.includes(one)));
  return (
    <>
      <div class="cancel-seats">
        {seats.map((seat) => (
          <label key={seat}>
            <input
              type="checkbox"
              checked={chosen.includes(seat)}
              disabled={disabled}
              onChange={(event) => onChoose(withSeat(seat, event.currentTarget.checked))}
              data-testid={`cancel-seat-${seat}`}
            />
            {seat}
          </label>
        ))}
      </div>
      {chosen.length < seats.length && seats.length > 1 && (
        <button type="button" class="quiet" disabled={disabled} onClick={onAll} data-testid="cancel-all">
          All of them
        </button>
      )}
    </>
  );
}

interface OfferProps {
  readonly offer: CancelOffer;
  readonly busy: boolean;
  readonly onConfirm: (offer: CancelOffer) => void;
}

function Offer({ offer, busy, onConfirm }: OfferProps): JSX.Element {
  const { seats, left, refundPaise, keptPaise } = offer;
  return (
    <>
      <dl class="lines" data-testid="cancel-offer">
        <div>
          <dt>The theater keeps</dt>
          <dd data-testid="cancel-kept">{formatPaise(keptPaise)}</dd>
        </div>
        <div class="total">
          <dt>You get back</dt>
          <dd data-testid="cancel-refund">{formatPaise(refundPaise)}</dd>
        </div>
      </dl>
      <p class="hint">{untilWords(offer)}</p>
      <button
        type="button"
        class="primary"
        disabled={busy}
        onClick={() => onConfirm(offer)}
        data-testid="cancel-confirm"
      >
        {busy ? 'One moment …' : left.length === 0 ? 'Cancel the whole booking' : `Cancel ${listOf(seats)}`}
      </button>
    </>
  );
}

/** What the rules of picking say of seats that are taken together is another thing when they are given back. */
function refusedWords({ code, text }: Extract<Answered<unknown>, { ok: false }>): string {
  if (code === 'group_incomplete') return 'These seats were sold together. Please choose all of them.';
  if (code === 'companion_only') return 'The seats beside the wheelchair space go with it. Please choose them as well.';
  return text;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Rounded down: rather too early than too late. */
function untilWords({ remainingMs, left }: CancelOffer): string {
  const [count, unit] =
    remainingMs >= HOUR_MS
      ? [Math.floor(remainingMs / HOUR_MS), 'hour']
      : [Math.max(1, Math.floor(remainingMs / MINUTE_MS)), 'minute'];
  const until = `This holds for another ${count} ${unit}${count === 1 ? '' : 's'}.`;
  return left.length === 0 ? until : `${until} You keep ${listOf(left)}.`;
}

const FIRST_LOOK_MS = 3_000;
const LAST_LOOK_MS = 60_000;

function CancelledSeats({ booking, onChanged }: CancelPanelProps): JSX.Element | null {
  const { cancels = [], refunds } = booking;
  const looks = useSignal(0);
  const open = refunds.some(({ status }) => status === 'requested' || status === 'pending');
  const owedPaise = cancels.reduce((sum, { refundPaise }) => sum + refundPaise, 0);
  const askedPaise = refunds.reduce((sum, { amountPaise }) => sum + amountPaise, 0);
  // Of a booking that failed meanwhile nothing may be due any more; its page says so.
  const waiting = booking.status !== 'failed' && (open || askedPaise < owedPaise);
  useEffect(() => {
    if (!waiting) return;
    const timer = setTimeout(
      () => {
        looks.value += 1;
        onChanged();
      },
      Math.min(FIRST_LOOK_MS * 2 ** Math.max(0, looks.value - 5), LAST_LOOK_MS),
    );
    return () => clearTimeout(timer);
  }, [booking, waiting]);
  if (cancels.length === 0) return null;
  return (
    <section class="cancelled-seats" data-testid="cancelled-seats">
      <h2>Cancelled</h2>
      <ul>
        {cancels.map(({ seats, refundPaise, keptPaise }) => (
          <li key={seats.join()}>
            {listOf(seats)}: {formatPaise(refundPaise)} back
            {keptPaise > 0 && `, ${formatPaise(keptPaise)} kept`}
          </li>
        ))}
      </ul>
      {owedPaise > 0 && (
        <p role="status" data-testid="cancel-refund-state">
          {refundWords(refunds, waiting)}
        </p>
      )}
    </section>
  );
}

function refundWords(refunds: BookingView['refunds'], waiting: boolean): string {
  if (refunds.some(({ status }) => status === 'failed') && !waiting)
    return 'The bank did not take a refund yet. We keep trying; nothing is lost.';
  if (waiting || refunds.some(({ status }) => status !== 'processed'))
    return `Your refund is on its way.${byWhen(refunds)}`;
  return 'Your refund has been paid out.';
}
