// The lanes of one step's all-reduce: the gradient in fixed point, and the side lanes that travel in the same sum.
//
//   sum lanes │ gradient P │ loss │ correct │ predictions │ overflows │ non-finite │ micro-batch counters M │
//   max lanes │ largest exponent T │ first non-finite │ agreement 8 │ pause │ paces M │ bad sample │
//
// Sum lanes add as i32 (associative, so that neither the order nor the share of the work shows); max lanes take the larger.

import { I32, type Wire } from '../job/wire-schema.ts';
import type { StateHash } from '../ports/ids.ts';
import { bucketsOf, type Bucket } from './buckets.ts';
import { fractionBits } from './fixed-point.ts';

/** Loss travels as round(2^20 · Σ loss / predictions of a step) for each slice: a resolution of 1e-6 in the mean loss. */
export const LOSS_FRACTION_BITS = 20;
/** A hash of four words takes two max lanes a word: max(w) and max(~w) = ~min(w). */
const AGREEMENT_LANES = 8;

/** Of the lane `badSample`: more samples are bad than the job leaves out. */
export const TOO_MANY_BAD = 0x7fffffff;

export interface LaneLayout {
  /** P: gradient elements, all tensors in the model's order. */
  readonly gradient: number;
  /** T: number of tensors. */
  readonly tensors: number;
  /** M: micro-batches in a step. */
  readonly microBatches: number;
  readonly loss: number;
  /** Predictions that were right, of so many: one for each sample of a classifier, one for each position of a language model. */
  readonly correct: number;
  readonly predictions: number;
  readonly overflows: number;
  readonly nonFinite: number;
  /** First of M counters, each of which must come out as 1. */
  readonly counters: number;
  /** Number of sum lanes; max lanes follow. */
  readonly sums: number;
  /** First of T lanes: the biased f32 exponent (0 to 255) of the largest |gradient| in each tensor. */
  readonly exponents: number;
  /** Where the first number that is not finite was seen (see `firstNonFinite`); 0 where all are finite. */
  readonly firstNonFinite: number;
  readonly agreement: number;
  /** 1 when any rank wants the room to pause after this step. */
  readonly pause: number;
  /** First of M lanes: how long whoever computed a micro-batch took for it (see protocol/shares.ts). */
  readonly paces: number;
  /** Row of a sample that cannot be computed, and 1; the largest of several. 0 where there is none, `TOO_MANY_BAD` past what the job allows. */
  readonly badSample: number;
  readonly length: number;
  readonly wire: Wire;
  /** k: gradient lanes of one slice are at most 2^k. */
  readonly fraction: number;
  /** Gradient lanes at which it is cut into buckets, ascending. */
  readonly cuts: readonly number[];
  /** What is exchanged apart, in order. */
  readonly buckets: readonly Bucket[];
}

export function laneLayout(
  gradient: number,
  tensors: number,
  microBatches: number,
  wire: Wire = I32,
  cuts: readonly number[] = [],
): LaneLayout {
  const counters = gradient + 5;
  const sums = counters + microBatches;
  const firstNonFinite = sums + tensors;
  const agreement = firstNonFinite + 1;
  const pause = agreement + AGREEMENT_LANES;
  const paces = pause + 1;
  const badSample = paces + microBatches;
  const length = badSample + 1;
  return {
    gradient,
    tensors,
    microBatches,
    loss: gradient,
    correct: gradient + 1,
    predictions: gradient + 2,
    overflows: gradient + 3,
    nonFinite: gradient + 4,
    counters,
    sums,
    exponents: sums,
    firstNonFinite,
    agreement,
    pause,
    paces,
    badSample,
    length,
    wire,
    fraction: fractionBits(microBatches, wire),
    cuts,
    buckets: bucketsOf(gradient, length, cuts),
  };
}

/** Lanes before anything was contributed: zero sums, and max lanes at their least. */
export function emptyLanes(layout: LaneLayout): Int32Array<ArrayBuffer> {
  const lanes = new Int32Array(layout.length);
  lanes.fill(-0x80000000, layout.agreement, layout.pause);
  return lanes;
}

/** Combines `source` into `target`, both being the lanes from `offset` on. */
export function combineLanes(
  layout: LaneLayout,
  target: Int32Array,
  source: Int32Array,
  offset: number,
): void {
  const sums = Math.max(0, Math.min(source.length, layout.sums - offset));
  for (let i = 0; i < sums; i++) target[i] = ((target[i] ?? 0) + (source[i] ?? 0)) | 0;
  for (let i = sums; i < source.length; i++) target[i] = Math.max(target[i] ?? 0, source[i] ?? 0);
}

/** Writes the state's hash into the agreement lanes; `lanes` are those from `start` on. */
export function writeAgreement(layout: LaneLayout, lanes: Int32Array, hash: StateHash, start: number): void {
  const first = layout.agreement - start;
  for (let word = 0; word < 4; word++) {
    const bits = Number.parseInt(hash.slice(word * 8, word * 8 + 8), 16) | 0;
    lanes[first + 2 * word] = bits;
    lanes[first + 2 * word + 1] = ~bits;
  }
}

/** Whether every contributor started from the same state: max(w) = min(w) in each word. */
export function agrees(layout: LaneLayout, lanes: Int32Array): boolean {
  for (let word = 0; word < 4; word++) {
    const largest = lanes[layout.agreement + 2 * word] ?? 0;
    const least = ~(lanes[layout.agreement + 2 * word + 1] ?? 0);
    if (largest !== least) return false;
  }
  return true;
}

/** How often each micro-batch counts in the sum. */
export function countsOf(layout: LaneLayout, lanes: Int32Array): readonly number[] {
  const counts: number[] = [];
  for (let lane = layout.counters; lane < layout.sums; lane++) counts.push(lanes[lane] ?? 0);
  return counts;
}

/** Micro-batches that do not count exactly once in the sum, with their count. Empty when the sum is whole. */
export function miscounted(
  layout: LaneLayout,
  lanes: Int32Array,
): readonly { microBatch: number; count: number }[] {
  const wrong: { microBatch: number; count: number }[] = [];
  for (let microBatch = 0; microBatch < layout.microBatches; microBatch++) {
    const count = lanes[layout.counters + microBatch] ?? 0;
    if (count !== 1) wrong.push({ microBatch, count });
  }
  return wrong;
}

/** What the lane `firstNonFinite` holds for a tensor of a micro-batch, or for its loss (tensor T): the larger, the earlier. */
export const nonFiniteCode = (layout: LaneLayout, microBatch: number, tensor: number): number =>
  (layout.microBatches - 1 - microBatch) * (layout.tensors + 1) + layout.tensors - tensor + 1;

/** The first micro-batch in which something was not finite, and the first such tensor in it: its number, or undefined for the loss. */
export function firstNonFinite(
  layout: LaneLayout,
  lanes: Int32Array,
): { readonly microBatch: number; readonly tensor: number | undefined } | undefined {
  const code = lanes[layout.firstNonFinite] ?? 0;
  if (code <= 0) return undefined;
  const width = layout.tensors + 1;
  const tensor = layout.tensors - ((code - 1) % width);
  return {
    microBatch: layout.microBatches - 1 - Math.floor((code - 1) / width),
    tensor: tensor === layout.tensors ? undefined : tensor,
  };
}
