// Average pooling: the mean of each window.

import { elements, type Layer } from './layer.ts';
import { floats } from './operands.ts';
import { eachWindow, pool2dKernels, pool2dShapes, type Pool2dSpec } from './pool2d.ts';

export type AvgPool2dSpec = Pool2dSpec<'avg_pool2d'>;

export const avgPool2d: Layer<AvgPool2dSpec> = {
  shapes: pool2dShapes,
  cpu: {
    forward(place, { samples, inputs, output }) {
      const input = floats(inputs);
      const { kernel } = place.spec;
      eachWindow(place, samples, (at, first, row) => {
        let sum = 0;
        for (let y = 0; y < kernel; y++) for (let x = 0; x < kernel; x++) sum += input[first + y * row + x]!;
        output[at] = sum / (kernel * kernel);
      });
    },

    backward(place, { samples, outputGradient, inputGradients: [gradient], accumulate: [add] }) {
      if (gradient === undefined) return;
      const { kernel } = place.spec;
      if (add !== true) gradient.fill(0, 0, samples * elements(place.inputs[0] ?? []));
      eachWindow(place, samples, (at, first, row) => {
        const share = outputGradient[at]! / (kernel * kernel);
        for (let y = 0; y < kernel; y++)
          for (let x = 0; x < kernel; x++) gradient[first + y * row + x]! += share;
      });
    },
  },
  gpu: pool2dKernels(false),
};
