// The sum of two values: how a residual branch joins the stream.

import { elementGrid } from './grid.ts';
import { passOn } from './pass-on.ts';
import { elements, type GpuLayer, type Layer, ShapeError } from './layer.ts';
import { floats, inputShapes } from './operands.ts';

export interface AddSpec {
  readonly kind: 'add';
}

const gpu: GpuLayer<AddSpec> = {
  passesGradient: true,
  forward: ({ output }) => [
    {
      kind: 'kernel',
      shader: 'add.wgsl',
      entryPoint: 'sum',
      reads: [{ input: 0 }, { input: 1 }],
      writes: ['output'],
      uniform: ({ samples }) => [samples * elements(output)],
      workgroups: ({ samples }) => elementGrid(samples * elements(output)),
    },
  ],
  backward: ({ output }, needed, accumulate) =>
    needed.flatMap((wanted, input) =>
      wanted ? [passOn(elements(output), input, accumulate[input] === true)] : [],
    ),
};

export const add: Layer<AddSpec> = {
  shapes(_spec, inputs) {
    const [left = [], right = []] = inputShapes('add', inputs, 2);
    if (left.join() !== right.join()) {
      throw new ShapeError(
        `What is added must have one shape: [${left.join(', ')}] and [${right.join(', ')}].`,
      );
    }
    return { output: left, parameters: [], saved: 0 };
  },
  cpu: {
    forward(place, { samples, inputs, output }) {
      const left = floats(inputs, 0);
      const right = floats(inputs, 1);
      const length = samples * elements(place.output);
      for (let i = 0; i < length; i++) output[i] = left[i]! + right[i]!;
    },

    backward(place, { samples, outputGradient, inputGradients, accumulate }) {
      const length = samples * elements(place.output);
      inputGradients.forEach((gradient, input) => {
        if (gradient === undefined) return;
        const held = accumulate[input] === true;
        for (let i = 0; i < length; i++) gradient[i] = (held ? gradient[i]! : 0) + outputGradient[i]!;
      });
    },
  },
  gpu,
};
