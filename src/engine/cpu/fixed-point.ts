// Gradients into integer lanes and back, in portable arithmetic (see collective/fixed-point.ts for what the numbers mean).

import { MAX_EXPONENT, nextExponent, powerOfTwo } from '../../collective/fixed-point.ts';
import type { Bucket } from '../../collective/buckets.ts';
import { nonFiniteCode, type LaneLayout } from '../../collective/lanes.ts';
import { NO_KEY, roundStochastically, type RoundingKey } from '../../collective/stochastic-rounding.ts';
import type { ParameterTensor, TrainingState } from '../../ports/engine.ts';
import type { Floats } from '../layers/layer.ts';
import { lossLimit, lossScale } from '../loss-lane.ts';
import { ROUNDER } from './portable-math.ts';

const F32_BIAS = 127;
/** From this biased exponent on (2^64 and more, infinities, NaN) no scale fits: such an element counts as non-finite. */
export const UNSCALABLE = MAX_EXPONENT + F32_BIAS;

/** |x| as bits, which order as the magnitudes do: the largest from `first` up to `end`. */
function largestMagnitude(words: Int32Array, first: number, end: number): number {
  let largest = 0;
  for (let i = first; i < end; i++) {
    const bits = words[i]! & 0x7fffffff;
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

/** Adds elements that are known to fit. The innermost loop of the step: no branches, nothing from other modules. */
function addFitting(
  gradient: Float32Array,
  first: number,
  end: number,
  scale: number,
  lanes: Int32Array,
): void {
  const rounder = ROUNDER;
  for (let i = first; i < end; i++) lanes[i] = (lanes[i]! + (gradient[i]! * scale + rounder - rounder)) | 0;
}

/** The same in the narrow format: rounded stochastically under the slice's key, and kept within what it has bits for. */
function addNarrow(
  gradient: Float32Array,
  first: number,
  end: number,
  scale: number,
  lanes: Int32Array,
  key: RoundingKey,
  largest: number,
): void {
  for (let i = first; i < end; i++)
    lanes[i] = lanes[i]! + roundStochastically(gradient[i]! * scale, key, i, largest);
}

/**
 * Adds one slice's gradient, or the tensors of it that are in one bucket, to the lanes. Elements with |g| ≥ 2^exponent count as overflows, non-finite ones as non-finite; neither
 * adds to the sum; the first non-finite one is noted with its micro-batch and tensor. The largest exponent of the scalable elements goes to the tensor's max lane.
 */
export function accumulateGradient(
  layout: LaneLayout,
  tensors: readonly ParameterTensor[],
  exponents: Int32Array,
  microBatch: number,
  gradient: Float32Array,
  lanes: Int32Array,
  key: RoundingKey = NO_KEY,
  { start, end: until }: Bucket = { start: 0, end: layout.gradient },
): void {
  const words = new Int32Array(gradient.buffer, gradient.byteOffset, gradient.length);
  const { fraction, wire } = layout;
  const add = (first: number, end: number, scale: number): void => {
    if (wire.format === 'i32') addFitting(gradient, first, end, scale, lanes);
    else addNarrow(gradient, first, end, scale, lanes, key, (1 << fraction) - 1);
  };
  tensors.forEach((tensor, t) => {
    if (tensor.offset < start || tensor.offset >= until) return;
    const exponent = exponents[t]!;
    const scale = powerOfTwo(fraction - exponent);
    const limit = exponent + F32_BIAS;
    const end = tensor.offset + tensor.length;
    let largest = largestMagnitude(words, tensor.offset, end) >>> 23;
    if (largest < limit) {
      add(tensor.offset, end, scale);
    } else {
      largest = 0;
      for (let i = tensor.offset; i < end; i++) {
        const biased = (words[i]! >>> 23) & 0xff;
        if (biased < limit) add(i, i + 1, scale);
        else if (biased < UNSCALABLE) lanes[layout.overflows]!++;
        else noteNonFinite(layout, microBatch, t, lanes);
        if (biased < UNSCALABLE) largest = Math.max(largest, biased);
      }
    }
    lanes[layout.exponents + t] = Math.max(lanes[layout.exponents + t]!, largest);
  });
}

function noteNonFinite(layout: LaneLayout, microBatch: number, tensor: number, lanes: Int32Array): void {
  lanes[layout.nonFinite]!++;
  const code = nonFiniteCode(layout, microBatch, tensor);
  lanes[layout.firstNonFinite] = Math.max(lanes[layout.firstNonFinite]!, code);
}

/**
 * Adds the losses of one slice to the lanes: summed in their order, rounded once. One that is not finite is counted and left out.
 * `predictions`: those of the whole step.
 */
export function accumulateLosses(
  layout: LaneLayout,
  predictions: number,
  microBatch: number,
  losses: Floats,
  count: number,
  lanes: Int32Array,
): void {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const loss = losses[i]!;
    if (Number.isFinite(loss)) sum += loss;
    else noteNonFinite(layout, microBatch, layout.tensors, lanes);
  }
  const limit = lossLimit(layout.microBatches);
  const scaled = sum * lossScale(predictions);
  lanes[layout.loss]! += Math.max(-limit, Math.min(limit, scaled + ROUNDER - ROUNDER));
}

/** f32[T]: what a tensor's lanes are multiplied by to give the gradient of the mean loss. */
export const laneScales = (layout: LaneLayout, exponents: Int32Array): Float32Array<ArrayBuffer> =>
  Float32Array.from(exponents, (exponent) => powerOfTwo(exponent - layout.fraction));

/** i32[T]: the exponents of the state after `step`, from those of the state before it and the agreed largest ones. */
export const nextExponents = (
  layout: LaneLayout,
  { step, exponents }: Pick<TrainingState, 'step' | 'exponents'>,
  reduced: Int32Array,
): Int32Array<ArrayBuffer> =>
  Int32Array.from(exponents, (exponent, t) => nextExponent(exponent, reduced[layout.exponents + t]!, step));
