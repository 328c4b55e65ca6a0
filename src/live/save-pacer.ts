// When a checkpoint is asked for besides every N steps: at the end of an epoch, after some seconds, before the tab is hidden, or at the
// automatic interval, which is recomputed from every save and every failure.

import { automaticInterval, estimatedMtbf } from '../checkpoint/interval.ts';
import type { Job } from '../job/job.ts';
import { stepsPerEpoch } from '../job/sampler.ts';
import type { TraceEvent } from '../trace/events.ts';

/** What a new measurement counts for in the running mean. */
const NEW_WEIGHT = 0.3;
/** Of whoever watches a job that assumes nothing: an hour between lost tabs. */
const ASSUMED_MTBF_MS = 3_600_000;

/** What is known of saving, as it is shown. */
export interface SavePace {
  /** Milliseconds that the training is held up by a save, and that a save takes behind it; undefined before the first. */
  readonly heldUpMs: number | undefined;
  readonly saveMs: number | undefined;
  readonly mtbfMs: number;
  /** Lost tabs that were seen. */
  readonly failures: number;
  /** √(2 · MTBF · cost) as of now; undefined before the first save. */
  readonly automaticMs: number | undefined;
  /** Milliseconds between the last two checkpoints; undefined before there are two. */
  readonly intervalMs: number | undefined;
}

export interface SavePacer {
  /** The training was held up so long for a snapshot, just now. */
  heldUp(ms: number): void;
  saved(ms: number): void;
  /** Hears what the core reports, and asks when it is time. `trainSize` is undefined while there is no engine. */
  overhear(event: TraceEvent, job: Job | undefined, trainSize: number | undefined): void;
  tabHides(job: Job | undefined): void;
  pace(job: Job | undefined): SavePace;
}

export function createSavePacer(now: () => number, ask: () => void): SavePacer {
  const began = now();
  let heldUpMs: number | undefined;
  let saveMs: number | undefined;
  let failures = 0;
  let last = began;
  let intervalMs: number | undefined;

  const mean = (before: number | undefined, ms: number): number =>
    before === undefined ? ms : before + NEW_WEIGHT * (ms - before);

  const mtbf = (job: Job | undefined): number => {
    const assumed = job?.policies.checkpointWhen?.automatic?.mtbfSeconds;
    return estimatedMtbf(assumed === undefined ? ASSUMED_MTBF_MS : 1000 * assumed, now() - began, failures);
  };

  const automatic = (job: Job | undefined): number | undefined =>
    heldUpMs === undefined
      ? undefined
      : automaticInterval({ mtbfMs: mtbf(job), costMs: heldUpMs }, saveMs ?? heldUpMs);

  const isDue = (job: Job, step: number, trainSize: number | undefined): boolean => {
    const when = job.policies.checkpointWhen;
    if (when === undefined) return false;
    const { epochEnds = false, seconds, automatic: automatically } = when;
    if (epochEnds && trainSize !== undefined && step % stepsPerEpoch(job, trainSize) === 0) return true;
    const since = now() - last;
    if (seconds !== undefined && since >= 1000 * seconds) return true;
    // Before anything is measured, the first save is the measurement.
    return automatically !== undefined && since >= (automatic(job) ?? 0);
  };

  return {
    heldUp(ms) {
      heldUpMs = mean(heldUpMs, ms);
      intervalMs = last === began ? undefined : now() - last;
      last = now();
    },
    saved(ms) {
      saveMs = mean(saveMs, ms);
    },
    overhear(event, job, trainSize) {
      if (event.kind === 'suspected') failures++;
      else if (event.kind === 'applied' && job !== undefined && isDue(job, event.step + 1, trainSize)) ask();
    },
    tabHides(job) {
      if (job?.policies.checkpointWhen?.tabHides === true) ask();
    },
    pace: (job) => ({
      heldUpMs,
      saveMs,
      mtbfMs: mtbf(job),
      failures,
      automaticMs: automatic(job),
      intervalMs,
    }),
  };
}
