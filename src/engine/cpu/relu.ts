// The rectifier: y = max(x, 0), except that NaN stays NaN, so that it reaches the loss and is flagged there.

import type { Layer } from './layer.ts';

export function relu(features: number): Layer {
  return {
    inputs: features,
    outputs: features,

    forward(rows, _parameters, input, output) {
      for (let i = 0; i < rows * features; i++) {
        const x = input[i]!;
        output[i] = x <= 0 ? 0 : x;
      }
    },

    backward(rows, _parameters, output, outputGradient, inputGradient) {
      for (let i = 0; i < rows * features; i++) inputGradient[i] = output[i]! > 0 ? outputGradient[i]! : 0;
    },
  };
}
