// Softmax over the last dimension. Attention and the loss have their own, fused; this one stands alone.

import { exp } from '../cpu/portable-math.ts';
import { gpuUnavailable } from './gpu-unavailable.ts';
import { elements, type Layer } from './layer.ts';
import { floats, inputShape } from './operands.ts';

export interface SoftmaxSpec {
  readonly kind: 'softmax';
}

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
  gpu: gpuUnavailable('softmax'),
};
