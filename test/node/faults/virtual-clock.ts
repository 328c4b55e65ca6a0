// A clock that moves when it is told to, and calls timers back in the order of their times.

import type { Clock } from '../../../src/ports/clock.ts';

export interface VirtualClock extends Clock {
  /** Moves on by so many milliseconds, timers included. */
  pass(ms: number): void;
  /** Timers that wait. */
  readonly timers: number;
}

export function virtualClock(): VirtualClock {
  let time = 0;
  let timers: { readonly at: number; readonly callback: () => void }[] = [];
  return {
    now: () => time,
    after(ms, callback) {
      const timer = { at: time + ms, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    pass(ms) {
      const end = time + ms;
      for (;;) {
        const [next] = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers = timers.filter((timer) => timer !== next);
        time = next.at;
        next.callback();
      }
      time = end;
    },
    get timers() {
      return timers.length;
    },
  };
}
