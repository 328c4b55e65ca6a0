// All dimensions of a sample become one; the numbers stay where they are.

import { gpuUnavailable } from './gpu-unavailable.ts';
import { elements, type Layer } from './layer.ts';
import { floats, inputShape } from './operands.ts';

export interface FlattenSpec {
  readonly kind: 'flatten';
}

export const flatten: Layer<FlattenSpec> = {
  shapes: (_spec, inputs) => ({
    output: [elements(inputShape('flatten', inputs))],
    parameters: [],
    saved: 0,
  }),
  cpu: {
    forward({ output: [length = 1] }, { samples, inputs, output }) {
      output.set(floats(inputs).subarray(0, samples * length));
    },

    backward(
      { output: [length = 1] },
      { samples, outputGradient, inputGradients: [gradient], accumulate: [add] },
    ) {
      if (gradient === undefined) return;
      for (let i = 0; i < samples * length; i++) {
        gradient[i] = (add === true ? gradient[i]! : 0) + outputGradient[i]!;
      }
    },
  },
  gpu: gpuUnavailable('flatten'),
};
