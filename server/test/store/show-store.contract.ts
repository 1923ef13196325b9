// The contract of the show store. memory.test.ts and postgres.test.ts run it, each with its own harness.

import type { ShowId } from '@housefull/schema/ids';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Event } from '../../src/show/command.ts';
import type { CommitEntry, LoadedShow, ShowStore } from '../../src/store/show-store.ts';
import { AWKWARD, NOW_MS, Purchase, SHOW, showIdOf } from './fixtures.ts';
import type { Cut, Harness, TestNode } from './harness.ts';

/** How much later a reading may be than the writing; Postgres' clock runs on meanwhile. */
export const SLACK_MS = 10_000;

export const entryOf = (showId: ShowId, epoch: number, events: readonly Event[]): CommitEntry => ({
  showId,
  epoch,
  nowMs: NOW_MS,
  events,
});

export async function claimed(store: ShowStore, showId: ShowId): Promise<number> {
  const claim = await store.claim(showId);
  if (!claim.ok) throw new Error(`not claimed: ${JSON.stringify(claim)}`);
  return claim.epoch;
}

export async function loaded(store: ShowStore, showId: ShowId, epoch: number): Promise<LoadedShow> {
  const show = await store.load(showId, epoch);
  if (show === 'fenced') throw new Error('fenced');
  return show;
}

/** Without what the clock has a part in. */
export const timeless = (show: LoadedShow) => ({
  ...show,
  closesInMs: 0,
  startsInMs: 0,
  holds: show.holds.map((hold) => ({ ...hold, remainingMs: 0 })),
});

