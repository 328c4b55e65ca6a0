// Max pooling; the gradient goes to the first of the largest pixels, in row-major order, as in PyTorch.

import { elements, type Floats, type Layer } from './layer.ts';
import { floats } from './operands.ts';
import { eachWindow, pool2dKernels, pool2dShapes, type Pool2dSpec } from './pool2d.ts';

export type MaxPool2dSpec = Pool2dSpec<'max_pool2d'>;

/** NaN counts as the largest, so that it reaches the loss and is flagged there. */
function placeOfLargest(input: Floats, first: number, row: number, kernel: number): number {
  let place = first;
  for (let y = 0; y < kernel; y++) {
    for (let x = 0; x < kernel; x++) {
      const at = first + y * row + x;
      const value = input[at]!;
      if (value > input[place]! || Number.isNaN(value)) place = at;
    }
  }
  return place;
}

export const maxPool2d: Layer<MaxPool2dSpec> = {
  shapes: pool2dShapes,
  cpu: {
    forward(place, { samples, inputs, output }) {
      const input = floats(inputs);
      eachWindow(place, samples, (at, first, row) => {
        output[at] = input[placeOfLargest(input, first, row, place.spec.kernel)]!;
      });
    },

    backward(place, { samples, inputs, outputGradient, inputGradients: [gradient], accumulate: [add] }) {
      if (gradient === undefined) return;
      const input = floats(inputs);
      if (add !== true) gradient.fill(0, 0, samples * elements(place.inputs[0] ?? []));
      eachWindow(place, samples, (at, first, row) => {
        gradient[placeOfLargest(input, first, row, place.spec.kernel)]! += outputGradient[at]!;
      });
    },
  },
  gpu: pool2dKernels(true),
};
