// The gradient of a layer that hands it on as it is, where the plan cannot let both share one buffer.

import { elementGrid } from './grid.ts';
import type { KernelCall } from './layer.ts';

export const passOn = (elementsPerSample: number, input: number, accumulate: boolean): KernelCall => ({
  kind: 'kernel',
  shader: 'add.wgsl',
  entryPoint: 'pass_on',
  constants: { ACCUMULATE: accumulate ? 1 : 0 },
  reads: ['outputGradient'],
  writes: [{ inputGradient: input }],
  uniform: ({ samples }) => [samples * elementsPerSample],
  workgroups: ({ samples }) => elementGrid(samples * elementsPerSample),
});
