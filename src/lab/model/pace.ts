// How often the lab looks at its ranks: five times a second where that costs next to nothing, less often where it would take more of the
// machine than its share. A page that shows training must not be what slows it down.

/** The part of all cores' time that the view may take. */
const SHARE = 0.02;
/**
 * What the page's thread takes for a look is this part of the whole: other threads rasterise, composite and present what it has drawn. Without
 * a GPU, on two cores, 16 ms of 31 (Chromium 156).
 */
const OF_ALL = 0.5;
/** Twice as long as this, without a word, and a rank is shown as silent. */
const MOST_MS = 700;
const LEAST_MS = 200;
/** Weight of the newest look in the mean: some five are seen at once. */
const NEWEST = 0.2;

export interface Pace {
  /** The page's thread was busy for so long with what a look has found: code, styles, layout and paint. */
  took(ms: number): void;
  /** From one look to the next while nothing happens but steps. */
  everyMs(): number;
  /** From one look to the next while something does. */
  readonly leastMs: number;
}

export function createPace(cores: number): Pace {
  /** Milliseconds of the page's thread in each millisecond. */
  const budget = OF_ALL * SHARE * cores;
  let mean = 0;
  return {
    took(ms) {
      // One that took longer waited for something else.
      mean += NEWEST * (Math.min(ms, MOST_MS * budget) - mean);
    },
    everyMs: () => Math.min(MOST_MS, Math.max(LEAST_MS, mean / budget)),
    leastMs: LEAST_MS,
  };
}
