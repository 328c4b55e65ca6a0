// The core's timers: one of each name, and setting it again puts it off.

import type { Clock } from '../ports/clock.ts';
import type { TimerName } from '../protocol/effects.ts';

export interface Timers {
  set(name: TimerName, ms: number): void;
  clear(name: TimerName): void;
  clearAll(): void;
}

export function createTimers(clock: Clock, rang: (name: TimerName) => void): Timers {
  const cancels = new Map<TimerName, () => void>();
  const clear = (name: TimerName): void => {
    cancels.get(name)?.();
    cancels.delete(name);
  };
  return {
    set(name, ms) {
      clear(name);
      cancels.set(
        name,
        clock.after(ms, () => {
          cancels.delete(name);
          rang(name);
        }),
      );
    },
    clear,
    clearAll() {
      for (const name of [...cancels.keys()]) clear(name);
    },
  };
}
