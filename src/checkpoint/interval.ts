// How long to wait between checkpoints: what each costs against what a failure would lose.
//
// With a checkpoint every τ that costs δ, and failures every M on average, the share of time lost is about δ/τ + τ/(2M): the first
// for saving, the second because a failure throws away half an interval on average. It is least at τ = √(2 · M · δ) (Young 1974;
// Daly 2006 gives the same to first order).

/** Milliseconds between failures, and those of holding the training up for one save. */
export interface Costs {
  readonly mtbfMs: number;
  readonly costMs: number;
}

/** Shorter than this no interval is: a snapshot that costs nothing measurable is still read back and written. */
export const SHORTEST_INTERVAL_MS = 1000;
/** A save that was measured as free counts as this much. */
const LEAST_COST_MS = 0.1;

/** The share of the time that is lost, from 0 up, with a checkpoint every `intervalMs`. */
export const lostShare = (
  { mtbfMs, costMs }: Costs,
  intervalMs: number,
): { overhead: number; redone: number } => ({
  overhead: costMs / intervalMs,
  redone: intervalMs / (2 * mtbfMs),
});

/** √(2 · MTBF · cost), and never so short that the next save would come before the last is written (`saveMs`). */
export const automaticInterval = ({ mtbfMs, costMs }: Costs, saveMs: number): number =>
  Math.max(SHORTEST_INTERVAL_MS, saveMs, Math.sqrt(2 * mtbfMs * Math.max(LEAST_COST_MS, costMs)));

/**
 * The mean time between failures, given what was assumed before any were seen: as if one failure had come after the assumed time,
 * which what is seen soon outweighs (the posterior mean of an exponential rate with a Gamma(1) prior).
 */
export const estimatedMtbf = (assumedMs: number, watchedMs: number, failures: number): number =>
  (assumedMs + watchedMs) / (1 + failures);
