// A seat's Web Lock: held by one worker of a browser profile at a time, and released by the browser when that worker has stopped.
//
// Take it in the worker, never in the page: a lock held by a page is released while its busy worker runs on. It is never
// stolen, since the old holder would run on as well.

import type { SeatId } from '../ports/ids.ts';

/** Gives the lock back. Safe to call twice. */
export type ReleaseSeat = () => void;

export interface SeatLocks {
  /** Resolves once the seat is held; waits for whoever holds it. Rejects with a `SeatLockError`. */
  hold(seat: SeatId): Promise<ReleaseSeat>;
  /**
   * Queues for a seat that another worker holds. When `acquired` is called, that worker has stopped (evidence
   * `lock-released`) and this one is the holder. Returns a function that leaves the queue; it gives nothing back.
   *
   * The seat of another browser profile is free here and comes at once: only ballots stored here show whose it is.
   */
  watch(
    seat: SeatId,
    acquired: (release: ReleaseSeat) => void,
    failed?: (error: SeatLockError) => void,
  ): () => void;
}

/** Web Locks are missing (the page is not a secure context), or were refused. */
export class SeatLockError extends Error {
  override readonly name = 'SeatLockError';
}

export const seatLockName = (seat: SeatId): string => `rankfall:seat:${seat}`;

/** What is used of `navigator.locks`. */
export interface LockPort {
  request(
    name: string,
    options: { readonly signal: AbortSignal },
    granted: () => Promise<void>,
  ): Promise<unknown>;
}

export function openSeatLocks(locks: LockPort | undefined = browserLocks()): SeatLocks {
  /** Queues; `granted` gets the lock, which is held until it is released. Returns a function that leaves the queue. */
  function queue(
    seat: SeatId,
    granted: (release: ReleaseSeat) => void,
    failed: (error: SeatLockError) => void,
  ): () => void {
    if (locks === undefined) {
      failed(
        new SeatLockError(
          'This page has no Web Locks, so its seat cannot be held: open it over https or on localhost.',
        ),
      );
      return () => undefined;
    }
    const leaving = new AbortController();
    locks
      .request(seatLockName(seat), { signal: leaving.signal }, () => {
        if (leaving.signal.aborted) return Promise.resolve();
        return new Promise<void>((release) => {
          granted(() => {
            release();
          });
        });
      })
      .catch((error: unknown) => {
        if (leaving.signal.aborted) return;
        failed(
          new SeatLockError(`The browser refused the lock of seat ${seat}: ${String(error)}`, {
            cause: error,
          }),
        );
      });
    return () => {
      leaving.abort();
    };
  }

  return {
    hold: (seat) => new Promise((resolve, reject) => void queue(seat, resolve, reject)),
    watch: (seat, acquired, failed = () => undefined) => queue(seat, acquired, failed),
  };
}

const browserLocks = (): LockPort | undefined =>
  (globalThis.navigator as { readonly locks?: LockManager } | undefined)?.locks;
