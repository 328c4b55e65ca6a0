// Softmax over the last dimension. Attention and the loss have their own, fused; this one stands alone.

import { exp } from '../cpu/portable-math.ts';
import { foldedGrid } from './grid.ts';
import { elements, type GpuLayer, type Layer, type Shape } from './layer.ts';
import { floats, inputShape } from './operands.ts';

export interface SoftmaxSpec {
  readonly kind: 'softmax';
}

const SHADER = 'softmax.wgsl';
const rowsOf = (shape: Shape): number => elements(shape) / (shape.at(-1) ?? 1);

const gpu: GpuLayer<SoftmaxSpec> = {
  forward: ({ output }) => [
    {
      kind: 'kernel',
      shader: SHADER,
      entryPoint: 'forward',
      reads: [{ input: 0 }],
      writes: ['output'],
      uniform: ({ samples }) => [samples * rowsOf(output), output.at(-1) ?? 1],
      workgroups: ({ samples }) => foldedGrid(samples * rowsOf(output)),
    },
  ],
  backward: ({ output }, [needed], [accumulate]) =>
    needed !== true
      ? []
      : [
          {
            kind: 'kernel',
            shader: SHADER,
            entryPoint: 'backward',
            constants: { ACCUMULATE: accumulate === true ? 1 : 0 },
            reads: ['output', 'outputGradient'],
            writes: [{ inputGradient: 0 }],
            uniform: ({ samples }) => [samples * rowsOf(output), output.at(-1) ?? 1],
            workgroups: ({ samples }) => foldedGrid(samples * rowsOf(output)),
          },
        ],
};

export const softmax: Layer<SoftmaxSpec> = {
  shapes: (_spec, inputs) => ({ output: inputShape('softmax', inputs), parameters: [], saved: 0 }),
  cpu: {
    forward({ output: shape }, { samples, inputs, output }) {
      const input = floats(inputs);
      const width = shape.at(-1) ?? 1;
      const length = samples * elements(shape);
      for (let start = 0; start < length; start += width) {
        let largest = input[start]!;
        for (let j = 1; j < width; j++) if (input[start + j]! > largest) largest = input[start + j]!;
        let sum = 0;
        for (let j = 0; j < width; j++) sum += exp(input[start + j]! - largest);
        for (let j = 0; j < width; j++) output[start + j] = exp(input[start + j]! - largest) / sum;
      }
    },

    // dx = y ∘ (dy − Σ y dy)
    backward(
      { output: shape },
      { samples, output, outputGradient, inputGradients: [gradient], accumulate: [add] },
    ) {
      if (gradient === undefined) return;
      const width = shape.at(-1) ?? 1;
      const length = samples * elements(shape);
      for (let start = 0; start < length; start += width) {
        let product = 0;
        for (let j = 0; j < width; j++) product += output[start + j]! * outputGradient[start + j]!;
        for (let j = 0; j < width; j++) {
          const i = start + j;
          const dx = output[i]! * (outputGradient[i]! - product);
          gradient[i] = add === true ? gradient[i]! + dx : dx;
        }
      }
    },
  },
  gpu,
};
