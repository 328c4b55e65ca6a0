// Which tensors may share a buffer: those whose lives do not overlap.
//
// A tensor lives from the first operation that touches it to the last. Tensors are given buffers by falling size, each the smallest
// buffer that is free for its whole life, else a new one ("greedy by size for shared objects"; Pisarchyk and Lee 2020, Efficient
// Memory Management for Deep Neural Net Inference). Two tensors of one operation overlap, so no dispatch reads and writes one buffer.

import type { Operation, TensorId } from './operation.ts';

export interface SharedBuffers {
  /** Bytes of each. */
  readonly sizes: readonly number[];
  /** Which buffer a tensor has: index into `sizes`. */
  readonly of: ReadonlyMap<TensorId, number>;
}

interface Life {
  readonly tensor: TensorId;
  readonly bytes: number;
  readonly first: number;
  last: number;
}

/** `bytesOf` gives the bytes of a tensor that shares, and undefined for the others. */
export function shareBuffers(
  operations: readonly Operation[],
  bytesOf: (tensor: TensorId) => number | undefined,
): SharedBuffers {
  const lives = new Map<TensorId, Life>();
  operations.forEach(({ reads, writes }, time) => {
    for (const tensor of [...reads, ...writes]) {
      const life = lives.get(tensor);
      const bytes = bytesOf(tensor);
      if (life !== undefined) life.last = time;
      else if (bytes !== undefined) lives.set(tensor, { tensor, bytes, first: time, last: time });
    }
  });

  const buffers: { readonly bytes: number; readonly lives: Life[] }[] = [];
  const of = new Map<TensorId, number>();
  const bySize = [...lives.values()].sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  for (const life of bySize) {
    const free = buffers.findLastIndex((buffer) =>
      buffer.lives.every((other) => other.last < life.first || other.first > life.last),
    );
    const chosen = free >= 0 ? free : buffers.push({ bytes: life.bytes, lives: [] }) - 1;
    buffers[chosen]?.lives.push(life);
    of.set(life.tensor, chosen);
  }
  return { sizes: buffers.map(({ bytes }) => bytes), of };
}
