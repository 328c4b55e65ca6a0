// Numbers that people predicted, as a histogram of few bins between the least and the most of them.

export interface Bin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

const BINS = 6;
/** The narrowest bin, in parts of the largest number. */
const FINEST = 1e-9;
/** Below this, numbers are nothing to a person, and powers of ten lose their digits. */
const NOTHING = 1e-100;

/** Bins of one width, a round one. Empty where there is no number. */
export function binsOf(values: readonly number[]): readonly Bin[] {
  if (values.length === 0) return [];
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  // Numbers that differ in their last digits alone are one bin's: no double lies between the edges of a narrower one.
  const span = most - least;
  const width = span === 0 ? 1 : roundUp(Math.max(span / BINS, FINEST * Math.max(-least, most)));
  const first = Math.floor(least / width) * width;
  const counts: number[] = [];
  for (const value of values) {
    // The first edge is rounded, and can lie a last digit above the least number.
    const bin = Math.max(0, Math.floor((value - first) / width));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return Array.from(counts, (count: number | undefined, i) => ({
    low: tidy(first + i * width),
    high: tidy(first + (i + 1) * width),
    count: count ?? 0,
  }));
}

/** 1, 2 or 5 times a power of ten, at least this much; 1 for next to nothing. */
function roundUp(width: number): number {
  if (width < NOTHING) return 1;
  const power = 10 ** Math.floor(Math.log10(width));
  const times = [1, 2, 5, 10].find((one) => one * power >= width * 0.999_999) ?? 10;
  return times * power;
}

/** Without the digits that binary fractions leave behind. */
const tidy = (value: number): number => Number(value.toPrecision(10));
