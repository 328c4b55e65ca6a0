// A page in the background, as its worker has it: what passes between the two gets a turn once a second, while the worker goes on.

import type { Clock } from '../ports/clock.ts';
import type { FaultPort } from './port.ts';

/** What is used of a `MessagePort`. */
export interface Turns {
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
}

/** Browsers give the timers of hidden pages a turn a second. */
const TURN_MS = 1000;

export interface FaultyPagePort {
  readonly port: Turns;
  readonly faults: FaultPort<'hide'>;
}

/** `turned`: told when the page goes to the background, and when it is back. */
export function faultyPagePort(
  inner: Turns,
  clock: Clock,
  turned: (hidden: boolean) => void,
): FaultyPagePort {
  const active = new Set<string>();
  let waiting: (() => void)[] = [];
  let ticking = false;

  const flush = (): void => {
    const due = waiting;
    waiting = [];
    for (const act of due) act();
  };

  const tick = (): void => {
    clock.after(TURN_MS, () => {
      flush();
      ticking = active.size > 0;
      if (ticking) tick();
    });
  };

  /** At once, or at the page's next turn; in order either way. */
  const pass = (act: () => void): void => {
    if (active.size === 0 && waiting.length === 0) act();
    else waiting.push(act);
  };

  let listener: Turns['onmessage'] = null;
  return {
    port: {
      get onmessage() {
        return listener;
      },
      set onmessage(next) {
        listener = next;
        inner.onmessage =
          next === null
            ? null
            : (event) => {
                pass(() => listener?.(event));
              };
      },
      postMessage(message, transfer = []) {
        pass(() => {
          inner.postMessage(message, transfer);
        });
      },
    },
    faults: {
      kinds: ['hide'],
      inject({ id }) {
        active.add(id);
        turned(true);
        if (ticking) return;
        ticking = true;
        tick();
      },
      heal(id) {
        if (!active.delete(id) || active.size > 0) return;
        turned(false);
        flush();
      },
    },
  };
}
