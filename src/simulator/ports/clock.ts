// A simulated worker's clock behind the interface that the browser's implements.

import type { Clock } from '../../ports/clock.ts';
import { setTimer, type TimerSlot } from '../timers.ts';
import type { Stage } from './stage.ts';

export interface SimulatedWorker {
  readonly clock: Clock;
  /** Its page is in the background: that slows the page's turns, not the worker's. */
  hidden: boolean;
}

export function createSimulatedWorker(stage: Stage): SimulatedWorker {
  const callbacks = new Map<number, () => void>();
  const machine = { timers: new Map<number, TimerSlot>(), alive: true, clockRate: 1, hidden: false };
  const clockwork = {
    now: stage.now,
    at: (time: number, action: () => void) => stage.at(time, action),
    fire(_machine: typeof machine, { name }: { readonly name: number }): void {
      const callback = callbacks.get(name);
      callbacks.delete(name);
      machine.timers.delete(name);
      callback?.();
    },
  };
  let count = 0;
  return {
    get hidden() {
      return machine.hidden;
    },
    set hidden(hidden) {
      machine.hidden = hidden;
    },
    clock: {
      now: stage.now,
      after(ms, callback) {
        const name = count++;
        callbacks.set(name, callback);
        setTimer(clockwork, machine, name, ms);
        return () => {
          callbacks.delete(name);
          setTimer(clockwork, machine, name, undefined);
        };
      },
    },
  };
}
