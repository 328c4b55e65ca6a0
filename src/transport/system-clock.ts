// The machine's clock. In a worker its timers keep running when the page is hidden.

import type { Clock } from '../ports/clock.ts';

export const systemClock = (): Clock => ({
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
});
