// Another future of the same past: a recorded run is followed up to a moment, and goes on from there with other chance; or with one
// message that comes later.

import { editedEntropy, record, seededSource, type Choices, type Entropy } from './random.ts';
import { createScheduler, type Scheduler, type SchedulerName } from './scheduler.ts';

export interface Branch {
  readonly entropy: Entropy;
  readonly scheduler: Scheduler;
}

/** As recorded while the condition holds, then from the seed; a run of least delays draws those as well from then on. */
export function otherFuture(
  choices: Choices,
  name: SchedulerName,
  seed: number,
  isPast: () => boolean,
): Branch {
  const recorded = editedEntropy(choices).entropy;
  const fresh = record(seededSource(seed)).entropy;
  const entropy: Entropy = {
    between: (...draw) => (isPast() ? recorded : fresh).between(...draw),
    chance: (...draw) => (isPast() ? recorded : fresh).chance(...draw),
    pick: (...draw) => (isPast() ? recorded : fresh).pick(...draw),
  };
  const before = createScheduler(name, recorded);
  const after = createScheduler('random', fresh);
  return { entropy, scheduler: { delay: (...asked) => (isPast() ? before : after).delay(...asked) } };
}

/** As recorded, but for the messages that are sent while the condition holds: they take so many milliseconds more. */
export function laterMessage(
  choices: Choices,
  name: SchedulerName,
  ms: number,
  isNow: () => boolean,
): Branch {
  const { entropy } = editedEntropy(choices);
  const usual = createScheduler(name, entropy);
  return {
    entropy,
    scheduler: {
      delay(stream, site, ...rest) {
        const delay = usual.delay(stream, site, ...rest);
        return site === 'latency' && isNow() ? delay + ms : delay;
      },
    },
  };
}
