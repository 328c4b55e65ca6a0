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

/** Of the deviation: how far the median goes with each measurement. */
const STEP = 1 / 8;
/** How much of the deviation each measurement makes. */
const GAIN = 1 / 8;

/** With one more measurement. */
export function noted(before: Usual | undefined, measured: number): Usual {
  const numbers = [before?.median ?? NaN, before?.deviation ?? NaN];
  note(numbers, 0, measured);
  const [median = measured, deviation = 0] = numbers;
  return { median, deviation };
}

/** The median and the deviation at that place of a list and the next; undefined: nothing was measured yet. */
export function usualIn(numbers: readonly number[], place: number): Usual | undefined {
  const median = numbers[place] ?? NaN;
  return Number.isNaN(median) ? undefined : { median, deviation: numbers[place + 1] ?? NaN };
}

/** One more measurement for the two numbers at that place, which are NaN before the first: that stands for itself, as in RFC 6298. */
export function note(numbers: number[], place: number, measured: number): void {
  const median = numbers[place] ?? NaN;
  const deviation = numbers[place + 1] ?? NaN;
  if (Number.isNaN(median)) {
    numbers[place] = measured;
    numbers[place + 1] = measured / 2;
    return;
  }
  const distance = measured - median;
  const step = STEP * deviation;
  // Never past the measurement.
  numbers[place] = median + (distance > step ? step : distance < -step ? -step : distance);
  numbers[place + 1] = deviation + GAIN * (Math.abs(distance) - deviation);
}

/**
 * Mean absolute deviations beyond the median that a measurement has a chance of some 10⁻⁸ to lie, were it normally distributed: the
 * threshold Φ = 8 of the φ accrual failure detector (N. Hayashibara et al., 2004), 5.6 standard deviations of 0.8 such each.
 */
const RARE = 7;

/** Longer than this is hardly ever usual. */
export const unusual = ({ median, deviation }: Usual): number => median + RARE * deviation;
