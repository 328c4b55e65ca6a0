// An engine that works for a part of the time only, as the owner of the machine has asked: after each piece of work it rests, so that
// work and rest are in proportion. The room sees a slower rank, and gives it less to do (protocol/shares.ts).

import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';
import type { Loader } from '../ports/loader.ts';

/** Of what a rank that works is given before it is blamed: after a piece of work that took very long, nobody is made to wait longer. */
const LONGEST_REST = 1 / 2;

/** A loader that knows for how long it was waited for. */
export interface TimedLoader {
  readonly loader: Loader;
  /** In milliseconds, all loads together. */
  readonly waitedMs: () => number;
}

export function timedLoader(loader: Loader, clock: Clock): TimedLoader {
  let waited = 0;
  return {
    waitedMs: () => waited,
    loader: {
      ...loader,
      async load(split, rows) {
        const began = clock.now();
        try {
          return await loader.load(split, rows);
        } finally {
          waited += clock.now() - began;
        }
      },
    },
  };
}

/** `percent` of the time, 1 to 100. Waiting for data is no work: it earns no rest, which would make the others wait as well. */
export function workingPartOfTheTime(
  engine: Engine,
  percent: number,
  clock: Clock,
  waitedMs: () => number,
): Engine {
  if (percent >= 100) return engine;
  const longestRestMs = LONGEST_REST * engine.job.policies.regroupMs;

  /** The work, and the rest that it has earned. */
  async function rested<T>(work: () => Promise<T>): Promise<T> {
    const started = clock.now() - waitedMs();
    const result = await work();
    const worked = clock.now() - waitedMs() - started;
    const restMs = Math.min(longestRestMs, worked * (100 / percent - 1));
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
