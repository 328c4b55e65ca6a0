// Seats: the ballots of this rank's seat and of dead pages' seats, stored durably and held through locks.
//
// A record is stored before anything is said about it, in the order of the votes; a vote that cannot be stored in time is
// an abstention. Whoever holds a seat's lock is the only one who votes for it.

import type { ReleaseSeat, SeatLocks } from '../checkpoint/seat-locks.ts';
import type { Clock } from '../ports/clock.ts';
import type { SeatId } from '../ports/ids.ts';
import type { BallotStore } from '../ports/store.ts';
import { StoreError } from '../ports/store.ts';
import { parseSeatRecord } from '../protocol/stored-votes.ts';
import type { SeatRecord } from '../protocol/votes.ts';
import { emptyRecord } from '../protocol/votes.ts';
import { messageOf } from './message-of.ts';

/** A strict IndexedDB transaction takes some 5 ms; past this, the others count better without this vote. */
const STORE_DEADLINE_MS = 1_000;
/** A seat that came while storage was refused is asked for again after this. */
const RETRY_MS = 1_000;

export interface Seats {
  /** Takes the own seat: its first record is stored and its lock is held, before anybody hears of it. */
  open(): Promise<void>;
  /** Resolves once the record is durable, within the deadline; else rejects. */
  store(record: SeatRecord): Promise<void>;
  /** Queues for these seats' locks and leaves all other queues. */
  watch(seats: readonly SeatId[]): void;
  /** Gives a dead page's seat up, with its record, once all that was begun is written. */
  release(seat: SeatId): void;
  /** Gives everything up: this rank votes no more. `forget` also deletes the own record, which then votes for nobody. */
  close(forget: boolean): Promise<void>;
}

export interface SeatsOptions {
  readonly own: SeatId;
  readonly ballots: BallotStore;
  readonly locks: SeatLocks;
  readonly clock: Clock;
  /** A dead page's seat came here, with its record. */
  readonly acquired: (seat: SeatId, record: SeatRecord) => void;
  /** A seat that came here cannot be used, and why. */
  readonly unusable: (seat: SeatId, detail: string) => void;
}

export function createSeats({ own, ballots, locks, clock, acquired, unusable }: SeatsOptions): Seats {
  const held = new Map<SeatId, ReleaseSeat>();
  const watched = new Map<SeatId, () => void>();
  let saves: Promise<unknown> = Promise.resolve();
  let closed = false;

  /** Saves run one after the other, so that an older record never lands on a newer one. */
  const save = (record: SeatRecord): Promise<void> => {
    const saved = saves.then(() => ballots.save(record.seat, record));
    saves = saved.catch(() => undefined);
    return within(clock, saved, STORE_DEADLINE_MS, () => {
      return new StoreError(
        'blocked',
        `The ballot was not stored within ${STORE_DEADLINE_MS} ms: it does not count.`,
      );
    });
  };

  const queue = (seat: SeatId): void => {
    watched.set(
      seat,
      locks.watch(
        seat,
        (release) => void take(seat, release),
        (error) => {
          unusable(seat, error.message);
        },
      ),
    );
  };

  /** The lock of a watched seat came: whoever held it is gone, or it belongs to another machine. */
  const take = async (seat: SeatId, release: ReleaseSeat): Promise<void> => {
    try {
      const stored = await ballots.load(seat);
      if (stored === undefined || !watched.has(seat) || closed) {
        release();
        return;
      }
      const record = parseSeatRecord(stored);
      held.set(seat, release);
      acquired(seat, record);
    } catch (error) {
      release();
      unusable(seat, messageOf(error));
      if (error instanceof StoreError) {
        clock.after(RETRY_MS, () => {
          if (watched.has(seat) && !closed) queue(seat);
        });
      }
    }
  };

  return {
    async open() {
      held.set(own, await locks.hold(own));
      await save(emptyRecord(own, undefined));
    },
    store: save,
    watch(seats) {
      const wanted = new Set(seats);
      for (const [seat, leave] of watched) {
        if (wanted.has(seat)) continue;
        leave();
        watched.delete(seat);
      }
      for (const seat of wanted) if (!watched.has(seat) && !held.has(seat)) queue(seat);
    },
    release(seat) {
      const release = held.get(seat);
      if (release === undefined || seat === own) return;
      held.delete(seat);
      // The record stays: another page of this browser may still have to answer for this seat. It must not read an older one
      // than this page is about to have said: what is being written lands first.
      void saves.then(release);
    },
    async close(forget) {
      closed = true;
      for (const leave of watched.values()) leave();
      watched.clear();
      await saves;
      if (forget) await ballots.delete(own).catch(() => undefined);
      for (const release of held.values()) release();
      held.clear();
    },
  };
}

function within<T>(clock: Clock, promise: Promise<T>, ms: number, error: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      reject(error());
    });
    promise.then(resolve, reject).finally(cancel);
  });
}