export function describeShowStore(name: string, openHarness: () => Promise<Harness>): void {
  describe(`${name} show store`, () => {
    let harness: Harness;
    let node: TestNode;
    let other: TestNode;

    beforeAll(async () => {
      harness = await openHarness();
      node = await harness.node();
      other = await harness.node();
    });
    afterAll(() => harness.close());

    /** A show that `node` has claimed. */
    async function openShow(): Promise<{
      showId: ShowId;
      epoch: number;
      commit: (...events: Event[]) => Promise<unknown>;
    }> {
      const showId = await harness.addShow();
      const epoch = await claimed(node.store, showId);
      return { showId, epoch, commit: (...events) => node.store.commit(entryOf(showId, epoch, events)) };
    }
    const load = (showId: ShowId, epoch: number) => loaded(node.store, showId, epoch);

    describe('ownership', () => {
      test('OWNER-1 a show nobody has owned is claimed under epoch 1; an unknown show is not found', async () => {
        const showId = await harness.addShow();
        expect(await node.store.claim(showId)).toEqual({ ok: true, epoch: 1 });
        expect(await harness.ownerOf(showId)).toEqual({ epoch: 1, nodeId: node.nodeId });
        expect(await node.store.claim(showIdOf(9_999))).toEqual({ ok: false, reason: 'not_found' });
        expect(await harness.ownerOf(showIdOf(9_999))).toBeUndefined();
      });

      test('OWNER-2 the owner itself claims again, under the next epoch, without counting as a loss', async () => {
        const { showId, epoch } = await openShow();
        const lost = await harness.lostOf(node.nodeId);
        expect(await node.store.claim(showId)).toEqual({ ok: true, epoch: epoch + 1 });
        expect(await harness.lostOf(node.nodeId)).toBe(lost);
      });

      test('OWNER-3 a show of a live node is not claimable: the answer names the node, and nothing changes', async () => {
        const { showId, epoch } = await openShow();
        expect(await other.store.claim(showId)).toEqual({
          ok: false,
          reason: 'owned',
          nodeId: node.nodeId,
          address: node.address,
        });
        expect(await harness.ownerOf(showId)).toEqual({ epoch, nodeId: node.nodeId });
      });

      test('OWNER-4 a released show is claimable, and counts as no loss; releasing under an old epoch does nothing', async () => {
        const { showId, epoch } = await openShow();
        const lost = await harness.lostOf(node.nodeId);
        await node.store.release(showId, epoch - 1);
        expect(await harness.ownerOf(showId)).toEqual({ epoch, nodeId: node.nodeId });
        await node.store.release(showId, epoch);
        expect(await harness.ownerOf(showId)).toEqual({ epoch, nodeId: null });
        expect(await other.store.claim(showId)).toEqual({ ok: true, epoch: epoch + 1 });
        expect(await harness.lostOf(node.nodeId)).toBe(lost);
        await node.store.release(showId, epoch);
        expect(await harness.ownerOf(showId)).toEqual({ epoch: epoch + 1, nodeId: other.nodeId });
      });

      test('OWNER-5 the shows of a node whose lease ran out are claimable, and it counts what it lost', async () => {
        const dying = await harness.node();
        const shows = [await harness.addShow(), await harness.addShow()] as const;
        for (const showId of shows) await claimed(dying.store, showId);
        expect((await node.store.claim(shows[0])).ok).toBe(false);
        await harness.leases.end(dying.nodeId);
        for (const showId of shows) expect(await node.store.claim(showId)).toEqual({ ok: true, epoch: 2 });
        expect(await harness.lostOf(dying.nodeId)).toBe(2);
      });

      test('OWNER-6 twenty claims at once: epochs rise by one, each won by exactly one', async () => {
        const showId = await harness.addShow();
        const epochs = await Promise.all(Array.from({ length: 20 }, () => claimed(node.store, showId)));
        expect(epochs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
        // Of two nodes, one wins; the other hears who.
        await node.store.release(showId, 20);
        const claims = await Promise.all([node, other].map(({ store }) => store.claim(showId)));
        expect(claims.filter((claim) => claim.ok)).toEqual([{ ok: true, epoch: 21 }]);
        const winner = claims[0]?.ok ? node : other;
        expect(claims).toContainEqual({ ok: false, reason: 'owned', nodeId: winner.nodeId, address: winner.address });
      });

      test('OWNER-7 a claim waits for a commit in flight, and the load after it sees that commit', async () => {
        const dying = await harness.node();
        const showId = await harness.addShow();
        const epoch = await claimed(dying.store, showId);
        const cut = await dying.cutNextCommit('middle');
        const committing = dying.store.commit(entryOf(showId, epoch, [new Purchase(showId, 1, [3, 4]).held()]));
        const failed = expect(committing).rejects.toMatchObject({ code: 'database_unavailable', outcome: 'unknown' });
        await cut.struck();
        await failed;
        await harness.leases.end(dying.nodeId);
        let isClaimed = false;
        const claiming = claimed(node.store, showId).then((next) => {
          isClaimed = true;
          return next;
        });
        await harness.claimsWaiting(showId, 1);
        expect(isClaimed).toBe(false);
        await cut.finish();
        expect(await claiming).toBe(epoch + 1);
        expect((await load(showId, epoch + 1)).holds.map((hold) => hold.seats)).toEqual([[3, 4]]);
      });

      test('OWNER-8 a knock at a live owner does not wait for its commits', async () => {
        const { showId, epoch } = await openShow();
        const cut = await node.cutNextCommit('middle');
        const committing = node.store.commit(entryOf(showId, epoch, [new Purchase(showId, 1, [1]).held()]));
        const failed = expect(committing).rejects.toMatchObject({ outcome: 'unknown' });
        await cut.struck();
        expect(await other.store.claim(showId)).toMatchObject({ ok: false, reason: 'owned' });
        await cut.finish();
        await failed;
      });

      test('OWNER-9 orphaned tells shows with unended holds whose owner is gone, the first to expire first', async () => {
        const dying = await harness.node();
        const shows: ShowId[] = [];
        for (const leftMs of [90_000, 30_000, 60_000, 10_000]) {
          const showId = await harness.addShow();
          const epoch = await claimed(dying.store, showId);
          const purchase = new Purchase(showId, 1, [1, 2]);
          await dying.store.commit(entryOf(showId, epoch, [purchase.held(1, leftMs)]));
          // An ended hold wakes nobody.
          if (leftMs === 10_000) await dying.store.commit(entryOf(showId, epoch, [purchase.released(2)]));
          shows.push(showId);
        }
        const serving: ShowId[] = [];
        const ours = async (limit: number) =>
          (await node.store.orphaned(limit, serving)).filter((showId) => shows.includes(showId));
        expect(await ours(1_000)).toEqual([]);
        await harness.leases.end(dying.nodeId);
        const all = await ours(1_000);
        expect(all).toEqual([shows[1], shows[2], shows[0]]);
        expect(await node.store.orphaned(1, [])).toHaveLength(1);
        await claimed(node.store, all[0] as ShowId);
        // Ours by its row: an orphan as long as we do not serve it, as after a claim whose answer was lost.
        expect(await ours(1_000)).toEqual(all);
        serving.push(all[0] as ShowId);
        expect(await ours(1_000)).toEqual([shows[2], shows[0]]);
      });
    });

    describe('commit', () => {
      test('COMMIT-1 a second entry of a show while one is in flight is a bug', async () => {
        const { showId, epoch } = await openShow();
        const first = node.store.commit(entryOf(showId, epoch, [new Purchase(showId, 1, [1]).held()]));
        await expect(node.store.commit(entryOf(showId, epoch, []))).rejects.toThrow('COMMIT-1');
        expect(await first).toBe('committed');
      });

      test('COMMIT-2 an entry under an old epoch is fenced and leaves nothing; the others beside it are committed', async () => {
        const shows = await Promise.all(Array.from({ length: 5 }, openShow));
        const fenced = shows[2] as (typeof shows)[number];
        await claimed(node.store, fenced.showId);
        const results = await Promise.all(
          shows.map(({ showId, commit }) =>
            commit(...new Purchase(showId, Number(showId.slice(4)) * 10, [1]).bought()),
          ),
        );
        expect(results).toEqual(['committed', 'committed', 'fenced', 'committed', 'committed']);
        for (const { showId, epoch } of shows) {
          const isFenced = showId === fenced.showId;
          const show = await load(showId, isFenced ? epoch + 1 : epoch);
          expect(show.bookedSeats.length).toBe(isFenced ? 0 : 1);
          expect(show.holds.length).toBe(isFenced ? 0 : 1);
        }
        const orders = (await harness.jobs()).map((job) => job.key);
        const jobOf = (showId: ShowId) => `check:${new Purchase(showId, Number(showId.slice(4)) * 10, [1]).orderId}`;
        expect(orders).not.toContain(jobOf(fenced.showId));
        expect(orders).toContain(jobOf((shows[0] as (typeof shows)[number]).showId));
      });

      test('COMMIT-3 a hit of the primary key costs the others beside it nothing, and leaves nothing of its own', async () => {
        const shows = await Promise.all(Array.from({ length: 4 }, openShow));
        const hurt = shows[1] as (typeof shows)[number];
        await hurt.commit(...new Purchase(hurt.showId, 1_001, [7]).bought());
        const before = timeless(await load(hurt.showId, hurt.epoch));
        const moneyBefore = await harness.money();
        const results = await Promise.allSettled(
          shows.map(({ showId, commit }, i) => commit(...new Purchase(showId, 1_010 + i, [6, 7]).bought())),
        );
        expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
        expect(results[1]).toMatchObject({ reason: { code: 'database_refused', outcome: 'none', retryable: false } });
        expect(timeless(await load(hurt.showId, hurt.epoch))).toEqual(before);
        for (const { showId, epoch } of shows) {
          if (showId !== hurt.showId) expect((await load(showId, epoch)).bookedSeats.length).toBe(2);
        }
        expect((await harness.money()).length).toBe(moneyBefore.length + 2 * 3);
        // The show goes on.
        expect(await hurt.commit(...new Purchase(hurt.showId, 1_020, [8]).bought())).toBe('committed');
      });

      test('COMMIT-4 an entry is read before commit returns: what happens to its objects later does not matter', async () => {
        const { showId, epoch } = await openShow();
        const event = new Purchase(showId, 1, [1, 2]).held();
        const seats = [1, 2];
        const lines = event.lines.map((line) => ({ ...line }));
        const committing = node.store.commit(entryOf(showId, epoch, [{ ...event, seats, lines }]));
        seats.push(99);
        for (const line of lines) line.label = 'changed';
        await committing;
        const [hold] = (await load(showId, epoch)).holds;
        expect(hold).toMatchObject({ seats: [1, 2], lines: event.lines });
      });

      test('COMMIT-5 hold, release and hold again of the same seats in one entry', async () => {
        const { showId, epoch, commit } = await openShow();
        const [first, second] = [new Purchase(showId, 1, [1, 2]), new Purchase(showId, 2, [1, 2])];
        expect(await commit(first.held(1), first.released(2), second.held(3))).toBe('committed');
        const show = await load(showId, epoch);
        expect(show.holds.map(({ holdId, status, revision }) => [holdId, status, revision])).toEqual([
          [first.holdId, 'released', 1],
          [second.holdId, 'live', 3],
        ]);
      });

      test('COMMIT-6 cancel and confirm of one seat by two bookings in one entry', async () => {
        const { showId, epoch, commit } = await openShow();
        const [first, second] = [new Purchase(showId, 601, [5, 6]), new Purchase(showId, 602, [6, 5])];
        await commit(...first.bought());
        expect(await commit(first.cancelled(2), ...second.bought(3))).toBe('committed');
        const show = await load(showId, epoch);
        expect(show.bookedSeats).toEqual([
          [5, second.bookingId],
          [6, second.bookingId],
        ]);
        expect(show.bookings.map((booking) => booking.status)).toEqual(['cancelled', 'confirmed']);
        // And all of it within one entry, ending free.
        const third = new Purchase(showId, 603, [7]);
        const fourth = new Purchase(showId, 604, [7]);
        const all = [...third.bought(4), third.cancelled(5), ...fourth.bought(6), fourth.revoked(7)];
        expect(await commit(...all)).toBe('committed');
        expect((await load(showId, epoch)).bookedSeats.map(([seat]) => seat)).toEqual([5, 6]);
      });

      test.each([
        ['two confirmations', (a: Purchase, b: Purchase) => [a.confirmed(), b.confirmed()]],
        ['with a cancellation after', (a: Purchase, b: Purchase) => [a.confirmed(), b.confirmed(), a.cancelled()]],
        [
          'with both cancelled after',
          (a: Purchase, b: Purchase) => [a.confirmed(), b.confirmed(), b.cancelled(), a.cancelled()],
        ],
        ['the same twice', (a: Purchase) => [a.confirmed(), a.confirmed()]],
        ['freed by one that has it not', (a: Purchase, b: Purchase) => [a.confirmed(), b.cancelled()]],
        ['freed twice', (a: Purchase) => [a.confirmed(), a.cancelled(), a.cancelled()]],
      ] as const)('COMMIT-7 a double sale within an entry leaves nothing of it: %s', async (_name, eventsOf) => {
        const { showId, epoch, commit } = await openShow();
        const n = Number(showId.slice(4)) * 100;
        const [a, b] = [new Purchase(showId, n, [1]), new Purchase(showId, n + 1, [1])];
        await commit(a.held(), b.held(), a.ordered(), b.ordered());
        const before = timeless(await load(showId, epoch));
        await expect(commit(...eventsOf(a, b))).rejects.toMatchObject({ code: 'database_refused', outcome: 'none' });
        expect(timeless(await load(showId, epoch))).toEqual(before);
        expect((await harness.jobs()).filter((job) => job.key.endsWith(a.paymentId))).toEqual([]);
      });

      test.each([
        ['taken', (b: Purchase) => [b.confirmed()]],
        ['taken and given back', (b: Purchase) => [b.confirmed(), b.cancelled()]],
        ['taken, then the first cancelled', (b: Purchase, a: Purchase) => [b.confirmed(), a.cancelled()]],
      ] as const)('COMMIT-8 a seat sold by an earlier entry cannot be sold again: %s', async (_name, eventsOf) => {
        const { showId, epoch, commit } = await openShow();
        const n = Number(showId.slice(4)) * 100;
        const [a, b] = [new Purchase(showId, n, [1]), new Purchase(showId, n + 1, [1])];
        await commit(...a.bought(), b.held(2), b.ordered(2));
        const before = timeless(await load(showId, epoch));
        await expect(commit(...eventsOf(b, a))).rejects.toMatchObject({ code: 'database_refused', outcome: 'none' });
        expect(timeless(await load(showId, epoch))).toEqual(before);
      });

      test('COMMIT-9 a change of a hold or booking that is not there fails the entry, instead of being lost', async () => {
        const { showId, epoch, commit } = await openShow();
        const [a, b] = [new Purchase(showId, 901, [1]), new Purchase(showId, 902, [2])];
        for (const events of [
          [b.released()],
          [b.expired()],
          [b.ordered()],
          [b.anchored()],
          [b.cancelled()],
          [b.revoked()],
        ]) {
          await expect(commit(a.held(), ...events)).rejects.toMatchObject({
            code: 'database_refused',
            outcome: 'none',
          });
        }
        expect((await load(showId, epoch)).holds).toEqual([]);
      });

      test.each([
        ['request', 'lost before it arrived', false],
        ['reply', 'durable, the reply lost', true],
        ['middle', 'durable after the connection was gone', true],
      ] as const)(
        'COMMIT-10 a commit cut at the %s has an unknown outcome, settled by claim and load: %s',
        async (cut, _, durable) => {
          const dying = await harness.node();
          const shows = await Promise.all([harness.addShow(), harness.addShow()]);
          for (const showId of shows) await claimed(dying.store, showId);
          const { struck, finish } = await dying.cutNextCommit(cut satisfies Cut);
          const commits = shows.map((showId) =>
            dying.store.commit(entryOf(showId, 1, [new Purchase(showId, 1, [1]).held()])),
          );
          const all = Promise.allSettled(commits);
          await struck();
          for (const result of await all) {
            expect(result).toMatchObject({
              reason: { code: 'database_unavailable', outcome: 'unknown', retryable: true },
            });
          }
          const claims = Promise.all(shows.map((showId) => claimed(dying.store, showId)));
          await finish();
          expect(await claims).toEqual([2, 2]);
          for (const showId of shows) {
            const holds = (await loaded(dying.store, showId, 2)).holds.map((hold) => hold.seats);
            expect(holds).toEqual(durable ? [[1]] : []);
            expect(await dying.store.commit(entryOf(showId, 2, [new Purchase(showId, 2, [2]).held()]))).toBe(
              'committed',
            );
          }
        },
      );

      test('COMMIT-11 jobs come with the events: a check after the pay clock, a capture, a refund', async () => {
        const { showId, commit } = await openShow();
        const [kept, cancelled, revoked] = [1, 2, 3].map((n) => new Purchase(showId, 1_100 + n, [n])) as [
          Purchase,
          Purchase,
          Purchase,
        ];
        for (const purchase of [kept, cancelled, revoked]) await commit(...purchase.bought());
        await commit(cancelled.cancelled(2), revoked.revoked(2));
        const expectJob = async (key: string, task: string, payload: object, inMs: number) => {
          const job = (await harness.jobs()).find((one) => one.key === key);
          expect(job).toMatchObject({ task, payload });
          expect(Math.abs((job?.inMs ?? Number.NaN) - inMs)).toBeLessThan(SLACK_MS);
        };
        await expectJob(`check:${kept.orderId}`, 'check', { orderId: kept.orderId }, 701_000);
        const { bookingId, paymentId } = kept;
        await expectJob(`capture:${paymentId}`, 'capture', { bookingId, paymentId }, 0);
        const refundOf = ({ paymentId, amountPaise }: Purchase, cause: string) => ({ paymentId, amountPaise, cause });
        await expectJob(`refund:${cancelled.paymentId}:cancelled`, 'refund', refundOf(cancelled, 'cancelled'), 0);
        await expectJob(`refund:${revoked.paymentId}`, 'refund', refundOf(revoked, 'revoked'), 0);
      });

      test('CANCEL-20 partial cancellations and the whole one, in one entry or several, each with its own refund', async () => {
        const { showId, epoch, commit } = await openShow();
        const [together, apart] = [new Purchase(showId, 1_150, [1, 2, 3]), new Purchase(showId, 1_151, [4, 5, 6])];
        const cancelAll = (one: Purchase) => [one.cancelledOne(2, 700), one.cancelledOne(3), one.cancelled(4, 50)];
        const [at, bt] = [cancelAll(together), cancelAll(apart)];
        await commit(...together.bought(), ...at);
        await commit(...apart.bought());
        for (const [nth, event] of bt.entries()) {
          await commit(event);
          const show = await load(showId, epoch);
          const booking = show.bookings.find((one) => one.bookingId === apart.bookingId);
          const left = event.left ?? bt[nth - 1]?.left;
          expect(booking).toMatchObject({ ...left, status: event.left === undefined ? 'cancelled' : 'confirmed' });
          expect(booking?.cancels?.map((one) => one.seats)).toEqual(bt.slice(0, nth + 1).map((one) => one.seats));
          expect(show.bookedSeats.map(([seat]) => seat)).toEqual(event.left?.seats ?? []);
        }
        const bookings = (await load(showId, epoch)).bookings.map(({ cancels = [] }) => cancels);
        expect(bookings[0]).toEqual(
          at.map(({ seats, refundPaise, keptPaise, key, bodyHash }) => ({
            seats,
            refundPaise,
            keptPaise,
            key,
            bodyHash,
          })),
        );
        for (const { paymentId } of [together, apart]) {
          const money = (await harness.money()) as { paymentId?: string; keptPaise?: number }[];
          expect(money.find((row) => row.paymentId === paymentId)?.keptPaise).toBe(750);
          const jobs = (await harness.jobs()).filter((job) => job.key.startsWith(`refund:${paymentId}`));
          expect(jobs.map(({ payload }) => payload)).toEqual([
            { paymentId, amountPaise: 26_300, cause: 'cancelled' },
            { paymentId, amountPaise: 27_000, cause: 'cancelled-2' },
            { paymentId, amountPaise: 26_950, cause: 'cancelled-3' },
          ]);
        }
      });

      test('CANCEL-20 a cancellation of nothing that is there, or fenced, leaves nothing of itself', async () => {
        const { showId, epoch, commit } = await openShow();
        const [sold, never] = [new Purchase(showId, 1_160, [1, 2]), new Purchase(showId, 1_161, [3, 4])];
        await commit(...sold.bought());
        const before = timeless(await load(showId, epoch));
        const refusedWith = { code: 'database_refused', outcome: 'none' };
        await expect(commit(never.cancelledOne(2))).rejects.toMatchObject(refusedWith);
        // More is kept than was paid.
        await expect(commit(sold.cancelledOne(2, 60_000))).rejects.toMatchObject(refusedWith);
        expect(timeless(await load(showId, epoch))).toEqual(before);
        const next = await claimed(node.store, showId);
        expect(await commit(new Purchase(showId, 1_160, [1, 2]).cancelledOne(2, 100))).toBe('fenced');
        expect(timeless(await load(showId, next))).toEqual(before);
        const jobs = await harness.jobs();
        expect(jobs.filter((job) => job.key.startsWith('refund:') && job.key.includes(sold.paymentId))).toEqual([]);
      });

      test('CANCEL-32 a show that is cancelled is so for every later owner, from that commit on', async () => {
        const { showId, epoch, commit } = await openShow();
        const [sold, live] = [new Purchase(showId, 1_170, [1, 2]), new Purchase(showId, 1_171, [3])];
        await commit(...sold.bought(), live.held(2));
        expect(await load(showId, epoch)).toMatchObject({ cancelled: false });
        await commit({ type: 'show_cancelled', revision: 3 }, live.expired(3), sold.revoked(3, true, 'show_cancelled'));
        const next = await claimed(node.store, showId);
        const show = await load(showId, next);
        expect(show).toMatchObject({ cancelled: true, bookedSeats: [] });
        expect(show.closesInMs).toBeLessThan(0);
        expect(show.bookings).toMatchObject([{ status: 'failed', reason: 'show_cancelled' }]);
        // Fenced, it cancels nothing.
        const other = await openShow();
        await claimed(node.store, other.showId);
        expect(await other.commit({ type: 'show_cancelled', revision: 1 })).toBe('fenced');
        expect(await load(other.showId, other.epoch + 1)).toMatchObject({ cancelled: false });
      });

      test('COMMIT-12 a payment is merged by rank: what the gateway told since stands', async () => {
        const { showId, commit } = await openShow();
        const [heard, captured, fresh] = [1, 2, 3].map((n) => new Purchase(showId, 1_200 + n, [n])) as [
          Purchase,
          Purchase,
          Purchase,
        ];
        const heardOf = (purchase: Purchase, status: 'authorized' | 'captured') =>
          harness.addPayment({ ...purchase, status, allocation: 'none' });
        await heardOf(heard, 'authorized');
        await heardOf(captured, 'captured');
        for (const purchase of [heard, captured, fresh]) await commit(...purchase.bought());
        const payments = (await harness.money()) as {
          paymentId?: string;
          status: string;
          rank: number;
          allocation: string;
        }[];
        const paymentOf = ({ paymentId }: Purchase) => payments.find((payment) => payment.paymentId === paymentId);
        expect(paymentOf(heard)).toMatchObject({ status: 'booked', rank: 3, allocation: 'booking' });
        expect(paymentOf(captured)).toMatchObject({ status: 'captured', rank: 4, allocation: 'booking' });
        expect(paymentOf(fresh)).toMatchObject({ status: 'booked', rank: 3, bookingId: fresh.bookingId });
      });

      test('COMMIT-13 money that is on its way back, or in another booking, pays for nothing', async () => {
        const { showId, epoch, commit } = await openShow();
        const [refunded, elsewhere] = [new Purchase(showId, 1_301, [1]), new Purchase(showId, 1_302, [2])];
        const left = new Purchase(showId, 1_303, [3]);
        await harness.addPayment({ ...refunded, status: 'captured', allocation: 'refund' });
        await harness.addPayment({ ...elsewhere, bookingId: 'b_elsewhere', status: 'captured', allocation: 'booking' });
        await harness.addPayment({ ...left, status: 'authorized', allocation: 'left' });
        for (const purchase of [refunded, elsewhere, left]) {
          await expect(commit(...purchase.bought())).rejects.toMatchObject({
            code: 'database_refused',
            outcome: 'none',
          });
        }
        expect((await load(showId, epoch)).bookedSeats).toEqual([]);
      });

      test('COMMIT-14 an order belongs to one booking', async () => {
        const { showId, commit } = await openShow();
        const [first, second] = [new Purchase(showId, 1_401, [1]), new Purchase(showId, 1_402, [2])];
        await commit(first.held(), first.ordered(), first.anchored(), second.held(), second.ordered());
        expect(await commit(first.anchored(2))).toBe('committed');
        await expect(commit({ ...second.anchored(), orderId: first.orderId })).rejects.toMatchObject({
          outcome: 'none',
        });
        const cheaper = { ...first.anchored(3), amountPaise: first.amountPaise - 1 };
        await expect(commit(cheaper)).rejects.toMatchObject({ outcome: 'none' });
      });

      test('COMMIT-30 a booking gives back its own seats only: those that another one has bought since are not freed', async () => {
        const { showId, epoch, commit } = await openShow();
        const [first, second] = [new Purchase(showId, 1_411, [1, 2]), new Purchase(showId, 1_412, [1, 2])];
        await commit(...first.bought());
        await commit(first.revoked(2));
        await commit(...second.bought(3));
        await expect(commit(first.revoked(4))).rejects.toMatchObject({ code: 'database_refused', outcome: 'none' });
        const { bookedSeats } = await load(showId, epoch);
        expect(bookedSeats.map(([seat, bookingId]) => [seat, bookingId])).toEqual(
          [1, 2].map((seat) => [seat, second.bookingId]),
        );
      });

      test('COMMIT-15 an entry without events still asks the fence', async () => {
        const { commit, showId } = await openShow();
        expect(await commit()).toBe('committed');
        await claimed(node.store, showId);
        expect(await commit()).toBe('fenced');
      });
    });

    describe('load', () => {
      test('LOAD-1 a show comes with its plan, prices, fee and the time that is left to sell', async () => {
        const { showId, epoch } = await openShow();
        const show = await load(showId, epoch);
        expect(show).toMatchObject({ showId, plan: SHOW.plan, pricePaise: SHOW.pricePaise, feePaisePerSeat: 2_000 });
        expect(Math.abs(show.closesInMs - SHOW.closesInMs)).toBeLessThan(SLACK_MS);
        expect(show).toMatchObject({ holds: [], bookings: [], bookedSeats: [], blockedSeats: [] });
        const past = await harness.addShow({ closesInMs: -60_000 });
        expect((await load(past, await claimed(node.store, past))).closesInMs).toBeLessThan(-50_000);
        const cancelled = await harness.addShow({ cancelled: true });
        expect((await load(cancelled, await claimed(node.store, cancelled))).closesInMs).toBeLessThan(0);
      });

      test('LOAD-2 under an epoch that is not the newest a load is fenced', async () => {
        const { showId, epoch } = await openShow();
        expect(await node.store.load(showId, epoch + 1)).toBe('fenced');
        await claimed(node.store, showId);
        expect(await node.store.load(showId, epoch)).toBe('fenced');
        expect(await node.store.load(showIdOf(9_998), 1)).toBe('fenced');
      });

      test('LOAD-3 deadlines come back as what remains of them, whatever the clock of the one who stored them', async () => {
        const { showId, epoch, commit } = await openShow();
        const [soon, late, over] = [1, 2, 3].map((n) => new Purchase(showId, n, [n])) as [Purchase, Purchase, Purchase];
        await commit(soon.held(1, 30_000), late.held(2, 600_000), over.held(3, -5_000));
        await commit(late.ordered(4, 900_000));
        const remaining = (await load(showId, epoch)).holds.map((hold) => hold.remainingMs);
        [30_000, 900_000, -5_000].forEach((leftMs, i) => {
          expect(leftMs - (remaining[i] ?? Number.NaN)).toBeGreaterThanOrEqual(-1);
          expect(leftMs - (remaining[i] ?? Number.NaN)).toBeLessThan(SLACK_MS);
        });
      });

      test('LOAD-4 every event leaves what the show needs to answer for it, keys and hashes too', async () => {
        const { showId, epoch, commit } = await openShow();
        const next = await claimed(node.store, showId);
        expect(next).toBe(epoch + 1);
        const p = Array.from({ length: 9 }, (_, n) => new Purchase(showId, 2_000 + n, [2 * n, 2 * n + 1]));
        const [live, released, expired, pending, booked, cancelled, revoked, failed, retaken] = p as [
          Purchase,
          Purchase,
          Purchase,
          Purchase,
          Purchase,
          Purchase,
          Purchase,
          Purchase,
          Purchase,
        ];
        const send = (...events: Event[]) => node.store.commit(entryOf(showId, next, events));
        expect(await commit(live.held())).toBe('fenced');
        let revision = 0;
        for (const purchase of p) await send(purchase.held(++revision));
        await send(released.released(++revision));
        await send(expired.expired(++revision));
        for (const purchase of p.slice(3)) await send(purchase.ordered(++revision), purchase.anchored(++revision));
        for (const purchase of [booked, cancelled, revoked]) await send(purchase.confirmed(++revision));
        await send(cancelled.cancelled(++revision));
        await send(revoked.revoked(++revision));
        await send(failed.revoked(++revision, false, 'show_cancelled'));
        await send(retaken.expired(++revision, true));
        await send(retaken.confirmed(++revision, true));
        await send({ type: 'blocked', revision: ++revision, seats: [30, 31, 32] });
        await send({ type: 'unblocked', revision: ++revision, seats: [31] });

        const show = await load(showId, next);
        const holdOf = (purchase: Purchase, n: number, more: object) => {
          const { type: _t, deadlineMs: _d, ...rest } = purchase.held(n);
          return { ...rest, epoch: next, remainingMs: expect.any(Number) as number, ...more };
        };
        const releasedBy = { releaseKey: released.released().key, releaseHash: released.released().bodyHash };
        expect(show.holds).toEqual([
          holdOf(live, 1, { status: 'live' }),
          holdOf(released, 2, { status: 'released', ...releasedBy }),
          holdOf(expired, 3, { status: 'expired' }),
          holdOf(pending, 4, { status: 'paying', bookingId: pending.bookingId }),
          holdOf(booked, 5, { status: 'booked', bookingId: booked.bookingId }),
          holdOf(cancelled, 6, { status: 'booked', bookingId: cancelled.bookingId }),
          holdOf(revoked, 7, { status: 'booked', bookingId: revoked.bookingId }),
          holdOf(failed, 8, { status: 'expired', bookingId: failed.bookingId }),
          holdOf(retaken, 9, { status: 'booked', bookingId: retaken.bookingId }),
        ]);
        const bookingOf = (purchase: Purchase, n: number, more: object) => {
          const { type: _t, deadlineMs: _d, ...rest } = purchase.ordered(n);
          return { ...rest, epoch: next, orderId: purchase.orderId, ...more };
        };
        const paidBy = (purchase: Purchase) => ({ paymentId: purchase.paymentId });
        const { seats, refundPaise, keptPaise, key, bodyHash } = cancelled.cancelled();
        const cancelledBy = { cancels: [{ seats, refundPaise, keptPaise, key, bodyHash }] };
        expect(show.bookings).toEqual([
          bookingOf(pending, 12, { status: 'pending' }),
          bookingOf(booked, 14, { status: 'confirmed', ...paidBy(booked) }),
          bookingOf(cancelled, 16, { status: 'cancelled', ...paidBy(cancelled), ...cancelledBy }),
          bookingOf(revoked, 18, { status: 'failed', reason: 'capture_failed', ...paidBy(revoked) }),
          bookingOf(failed, 20, { status: 'failed', reason: 'show_cancelled' }),
          bookingOf(retaken, 22, { status: 'confirmed', ...paidBy(retaken) }),
        ]);
        expect(show.bookedSeats).toEqual([
          ...booked.seats.map((seat) => [seat, booked.bookingId]),
          ...retaken.seats.map((seat) => [seat, retaken.bookingId]),
        ]);
        expect(show.blockedSeats).toEqual([30, 32]);
        expect(JSON.stringify(show.bookings[0]?.contact)).toBe(
          JSON.stringify({ name: AWKWARD, email: 'someone@example.com' }),
        );
      });
    });
  });
}
