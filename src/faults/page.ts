// Faults of a whole page: it closes, it is killed, it freezes. What does that to a page is given from outside.

import type { FaultPort } from './port.ts';

/** Each returns before it acts, so that the log can say what is about to happen. */
export interface PageActions {
  /** Goes away with a goodbye. */
  close(): void;
  /** Goes away without a word. */
  kill(): void;
  /** The worker answers nothing for a while, then wakes. */
  freeze(forMs: number): void;
}

export const pageFaults = (page: PageActions): FaultPort<'close' | 'kill' | 'freeze'> => ({
  kinds: ['close', 'kill', 'freeze'],
  inject(_injection, fault) {
    switch (fault.kind) {
      case 'close':
        page.close();
        break;
      case 'kill':
        page.kill();
        break;
      case 'freeze':
        page.freeze(fault.forMs);
        break;
    }
  },
  // A page that is gone does not come back, and a frozen one wakes by itself.
  heal: () => undefined,
});
