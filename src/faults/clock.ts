// A clock that jumps ahead, as a machine's does that was suspended, so that what was due meanwhile comes at once; or that runs too
// fast or too slow. It never goes back.

import type { Clock } from '../ports/clock.ts';
import type { FaultPort } from './port.ts';

export interface FaultyClock {
  readonly clock: Clock;
  readonly faults: FaultPort<'clock-jump' | 'clock-drift'>;
}

interface Timer {
  /** In the jumping clock's milliseconds. */
  readonly due: number;
  readonly callback: () => void;
  cancel: () => void;
}

export function faultyClock(clock: Clock): FaultyClock {
  const timers = new Set<Timer>();
  const rates = new Map<string, number>();
  /** From `since` on, by the true clock, this one goes on from `shown` at `rate`. */
  let since = clock.now();
  let shown = since;
  let rate = 1;
  const now = (): number => shown + (clock.now() - since) * rate;

  /** Goes on from what it shows now, and `ms` more. */
  function set(ms: number): void {
    shown = now() + ms;
    since = clock.now();
    rate = [...rates.values()].reduce((product, one) => product * one, 1);
    for (const timer of timers) {
      timer.cancel();
      arm(timer);
    }
  }

  const arm = (timer: Timer): void => {
    timer.cancel = clock.after(Math.max(0, timer.due - now()) / rate, () => {
      timers.delete(timer);
      timer.callback();
    });
  };

  return {
    clock: {
      now,
      after(ms, callback) {
        const timer: Timer = { due: now() + ms, callback, cancel: () => undefined };
        timers.add(timer);
        arm(timer);
        return () => {
          timer.cancel();
          timers.delete(timer);
        };
      },
    },
    faults: {
      kinds: ['clock-jump', 'clock-drift'],
      inject({ id, ended }, fault) {
        if (fault.kind === 'clock-drift') {
          rates.set(id, fault.rate);
          set(0);
          return;
        }
        set(fault.ms);
        clock.after(0, ended);
      },
      // What time it is cannot be undone, only how fast it goes.
      heal(id) {
        if (rates.delete(id)) set(0);
      },
    },
  };
}
