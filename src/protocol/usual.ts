// What is usual of something that is measured again and again: a running median, and how far measurements lie from it.
//
// The median goes a part of the deviation towards each measurement, whichever side it is on and however far (stochastic approximation,
// H. Robbins, S. Monro, 1951): one that is far off moves it no more than any other. The deviation is the running mean of the distances,
// with the gains of RFC 6298. Two numbers and no window, so that a heartbeat costs the same however long the room has run.

export interface Usual {
  readonly median: number;
  /** The mean absolute deviation from it. */
  readonly deviation: number;
}

/** One that is measured so often that it is changed in place. */
export type Running = { -readonly [Key in keyof Usual]: Usual[Key] };

/** Of the deviation: how far the median goes with each measurement. */
const STEP = 1 / 8;
/** How much of the deviation each measurement makes. */
const GAIN = 1 / 8;

/** With one more measurement. */
export const noted = (before: Usual | undefined, measured: number): Usual =>
  notedIn(before === undefined ? undefined : { ...before }, measured);

/** With one more measurement, in place. The first stands for itself, as in RFC 6298. */
export function notedIn(running: Running | undefined, measured: number): Running {
  if (running === undefined) return { median: measured, deviation: measured / 2 };
  const distance = measured - running.median;
  const step = STEP * running.deviation;
  // Never past the measurement.
  running.median += distance > step ? step : distance < -step ? -step : distance;
  running.deviation += GAIN * (Math.abs(distance) - running.deviation);
  return running;
}

/**
 * Mean absolute deviations beyond the median that a measurement has a chance of some 10⁻⁸ to lie, were it normally distributed: the
 * threshold Φ = 8 of the φ accrual failure detector (N. Hayashibara et al., 2004), 5.6 standard deviations of 0.8 such each.
 */
const RARE = 7;

/** Longer than this is hardly ever usual. */
export const unusual = ({ median, deviation }: Usual): number => median + RARE * deviation;
