// Which kernel updates the state, and the numbers that it takes: computed once a step on the CPU, from agreed values.

import type { Optimizer } from '../../job/optimizer-schema.ts';
import type { UpdateConstants } from '../cpu/update.ts';
import type { Kernel } from './plan/operation.ts';

/** Bindings of either kernel that it reads: blocks, scales, lanes. Then come parameters and moments. */
const READS = 3;

export function updateKernel({ kind }: Optimizer, moments: number): Kernel {
  return { shader: `${kind}.wgsl`, entryPoint: kind, constants: {}, reads: READS, writes: 1 + moments };
}

/** The words of the kernel's uniform. `clip` multiplies the gradient. */
export function updateUniform(constants: UpdateConstants, clip: number): readonly number[] {
  switch (constants.kind) {
    case 'adamw': {
      const { beta1, beta2, decay, stepSize, rootCorrection, epsilon } = constants;
      return [beta1, beta2, 1 - beta1, 1 - beta2, decay, stepSize, rootCorrection, epsilon, clip];
    }
    case 'sgd':
      return [constants.rate, constants.momentum, constants.weightDecay, clip];
  }
}
