// The clocks of a simulated page and of its worker behind the interface that the browser's implement.

import type { Clock } from '../../ports/clock.ts';
import type { Due } from '../due.ts';
import { nextTurn } from '../hidden.ts';
import { setTimer, type TimerSlot } from '../timers.ts';
import type { Stage } from './stage.ts';

export interface SimulatedPage {
  /** The page's own: it has its turns once a second while the page is in the background. */
  readonly clock: Clock;
  readonly workerClock: Clock;
  hidden: boolean;
}

export function createSimulatedPage(stage: Stage): SimulatedPage {
  const workerClock = createWorkerClock(stage);
  const page: SimulatedPage = {
    hidden: false,
    workerClock,
    clock: {
      now: stage.now,
      after(ms, callback) {
        let isCancelled = false;
        /** When it is due the page may have to wait for its turn. */
        const cancel = workerClock.after(ms, () => {
          if (!page.hidden) callback();
          else
            stage.at(nextTurn(stage.now()), () => {
              if (!isCancelled) callback();
            });
        });
        return () => {
          isCancelled = true;
          cancel();
        };
      },
    },
  };
  return page;
}

function createWorkerClock(stage: Stage): Clock {
  const callbacks = new Map<number, () => void>();
  const machine = { timers: new Map<number, TimerSlot>(), alive: true, clockRate: 1 };
  const clockwork = {
    now: stage.now,
    at: (time: number, due: Due) => stage.at(time, due),
    fire(_machine: typeof machine, { name }: { readonly name: number }): void {
      const callback = callbacks.get(name);
      callbacks.delete(name);
      machine.timers.delete(name);
      callback?.();
    },
  };
  let count = 0;
  return {
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
  };
}
