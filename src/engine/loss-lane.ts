// How the losses of a slice join the integer sum, on either engine: round(Σ loss · scale), limited.
//
// A slice is rounded once, so that the many predictions of a language model do not each lose a fraction.

import { SLICES_PER_MICRO_BATCH } from '../collective/fixed-point.ts';
import { LOSS_FRACTION_BITS } from '../collective/lanes.ts';

/** The largest magnitude that one slice may add, so that the sum of a whole step stays within i32. */
export const lossLimit = (microBatches: number): number =>
  Math.floor(0x7fffffff / (microBatches * SLICES_PER_MICRO_BATCH));

/** What a slice's loss is multiplied by before it is rounded, for so many predictions in a step; an f32. */
export const lossScale = (predictions: number): number =>
  Math.fround((1 << LOSS_FRACTION_BITS) / predictions);
