// The shapes of attention's tiles (shaders/attention.wgsl), from the shapes of the job alone, since they decide bits.

import { ShapeError } from './layer.ts';

export interface AttentionTiles {
  /** Invocations across keys and dimensions: 4·WIDE of each. */
  readonly wide: number;
  /** Invocations across queries: 4·TALL of them. */
  readonly tall: number;
  /** Dimensions, or keys, that pass through workgroup memory at a time. */
  readonly depth: number;
}

/** What every WebGPU adapter has, a compatibility one included. */
const MOST_INVOCATIONS = 128;
const MOST_BYTES = 16_384;
const VECTOR_BYTES = 16;

const bytesOf = (wide: number, tall: number, quads: number): number =>
  VECTOR_BYTES * (4 * (wide + tall) * (quads + 1) + 4 * wide * tall);

/** Throws a `ShapeError` when a head has more dimensions than a tile can hold. */
export function attentionTiles(size: number, context: number): AttentionTiles {
  const wide = Math.ceil(size / 4);
  const tallest = Math.min(32, Math.ceil(context / 4), Math.floor(MOST_INVOCATIONS / wide));
  for (let tall = tallest; tall >= 1; tall--) {
    const quads = [4, 3, 2, 1].find((q) => wide % q === 0 && bytesOf(wide, tall, q) <= MOST_BYTES);
    if (quads !== undefined) return { wide, tall, depth: 4 * quads };
  }
  throw new ShapeError(
    `A head of attention may have up to 256 dimensions on a GPU; this one has ${size}. Use more heads.`,
  );
}
