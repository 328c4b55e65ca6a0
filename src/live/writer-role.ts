// The writer's role among the ranks of one browser profile, as a Web Lock. A dead worker's lock is free within milliseconds.

import { defer } from './deferred.ts';
import type { WriterRole } from './host-ports.ts';

export function webWriterRole(locks: LockManager, room: string): WriterRole {
  let held: { readonly release: () => void } | undefined;
  return {
    async acquire() {
      if (held !== undefined) return true;
      const granted = defer<boolean>();
      void locks.request(`rankfall:writer:${room}`, { ifAvailable: true }, async (lock) => {
        if (lock === null || held !== undefined) {
          granted.resolve(held !== undefined);
          return;
        }
        const done = defer<undefined>();
        held = {
          release: () => {
            done.resolve(undefined);
          },
        };
        granted.resolve(true);
        await done.promise;
      });
      return await granted.promise;
    },
    giveUp() {
      held?.release();
      held = undefined;
    },
  };
}
