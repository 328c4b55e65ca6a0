// How a sample's loss joins the integer sum, on either engine: round(loss · scale), limited.

import { LOSS_FRACTION_BITS } from '../collective/lanes.ts';

/** The largest magnitude that one sample may add, so that the sum of a whole batch stays within i32. */
export const lossLimit = (globalBatch: number): number => Math.floor(0x7fffffff / globalBatch);

/** What a sample's loss is multiplied by before it is rounded; an f32. */
export const lossScale = (globalBatch: number): number =>
  Math.fround((1 << LOSS_FRACTION_BITS) / globalBatch);
