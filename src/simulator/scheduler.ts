// Schedulers decide how long each thing takes within its bounds, and so the order of events.
//
// `random` draws every delay. `fifo` takes the least, so that things happen in the order in which they were begun. `pct` gives
// each rank a priority that all of its delays follow, and changes priorities at a few random points (S. Burckhardt et al., "A
// Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", 2010): it finds bugs that need one slow rank.

import type { Entropy, Stream } from './random.ts';

export const SCHEDULERS = ['random', 'fifo', 'pct'] as const;
export type SchedulerName = (typeof SCHEDULERS)[number];

export interface Scheduler {
  /** Milliseconds from `low` to `high` for something that happens on the page of this ordinal. */
  delay(stream: Stream, site: string, low: number, high: number, ordinal: number): number;
}

const PRIORITIES = 15;
const CHANGE_POINTS = 4;
/** Change points lie within this many delays. */
const HORIZON = 20_000;

export function createScheduler(name: SchedulerName, entropy: Entropy): Scheduler {
  switch (name) {
    case 'random':
      return { delay: (stream, site, low, high) => entropy.between(stream, site, low, high) };
    case 'fifo':
      return { delay: (_stream, _site, low) => low };
    case 'pct':
      return createPct(entropy);
  }
}

function createPct(entropy: Entropy): Scheduler {
  const priorities: number[] = [];
  const changes = Array.from({ length: CHANGE_POINTS }, () =>
    entropy.between('sched', 'change point', 1, HORIZON),
  );
  let count = 0;
  return {
    delay(_stream, _site, low, high, ordinal) {
      count += 1;
      if (priorities[ordinal] === undefined || changes.includes(count))
        priorities[ordinal] = entropy.between('sched', 'priority', 0, PRIORITIES);
      return low + Math.round(((high - low) * (priorities[ordinal] ?? 0)) / PRIORITIES);
    },
  };
}
