// Fixed point: how a gradient becomes integers whose sum does not depend on who computed what, in which order.
//
// A tensor's exponent e says |g| < 2^e. An element becomes round-half-even(g · 2^(k−e)) with k bits such that the sum of
// all contributions of a step cannot overflow i32. The next step's exponent is the agreed maximum plus headroom, and falls slowly (`nextExponent`).
//
// In the narrow wire format, a micro-batch has b bits: k = b − 2 for each of its two slices, which are rounded stochastically and kept
// within ±(2^k − 1). Sums of any of the M micro-batches then fit b + ⌈log₂ M⌉ bits, and every hop sends integers in as many as they need
// (lane-blocks.ts): nothing is rounded twice.

import type { Wire } from '../job/wire-schema.ts';
import { I32 } from '../job/wire-schema.ts';

/** Each micro-batch is quantised in this many fixed sub-slices, so that a rank short of memory may compute them one by one. */
export const SLICES_PER_MICRO_BATCH = 2;
/** Bits added to the agreed maximum, at least: a gradient may double in one step before an overflow makes the ranks redo it. */
export const HEADROOM_BITS = 1;
/** And at most, so that one batch that is far out does not leave the steps after it with too few bits. */
export const MOST_HEADROOM_BITS = 9;
/**
 * Between the two an exponent falls by one bit in so many steps. Near a small loss the largest gradient jumps up and down between batches, so that
 * headroom over the last one alone does not do: with two bits of it, a sixth to a quarter of 4,000 steps overflowed.
 */
export const FALL_STEPS = 16;
/** Exponents are kept in this range; below it, elements quantise to zero on every engine whatever it does with denormals. */
export const MIN_EXPONENT = -64;
export const MAX_EXPONENT = 64;
/** Where step 0 starts from, before anything has been measured. */
export const INITIAL_EXPONENT = 0;

/** k: |q| ≤ 2^k for each slice keeps the sum of M·slices within i32, or within what the narrow format has for it. */
export function fractionBits(microBatches: number, wire: Wire = I32): number {
  if (wire.format === 'narrow') return wire.bits - bitsFor(SLICES_PER_MICRO_BATCH) - 1;
  const slices = microBatches * SLICES_PER_MICRO_BATCH;
  const limit = Math.floor(0x7fffffff / slices);
  let bits = 0;
  while (bits < 29 && 1 << (bits + 1) <= limit + 1) bits++;
  return bits;
}

/** ⌈log₂ n⌉ */
function bitsFor(n: number): number {
  let bits = 0;
  while (1 << bits < n) bits++;
  return bits;
}

/** 2^n exactly, for −126 ≤ n ≤ 127. */
export function powerOfTwo(n: number): number {
  const bits = new Int32Array(1);
  bits[0] = (n + 127) << 23;
  return new Float32Array(bits.buffer)[0] ?? 0;
}

/** The exponent for a tensor whose largest |g| has the biased f32 exponent `biased` (0 when all are zero or denormal). */
export const exponentFor = (biased: number, headroom: number): number =>
  Math.max(MIN_EXPONENT, Math.min(MAX_EXPONENT, biased - 126 + headroom));

/**
 * The exponent that follows `exponent` after `step`, for a tensor whose largest |g| in that step has the biased f32 exponent `biased`.
 * After step 0 it is what was measured: what step 0 starts from says nothing about the model.
 */
export function nextExponent(exponent: number, biased: number, step: number): number {
  const wanted = exponentFor(biased, HEADROOM_BITS);
  if (step === 0) return wanted;
  const fall = step % FALL_STEPS === 0 ? 1 : 0;
  return Math.max(wanted, Math.min(exponent - fall, exponentFor(biased, MOST_HEADROOM_BITS)));
}
