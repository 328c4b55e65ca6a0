// Faults of a whole page: it closes, it is killed, it freezes, it says nothing, it meets nobody. What does that to a page is given
// from outside.

import type { Clock } from '../ports/clock.ts';
import type { FaultPort } from './port.ts';

/** Each returns before it acts, so that the log can say what is about to happen. */
export interface PageActions {
  /** Goes away with a goodbye. */
  close(): void;
  /** Goes away without a word. */
  kill(): void;
  /** The worker answers nothing for a while, then wakes. */
  freeze(forMs: number): void;
  /** Whether it would say goodbye if it went. */
  goodbyes(on: boolean): void;
  /** Whether the signalling server is in its reach. */
  signalling(on: boolean): void;
}

type PageFaultKind = 'close' | 'kill' | 'freeze' | 'mute' | 'lose-signalling';

/** After this part of its time a muted page freezes as well. */
const MUTE_PART = 1 / 4;

export function pageFaults(page: PageActions, clock: Clock): FaultPort<PageFaultKind> {
  /** What undoes each. */
  const active = new Map<string, () => void>();
  return {
    kinds: ['close', 'kill', 'freeze', 'mute', 'lose-signalling'],
    inject({ id }, fault) {
      switch (fault.kind) {
        case 'close':
          page.close();
          return;
        case 'kill':
          page.kill();
          return;
        case 'freeze':
          page.freeze(fault.forMs);
          return;
        case 'mute': {
          page.goodbyes(false);
          const quiet = MUTE_PART * fault.forMs;
          const cancel = clock.after(quiet, () => {
            page.freeze(fault.forMs - quiet);
          });
          active.set(id, () => {
            cancel();
            page.goodbyes(true);
          });
          return;
        }
        case 'lose-signalling':
          page.signalling(false);
          active.set(id, () => {
            page.signalling(true);
          });
          return;
      }
    },
    // A page that is gone does not come back, and a frozen one wakes by itself.
    heal(id) {
      active.get(id)?.();
      active.delete(id);
    },
  };
}
