// A clock that jumps ahead, as a machine's does that was suspended: what was due meanwhile comes at once.

import type { Clock } from '../ports/clock.ts';
import type { FaultPort } from './port.ts';

export interface FaultyClock {
  readonly clock: Clock;
  readonly faults: FaultPort<'clock-jump'>;
}

interface Timer {
  /** In the jumping clock's milliseconds. */
  readonly due: number;
  readonly callback: () => void;
  cancel: () => void;
}

export function faultyClock(clock: Clock): FaultyClock {
  const timers = new Set<Timer>();
  let ahead = 0;
  const now = (): number => clock.now() + ahead;

  const arm = (timer: Timer): void => {
    timer.cancel = clock.after(Math.max(0, timer.due - now()), () => {
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
      kinds: ['clock-jump'],
      inject({ ended }, { ms }) {
        ahead += ms;
        for (const timer of timers) {
          timer.cancel();
          arm(timer);
        }
        clock.after(0, ended);
      },
      // What time it is cannot be undone: a clock never goes back.
      heal: () => undefined,
    },
  };
}
