// A model as data: the names, shapes and places of its parameters in the contiguous arrays.

import type { Model } from './job.ts';

export interface ParameterTensor {
  /** PyTorch's name for the parameter of a sequential model: layer number (activations count), then weight or bias. */
  readonly name: string;
  /** Row-major, as PyTorch has it: linear weights are [out, in]. */
  readonly shape: readonly number[];
  /** First element in the contiguous arrays. */
  readonly offset: number;
  readonly length: number;
}

export function parameterTensors(model: Model): readonly ParameterTensor[] {
  const tensors: ParameterTensor[] = [];
  let offset = 0;
  const add = (name: string, shape: readonly number[]): void => {
    const length = shape.reduce((a, b) => a * b, 1);
    tensors.push({ name, shape, offset, length });
    offset += length;
  };
  model.layers.slice(1).forEach((units, layer) => {
    const inputs = model.layers[layer] ?? 0;
    add(`${2 * layer}.weight`, [units, inputs]);
    add(`${2 * layer}.bias`, [units]);
  });
  return tensors;
}

export const parameterCount = (model: Model): number =>
  parameterTensors(model).reduce((sum, tensor) => sum + tensor.length, 0);
