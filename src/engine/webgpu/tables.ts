// Tables that the fixed-point and update kernels read: which elements belong together, and at which scale.

import type { Bucket } from '../../collective/buckets.ts';
import { powerOfTwo } from '../../collective/fixed-point.ts';
import type { ParameterTensor } from '../../ports/engine.ts';

/** Elements that one workgroup quantises or updates. */
export const BLOCK_ELEMENTS = 1024;
const F32_BIAS = 127;

/** u32[blocks, 4]: first element, length, tensor, padding. A block never spans two tensors. */
export function blockTable(tensors: readonly ParameterTensor[]): Uint32Array<ArrayBuffer> {
  const blocks = tensors.flatMap((tensor, t) =>
    Array.from({ length: Math.ceil(tensor.length / BLOCK_ELEMENTS) }, (_, i) => {
      const first = i * BLOCK_ELEMENTS;
      return [tensor.offset + first, Math.min(BLOCK_ELEMENTS, tensor.length - first), t, 0];
    }),
  );
  return Uint32Array.from(blocks.flat());
}

/** Σ q² of each tensor, from the words that shaders/squares.wgsl leaves for each block. */
export function tensorSquares(tensors: readonly ParameterTensor[], words: Uint32Array): readonly bigint[] {
  let at = 0;
  return tensors.map(({ length }) => {
    const end = at + 4 * Math.ceil(length / BLOCK_ELEMENTS);
    // Words below 2^32, added exactly.
    let [low, middle, high] = [0, 0, 0];
    for (; at < end; at += 4) {
      low += words[at] ?? 0;
      middle += words[at + 1] ?? 0;
      high += words[at + 2] ?? 0;
    }
    return BigInt(low) + (BigInt(middle) << 32n) + (BigInt(high) << 64n);
  });
}

/** A run of blocks. */
export interface BlockRange {
  readonly first: number;
  readonly count: number;
}

/** The blocks of each bucket. A bucket never cuts a tensor. */
export const blockRanges = (blocks: Uint32Array, buckets: readonly Bucket[]): readonly BlockRange[] => {
  const starts = Array.from({ length: blocks.length / 4 }, (_, i) => blocks[4 * i] ?? 0);
  const before = (lane: number): number => starts.filter((start) => start < lane).length;
  return buckets.map(({ start, end }) => ({ first: before(start), count: before(end) - before(start) }));
};

/** [T, 4] words: the scales that go with the exponents, and the bits of an element that no longer fits. */
export function scaleTable(exponents: Int32Array, bits: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(4 * exponents.length);
  const floats = new Float32Array(words.buffer);
  exponents.forEach((exponent, t) => {
    floats[4 * t] = powerOfTwo(bits - exponent);
    words[4 * t + 1] = exponent + F32_BIAS;
    floats[4 * t + 2] = powerOfTwo(exponent - bits);
  });
  return words;
}
