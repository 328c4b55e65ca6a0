// A clock that moves when told to: tests of timed code finish at once and never depend on the machine.

import type { Clock } from '../../../src/ports/clock.ts';

export interface VirtualClock extends Clock {
  /**
   * Runs timers, the next one each time everything else has settled, until the condition holds. Fails when it does not
   * within `limitMs` of virtual time.
   */
  until(what: string, condition: () => boolean, limitMs?: number): Promise<void>;
  /** Lets everything settle that needs no time. */
  settle(): Promise<void>;
}

/** Rounds of the event loop in which a chain of promises and messages comes to rest. */
const SETTLING_ROUNDS = 25;

export function createVirtualClock(): VirtualClock {
  const timers = new Map<number, { readonly at: number; readonly callback: () => void }>();
  let now = 1_000;
  let count = 0;

  const settle = async (): Promise<void> => {
    for (let i = 0; i < SETTLING_ROUNDS; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  const runNext = (): void => {
    const next = [...timers].reduce<[number, { at: number; callback: () => void }] | undefined>(
      (best, timer) => (best === undefined || timer[1].at < best[1].at ? timer : best),
      undefined,
    );
    if (next === undefined) return;
    const [id, { at, callback }] = next;
    timers.delete(id);
    now = Math.max(now, at);
    callback();
  };

  return {
    now: () => now,
    after(ms, callback) {
      const id = count++;
      timers.set(id, { at: now + ms, callback });
      return () => timers.delete(id);
    },
    settle,
    async until(what, condition, limitMs = 120_000) {
      const limit = now + limitMs;
      for (;;) {
        await settle();
        if (condition()) return;
        if (now > limit)
          throw new Error(`Within ${limitMs} ms of virtual time it never came true that ${what}.`);
        if (timers.size === 0)
          throw new Error(`Nothing is going to happen any more, and it is not true that ${what}.`);
        runNext();
      }
    },
  };
}
