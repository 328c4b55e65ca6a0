// A worker that holds a seat, or waits for one, and says so.

import { openSeatLocks } from '../../../src/checkpoint/seat-locks.ts';
import type { SeatId } from '../../../src/ports/ids.ts';

interface Order {
  readonly seat: SeatId;
  readonly does: 'hold' | 'watch' | 'block';
}

const locks = openSeatLocks();
const say = (word: string): void => {
  self.postMessage(word);
};

self.addEventListener('message', ({ data }: MessageEvent<Order>) => {
  switch (data.does) {
    case 'hold':
      void locks.hold(data.seat).then(() => {
        say('held');
      });
      break;
    case 'watch':
      locks.watch(data.seat, () => {
        say('acquired');
      });
      say('watching');
      break;
    case 'block':
      say('blocking');
      // A worker that never comes back to its event loop: only its end releases the lock.
      for (;;);
  }
});
