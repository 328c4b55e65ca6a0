// The fully connected layer: y = x Wᵀ + b, with W [outputs, inputs] and b [outputs] as PyTorch has them.

import type { ParameterTensor } from '../../job/model.ts';
import type { Layer } from './layer.ts';
import { matmul } from './matmul.ts';

export function linear(inputs: number, weight: ParameterTensor, bias: ParameterTensor): Layer {
  const outputs = bias.length;
  const weightIn = (data: Float32Array) => ({ data, offset: weight.offset, stride: inputs });
  const rowsOf = (data: Float32Array, stride: number, first = 0) => ({
    data,
    offset: first * stride,
    stride,
  });

  return {
    inputs,
    outputs,

    forward(rows, parameters, input, output) {
      const transposed = { ...weightIn(parameters), transposed: true };
      matmul(rows, outputs, inputs, rowsOf(input, inputs), transposed, rowsOf(output, outputs));
      for (let row = 0; row < rows; row++) {
        for (let j = 0; j < outputs; j++) output[row * outputs + j]! += parameters[bias.offset + j]!;
      }
    },

    // dx = dy W
    backward(rows, parameters, _output, outputGradient, inputGradient) {
      const upstream = rowsOf(outputGradient, outputs);
      matmul(rows, inputs, outputs, upstream, weightIn(parameters), rowsOf(inputGradient, inputs));
    },

    // dW = dyᵀ x, db = Σ dy
    parameterGradient(first, rows, input, outputGradient, gradient) {
      const upstream = rowsOf(outputGradient, outputs, first);
      const transposed = { ...upstream, transposed: true };
      matmul(outputs, inputs, rows, transposed, rowsOf(input, inputs, first), weightIn(gradient));
      for (let j = 0; j < outputs; j++) {
        let sum = 0;
        for (let row = 0; row < rows; row++) sum += outputGradient[upstream.offset + row * outputs + j]!;
        gradient[bias.offset + j] = sum;
      }
    },
  };
}
