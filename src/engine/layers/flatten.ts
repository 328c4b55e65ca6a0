// All dimensions of a sample become one; the numbers stay where they are.

import { passOn } from './pass-on.ts';
import { elements, type GpuLayer, type Layer } from './layer.ts';
import { floats, inputShape } from './operands.ts';

export interface FlattenSpec {
  readonly kind: 'flatten';
}

const gpu: GpuLayer<FlattenSpec> = {
  view: true,
  passesGradient: true,
  forward: () => [],
  backward: ({ output }, needed, accumulate) =>
    needed.flatMap((wanted, input) =>
      wanted ? [passOn(elements(output), input, accumulate[input] === true)] : [],
    ),
};

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
  gpu,
};
