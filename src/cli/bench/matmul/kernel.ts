// The tilings of the engine's matrix product, and the dispatch that a plan would make of each, for square f32 matrices.

import type { Transpose } from './report.ts';

export interface MatmulDispatch {
  readonly tiling: string;
  readonly shader: string;
  readonly entryPoint: string;
  readonly constants: Readonly<Record<string, number>>;
  /** At bindings 1, 2, …; binding 0 is the uniform. */
  readonly buffers: readonly ('a' | 'b' | 'c')[];
  readonly uniform: readonly number[];
  readonly workgroups: readonly [x: number, y: number, z: number];
}

interface Tiling {
  readonly shader: string;
  /** Rows and columns of the tile that a workgroup computes, and terms that it holds of them. */
  readonly m: number;
  readonly n: number;
  readonly depth: number;
  readonly invocations: number;
  /** Tiles of each operand in workgroup memory: two where one is filled while the other is read. */
  readonly buffers: 1 | 2;
  /** What the shader takes beside the transpositions. */
  readonly constants: (size: number) => Readonly<Record<string, number>>;
}

const vectors = (size: number) => ({ VECTOR_A: size % 4 === 0 ? 1 : 0, VECTOR_B: size % 4 === 0 ? 1 : 0 });
const large = { shader: 'matmul_256x128.wgsl', m: 256, n: 128, invocations: 256, buffers: 2 } as const;

const TILINGS: Readonly<Record<string, Tiling>> = {
  '32x32x16': {
    ...{ shader: 'matmul.wgsl', m: 32, n: 32, depth: 16, invocations: 64, buffers: 1 },
    constants: () => ({}),
  },
  '64x64x16': {
    ...{ shader: 'matmul_64x64.wgsl', m: 64, n: 64, depth: 16, invocations: 128, buffers: 2 },
    constants: vectors,
  },
  '256x128x8': { ...large, depth: 8, constants: (size) => ({ ...vectors(size), DEPTH: 8 }) },
  '256x128x16': { ...large, depth: 16, constants: (size) => ({ ...vectors(size), DEPTH: 16 }) },
};

type Limits = Pick<
  GPUSupportedLimits,
  'maxComputeWorkgroupStorageSize' | 'maxComputeInvocationsPerWorkgroup'
>;

/** One dispatch for each tiling that the device can run. */
export function matmulDispatches(
  size: number,
  transpose: Transpose,
  limits: Limits,
): readonly MatmulDispatch[] {
  return Object.entries(TILINGS)
    .filter(
      ([, { m, n, depth, buffers, invocations }]) =>
        4 * depth * (m + n) * buffers <= limits.maxComputeWorkgroupStorageSize &&
        invocations <= limits.maxComputeInvocationsPerWorkgroup,
    )
    .map(([name, { shader, m, n, constants }]) => ({
      tiling: name,
      shader,
      entryPoint: 'matmul',
      constants: {
        TRANSPOSE_A: transpose === 'TN' ? 1 : 0,
        TRANSPOSE_B: transpose === 'NT' ? 1 : 0,
        ...constants(size),
      },
      buffers: ['a', 'b', 'c'],
      uniform: [
        ...[size, size, size],
        // Offsets, and elements from one batch to the next.
        ...[0, 0, 0],
        ...[0, 0, 0],
        // Elements from one row to the next, the bias's offset, parts of the sum and terms in each.
        ...[size, size, size],
        ...[0, 1, size],
      ],
      workgroups: [Math.ceil(size / n), Math.ceil(size / m), 1],
    }));
}

/** Lines that only a fused activation's backward pass needs: they bind a buffer more. */
const KEPT = /^[^\n]*\/\/ keep:begin.*?\/\/ keep:end\n/gmsu;

export const withoutKept = (code: string): string => code.replace(KEPT, '');
