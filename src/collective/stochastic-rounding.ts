// Stochastic rounding with a counter-based generator: what an element is rounded with depends on the seed, the step, the slice of the
// micro-batch and the element, and on nothing else. So the bits are the same whoever computes it, when, and after what.
//
// An element x becomes ⌊|x|⌋ or one more, with x's sign. It goes up when a draw of 24 bits is below ⌊2²⁴ · (|x| − ⌊|x|⌋)⌋, so that
// the expected value is x to within 2⁻²⁴. All steps are exact in f32, hence the same on a GPU.

import { DIGEST_STRIDE, mix32 } from './digest.ts';
import { SLICES_PER_MICRO_BATCH } from './fixed-point.ts';

const DRAW_BITS = 24;
const DRAWS = 1 << DRAW_BITS;

/** Two words that are different for each slice of each step. */
export type RoundingKey = readonly [number, number];

/** Where nothing is rounded stochastically. */
export const NO_KEY: RoundingKey = [0, 0];

export function roundingKey(seed: number, step: number, microBatch: number, slice: number): RoundingKey {
  const place = mix32(mix32(mix32(seed + 1) ^ step) ^ (microBatch * SLICES_PER_MICRO_BATCH + slice));
  return [place, mix32(place + DIGEST_STRIDE)];
}

/**
 * 0 to 2^24 − 1. The element's number is spread, mixed with one word of the key and then with the other: with one word alone, two
 * slices would draw the same sequence from different places on (as SplitMix does under one increment; Steele et al. 2014).
 */
export const drawAt = ([first, second]: RoundingKey, element: number): number =>
  mix32(mix32(Math.imul(element, DIGEST_STRIDE) + first) ^ second) >>> (32 - DRAW_BITS);

/** x rounded stochastically, and kept within ±largest. */
export function roundStochastically(x: number, key: RoundingKey, element: number, largest: number): number {
  const magnitude = Math.abs(x);
  const whole = Math.floor(magnitude);
  const up = drawAt(key, element) < Math.floor((magnitude - whole) * DRAWS) ? 1 : 0;
  const rounded = Math.min(whole + up, largest);
  return x < 0 ? -rounded : rounded;
}
