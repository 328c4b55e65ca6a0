// The engine's matrix product as the dispatches that a plan would make of it, for square f32 matrices.

import type { Transpose } from './report.ts';

export interface MatmulDispatch {
  readonly shader: string;
  readonly entryPoint: string;
  readonly constants: Readonly<Record<string, number>>;
  /** At bindings 1, 2, …; binding 0 is the uniform. */
  readonly buffers: readonly ('a' | 'b' | 'c')[];
  readonly uniform: readonly number[];
  readonly workgroups: readonly [x: number, y: number, z: number];
}

/** Rows and columns of the tile that a workgroup of shaders/matmul.wgsl computes. */
const TILE = 32;

export function matmulDispatches(size: number, transpose: Transpose): readonly MatmulDispatch[] {
  const tiles = Math.ceil(size / TILE);
  return [
    {
      shader: 'matmul.wgsl',
      entryPoint: 'matmul',
      constants: { TRANSPOSE_A: transpose === 'TN' ? 1 : 0, TRANSPOSE_B: transpose === 'NT' ? 1 : 0 },
      buffers: ['a', 'b', 'c'],
      // m, n, k; offsets; elements from one batch to the next
      uniform: [...[size, size, size], ...[0, 0, 0], ...[0, 0, 0]],
      workgroups: [tiles, tiles, 1],
    },
  ];
}

export const kernelName = (dispatches: readonly MatmulDispatch[]): string =>
  dispatches.map(({ shader, entryPoint }) => `${shader} ${entryPoint}`).join(' + ');
