// An engine that works for a part of the time only, as the owner of the machine has asked: after each piece of work it rests, so that
// work and rest are in proportion. The room sees a slower rank, and gives it less to do (protocol/shares.ts).

import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';

/** In milliseconds: after a piece of work that took very long (a machine that slept), nobody is made to wait longer than this. */
const LONGEST_REST_MS = 5000;

/** `percent` of the time, 1 to 100. */
export function workingPartOfTheTime(engine: Engine, percent: number, clock: Clock): Engine {
  if (percent >= 100) return engine;

  /** The work, and the rest that it has earned. */
  async function rested<T>(work: () => Promise<T>): Promise<T> {
    const started = clock.now();
    const result = await work();
    const restMs = Math.min(LONGEST_REST_MS, (clock.now() - started) * (100 / percent - 1));
    await new Promise<void>((resolve) => void clock.after(restMs, resolve));
    return result;
  }

  return {
    ...engine,
    contribute: (request) => rested(() => engine.contribute(request)),
    async contributeInBuckets(request, deliver) {
      // Whoever waits for a bucket waits for the rest as well: else the pace that this rank is known by would leave it out.
      const ready: (() => void)[] = [];
      await rested(() =>
        engine.contributeInBuckets(request, (bucket, lanes) => {
          ready.push(() => {
            deliver(bucket, lanes);
          });
        }),
      );
      for (const hand of ready) hand();
    },
    apply: (request) => rested(() => engine.apply(request)),
    evaluate: () => rested(() => engine.evaluate()),
  };
}
