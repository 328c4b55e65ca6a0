// The tilings of the engine's matrix product, and the dispatch that a plan would make of each, for square f32 matrices.

import type { MatmulCall } from '../../../engine/graph/matmul-call.ts';
import { runsOn, shapeKey, type KernelLimits } from '../../../engine/webgpu/matmul/choose.ts';
import { lowerMatmul, productShape } from '../../../engine/webgpu/matmul/lower.ts';
import { MatmulKernelSchema } from '../../../job/kernels-schema.ts';
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

/** `shallow` is for products with a handful of terms. */
const KERNELS = MatmulKernelSchema.options.filter((kernel) => kernel !== 'shallow');

/** One dispatch for each tiling that the device can run. */
export function matmulDispatches(
  size: number,
  transpose: Transpose,
  limits: KernelLimits,
): readonly MatmulDispatch[] {
  const call: MatmulCall = {
    kind: 'matmul',
    transposeA: transpose === 'TN',
    transposeB: transpose === 'NT',
    size: () => ({ m: size, n: size, k: size, batch: 1 }),
    a: { buffer: { input: 0 }, offset: 0, stride: size, batchStride: 0 },
    b: { buffer: 'parameters', offset: 0, stride: size, batchStride: 0 },
    c: { buffer: 'output', offset: 0, stride: size, batchStride: 0 },
    accumulate: false,
  };
  const one = { slices: 1, samples: 1 };
  const key = shapeKey(productShape(call, 1));
  return KERNELS.filter((kernel) => runsOn(kernel, limits)).flatMap((kernel) => {
    const table = { [key]: { kernel, splits: 1 } };
    return lowerMatmul(call, { samplesPerSlice: 1, table }).map((lowered) => ({
      tiling: kernel,
      shader: lowered.shader,
      entryPoint: lowered.entryPoint,
      constants: lowered.constants ?? {},
      buffers: ['a', 'b', 'c'] as const,
      uniform: lowered.uniform(one).map((word) => (typeof word === 'number' ? word : word.f32)),
      workgroups: lowered.workgroups(one),
    }));
  });
}

/** Lines that only a fused activation's backward pass needs: they bind a buffer more. */
const KEPT = /^[^\n]*\/\/ keep:begin.*?\/\/ keep:end\n/gmsu;

export const withoutKept = (code: string): string => code.replace(KEPT, '');
