// Numbers that people predicted, as a histogram of few bins between the least and the most of them.

export interface Bin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

const BINS = 6;

/** Bins of one width, a round one. Empty where there is no number. */
export function binsOf(values: readonly number[]): readonly Bin[] {
  if (values.length === 0) return [];
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  const width = roundUp((most - least) / BINS);
  const first = Math.floor(least / width) * width;
  const counts: number[] = [];
  for (const value of values) {
    const bin = Math.floor((value - first) / width);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return Array.from(counts, (count: number | undefined, i) => ({
    low: tidy(first + i * width),
    high: tidy(first + (i + 1) * width),
    count: count ?? 0,
  }));
}

/** 1, 2 or 5 times a power of ten, at least this much; 1 for nothing. */
function roundUp(width: number): number {
  if (width <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(width));
  const times = [1, 2, 5, 10].find((one) => one * power >= width * 0.999_999) ?? 10;
  return times * power;
}

/** Without the digits that binary fractions leave behind. */
const tidy = (value: number): number => Number(value.toPrecision(10));
