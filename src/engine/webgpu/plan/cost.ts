// What a step costs on paper: dispatches, floating-point operations and bytes, by kernel. Beside measured times it tells what bounds them.

import type { PassSize } from '../../layers/layer.ts';
import type { Lowered } from './lower.ts';
import type { Kernel } from './operation.ts';

export interface KernelCost {
  /** Shader and entry point, such as "matmul matmul". */
  readonly kernel: string;
  readonly dispatches: number;
  readonly flops: number;
  readonly bytes: number;
}

export interface StepCost {
  readonly dispatches: number;
  readonly flops: number;
  /** Bytes that must at least pass between memory and the chip: every operand of every dispatch once. */
  readonly bytes: number;
  /** By falling number of floating-point operations, then bytes. */
  readonly kernels: readonly KernelCost[];
}

export const kernelName = ({ shader, entryPoint }: Pick<Kernel, 'shader' | 'entryPoint'>): string =>
  `${shader.replace(/\.wgsl$/u, '')} ${entryPoint}`;

/** The cost of a step that is computed in passes of these sizes. */
export function stepCost({ forward, backward }: Lowered, passes: readonly PassSize[]): StepCost {
  const kernels = new Map<string, KernelCost>();
  for (const pass of passes) {
    for (const { kernel, cost } of [...forward, ...backward]) {
      const name = kernelName(kernel);
      const { flops, bytes } = cost(pass);
      const before = kernels.get(name);
      kernels.set(name, {
        kernel: name,
        dispatches: (before?.dispatches ?? 0) + 1,
        flops: (before?.flops ?? 0) + flops,
        bytes: (before?.bytes ?? 0) + bytes,
      });
    }
  }
  const all = [...kernels.values()].sort((a, b) => b.flops - a.flops || b.bytes - a.bytes);
  const total = (key: 'dispatches' | 'flops' | 'bytes'): number =>
    all.reduce((sum, one) => sum + one[key], 0);
  return { dispatches: total('dispatches'), flops: total('flops'), bytes: total('bytes'), kernels: all };
}
