// What a job does about work that fails: how often it is tried again and how long that may take, and where a rank or the room gives
// up. Each number has a default, and what a job does not say costs nothing in its hash.

import * as v from 'valibot';

const times = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(most));
const milliseconds = v.pipe(v.number(), v.minValue(1), v.maxValue(600_000));

/** More samples than this left out are no few bad ones, but a data set that is. */
export const MAX_QUARANTINE = 4096;

export const RecoverySchema = v.strictObject({
  /** Times that a failed computation is tried again before the rank gives its place up. */
  computeRetries: v.exactOptional(times(100)),
  /** Times that a failed load is tried again, each with half the time of the one before, until the safe loader takes over. */
  loadRetries: v.exactOptional(times(10)),
  /** What the first try of a load may take. */
  loadMs: v.exactOptional(milliseconds),
  /** The pause before the first of these tries; it doubles with each. */
  loadBackoffMs: v.exactOptional(milliseconds),
  /** Whether there is a safe loader: nothing read ahead, and one sample at a time, so that a bad one is named. */
  safeLoader: v.exactOptional(v.boolean()),
  /** Bad samples that all ranks may agree to leave out; one more stops the run. */
  quarantine: v.exactOptional(times(MAX_QUARANTINE)),
  /** Times that a lost GPU device is opened anew in one page before the CPU engine takes over. */
  deviceRetries: v.exactOptional(times(10)),
});

export type Recovery = Readonly<Required<v.InferOutput<typeof RecoverySchema>>>;

export const DEFAULT_RECOVERY: Recovery = {
  computeRetries: 3,
  loadRetries: 2,
  loadMs: 2000,
  loadBackoffMs: 20,
  safeLoader: true,
  quarantine: 64,
  deviceRetries: 1,
};

/** What is in force. */
export const recoveryOf = ({
  recovery,
}: {
  readonly recovery?: v.InferOutput<typeof RecoverySchema> | undefined;
}): Recovery => ({ ...DEFAULT_RECOVERY, ...recovery });
