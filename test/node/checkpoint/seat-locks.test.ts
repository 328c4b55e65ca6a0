// Seat locks over a lock manager in memory: one holder at a time, watchers in turn, and no lock that is left behind.

import { describe, expect, test } from 'vitest';
import { SeatLockError, openSeatLocks, seatLockName } from '../../../src/checkpoint/seat-locks.ts';
import type { LockPort, ReleaseSeat } from '../../../src/checkpoint/seat-locks.ts';
import type { SeatId } from '../../../src/ports/ids.ts';

const SEAT = '1'.repeat(32) as SeatId;

/** What Web Locks promise: exclusive, in order, left by the signal, released when the callback's promise settles. */
function lockManager(): LockPort & { readonly held: Set<string> } {
  const held = new Set<string>();
  const queues = new Map<string, (() => void)[]>();
  return {
    held,
    async request(name, { signal }, granted) {
      await new Promise<void>((resolve, reject) => {
        const queue = queues.get(name) ?? [];
        queues.set(name, queue);
        queue.push(resolve);
        signal.addEventListener('abort', () => {
          const place = queue.indexOf(resolve);
          if (place >= 0) queue.splice(place, 1);
          reject(new DOMException('left', 'AbortError'));
        });
        if (!held.has(name)) queue.shift()?.();
        held.add(name);
      });
      await granted();
      const next = queues.get(name)?.shift();
      if (next === undefined) held.delete(name);
      else next();
    },
  };
}

/** Lets everything that is already settled run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a seat', () => {
  test('is held under its own name until it is released', async () => {
    const manager = lockManager();
    const release = await openSeatLocks(manager).hold(SEAT);
    expect([...manager.held]).toEqual([seatLockName(SEAT)]);
    release();
    release();
    await settle();
    expect([...manager.held]).toEqual([]);
  });

  test('goes to its watchers one after the other', async () => {
    const manager = lockManager();
    const locks = openSeatLocks(manager);
    const release = await locks.hold(SEAT);
    const acquired: [string, ReleaseSeat][] = [];
    locks.watch(SEAT, (give) => acquired.push(['first', give]));
    locks.watch(SEAT, (give) => acquired.push(['second', give]));
    await settle();
    expect(acquired).toEqual([]);
    release();
    await settle();
    expect(acquired.map(([who]) => who)).toEqual(['first']);
    acquired[0]?.[1]();
    await settle();
    expect(acquired.map(([who]) => who)).toEqual(['first', 'second']);
  });

  test('does not go to a watcher that has left', async () => {
    const manager = lockManager();
    const locks = openSeatLocks(manager);
    const release = await locks.hold(SEAT);
    const leave = locks.watch(
      SEAT,
      () => expect.unreachable(),
      () => expect.unreachable(),
    );
    leave();
    release();
    await settle();
    expect([...manager.held]).toEqual([]);
  });

  test('does not go to a watcher that leaves while the lock is on its way', async () => {
    let grant: (() => Promise<void>) | undefined;
    const locks = openSeatLocks({
      request(_name, _options, granted) {
        grant = granted;
        return Promise.resolve();
      },
    });
    locks.watch(SEAT, () => expect.unreachable())();
    await grant?.();
  });

  test('cannot be held without Web Locks, and that is said', async () => {
    await expect(openSeatLocks(undefined).hold(SEAT)).rejects.toThrow(/open it over https or on localhost/);
    const failures: SeatLockError[] = [];
    openSeatLocks({ request: () => Promise.reject(new Error('gone')) }).watch(
      SEAT,
      () => expect.unreachable(),
      (error) => failures.push(error),
    );
    await settle();
    expect(failures).toEqual([expect.any(SeatLockError)]);
  });
});
