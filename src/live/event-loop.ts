// Events into the core one at a time, in the order they came, and the effects of each carried out before the next one. The core is
// never entered twice: what an effect brings about waits its turn.

import type { Effect, Event } from '../protocol/effects.ts';

export interface EventLoop {
  readonly dispatch: (event: Event) => void;
  /** What waits is forgotten. */
  readonly clear: () => void;
}

export function createEventLoop(host: {
  readonly step: (event: Event) => readonly Effect[];
  readonly execute: (effect: Effect) => void;
  /** The core, or an effect, has thrown. */
  readonly failed: (error: unknown) => void;
  readonly isOver: () => boolean;
}): EventLoop {
  const waiting: Event[] = [];
  let draining = false;
  return {
    dispatch(event) {
      if (host.isOver()) return;
      waiting.push(event);
      if (draining) return;
      draining = true;
      try {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          for (const effect of host.step(next)) host.execute(effect);
        }
      } catch (error) {
        host.failed(error);
      } finally {
        draining = false;
      }
    },
    clear() {
      waiting.length = 0;
    },
  };
}
