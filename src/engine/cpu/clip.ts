// Clipping by global norm, from agreed values: the norm is that of the dequantised sum, and the same on every machine.
//
// With q the reduced lanes of tensor t, the squared norm is Σ scale(t)² · Σ q². The inner sums are of integers and exact, so that
// neither their order nor who adds them shows: a GPU may compute them as well.

import type { LaneLayout } from '../../collective/lanes.ts';
import type { ParameterTensor } from '../../ports/engine.ts';
import { laneScales } from './fixed-point.ts';

/** PyTorch's, so that a gradient of zeros divides by something. */
const EPSILON = 1e-6;
/** Terms below 2^32 whose sum stays far below 2^53. */
const RUN = 1 << 20;

/** Σ q² over lanes from `first` up to `end`, exactly. With q = 2^16 h + l, q² = 2^32 h² + 2^17 h l + l². */
export function sumOfSquares(lanes: Int32Array, first: number, end: number): bigint {
  let total = 0n;
  for (let start = first; start < end; start += RUN) {
    const stop = Math.min(end, start + RUN);
    let high = 0;
    let middle = 0;
    let low = 0;
    for (let i = start; i < stop; i++) {
      const q = lanes[i]!;
      const h = q >> 16;
      const l = q & 0xffff;
      high += h * h;
      middle += h * l;
      low += l * l;
    }
    total += (BigInt(high) << 32n) + (BigInt(middle) << 17n) + BigInt(low);
  }
  return total;
}

/** The L2 norm of the gradient of the mean loss. */
export const globalNorm = (
  layout: LaneLayout,
  tensors: readonly ParameterTensor[],
  reduced: Int32Array,
  exponents: Int32Array,
): number =>
  normOf(
    layout,
    exponents,
    tensors.map(({ offset, length }) => sumOfSquares(reduced, offset, offset + length)),
  );

/** The same from Σ q² of each tensor. These are rounded to f64 once; tensors are added in their order. */
export function normOf(layout: LaneLayout, exponents: Int32Array, squares: readonly bigint[]): number {
  const scales = laneScales(layout, exponents);
  return Math.sqrt(squares.reduce((sum, square, t) => sum + scales[t]! * scales[t]! * Number(square), 0));
}

/** An f32: what a gradient of this norm is multiplied by (torch.nn.utils.clip_grad_norm_). */
export const clipCoefficient = (clipNorm: number, norm: number): number =>
  Math.fround(Math.min(1, clipNorm / (norm + EPSILON)));
