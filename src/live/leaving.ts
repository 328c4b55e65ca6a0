// Leaving: the room is asked to go on without this rank, and the page waits until it has agreed, but not for ever.

import type { Clock } from '../ports/clock.ts';
import type { Event } from '../protocol/effects.ts';
import type { TraceEvent } from '../trace/events.ts';
import { defer } from './deferred.ts';
import type { Deferred } from './deferred.ts';

/** A leaver that hears nothing goes all the same. */
const DEADLINE_MS = 3_000;

export interface Leaving {
  /** Resolves when the rank may go: it has left or stopped, or nobody has answered in time. */
  ask(): Promise<void>;
  overhear(event: TraceEvent): void;
  /** The room has agreed to go on without this rank: its seat votes for nothing any more. */
  readonly hasLeft: boolean;
  end(): void;
}

export function createLeaving(host: {
  readonly clock: Clock;
  readonly dispatch: (event: Event) => void;
}): Leaving {
  let hasLeft = false;
  let asked: Deferred<undefined> | undefined;
  return {
    async ask() {
      const free = asked ?? defer<undefined>();
      asked = free;
      host.dispatch({ kind: 'command', command: 'leave' });
      const cancel = host.clock.after(DEADLINE_MS, () => {
        free.resolve(undefined);
      });
      await free.promise.finally(cancel);
    },
    overhear(event) {
      if (event.kind !== 'stopped' && event.kind !== 'left') return;
      const left = event.kind === 'left' ? event.why === 'leave' : event.reason === 'left';
      hasLeft ||= left;
      if (left || event.kind === 'stopped') asked?.resolve(undefined);
    },
    get hasLeft() {
      return hasLeft;
    },
    end() {
      asked?.resolve(undefined);
    },
  };
}
