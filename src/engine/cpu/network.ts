// A model's layers in a row, with the memory for their activations: forward, loss, backward.

import type { Model } from '../../job/job.ts';
import { parameterTensors } from '../../job/model.ts';
import type { Layer } from './layer.ts';
import { linear } from './linear.ts';
import { relu } from './relu.ts';
import { softmaxCrossEntropy } from './softmax-cross-entropy.ts';

export interface Network {
  /** f32[rows]: the loss of each row of the last forward pass. */
  readonly losses: Float32Array;
  readonly buffers: number;
  readonly bytes: number;
  /** f32[rows, classes], until the next call. */
  logits(rows: number, parameters: Float32Array, inputs: Float32Array): Float32Array;
  /** Computes losses alone. Returns how many rows are guessed right. */
  guess(rows: number, parameters: Float32Array, inputs: Float32Array, labels: Int32Array): number;
  /** Computes losses, and the gradient of Σ loss / divisor at every activation. Returns how many rows are guessed right. */
  run(
    rows: number,
    parameters: Float32Array,
    inputs: Float32Array,
    labels: Int32Array,
    divisor: number,
  ): number;
  /** After `run`: f32[P], the gradient summed over `rows` rows from `first` on. */
  gradient(first: number, rows: number, inputs: Float32Array, gradient: Float32Array): void;
}

function layersOf(model: Model): Layer[] {
  const tensors = parameterTensors(model);
  const layers: Layer[] = [];
  for (let i = 0; i + 1 < tensors.length; i += 2) {
    if (i > 0) layers.push(relu(model.layers[i / 2]!));
    layers.push(linear(model.layers[i / 2]!, tensors[i]!, tensors[i + 1]!));
  }
  return layers;
}

/** A network for passes of up to `capacity` rows. */
export function createNetwork(model: Model, capacity: number): Network {
  const layers = layersOf(model);
  const outputs = layers.map((layer) => new Float32Array(capacity * layer.outputs));
  const gradients = layers.map((layer) => new Float32Array(capacity * layer.outputs));
  const losses = new Float32Array(capacity);
  const last = layers.length - 1;
  const classes = layers[last]!.outputs;

  const logits = (rows: number, parameters: Float32Array, inputs: Float32Array): Float32Array => {
    layers.forEach((layer, i) => layer.forward(rows, parameters, outputs[i - 1] ?? inputs, outputs[i]!));
    return outputs[last]!.subarray(0, rows * classes);
  };

  const forward = (
    rows: number,
    parameters: Float32Array,
    inputs: Float32Array,
    labels: Int32Array,
    divisor: number,
  ): number => {
    const guesses = logits(rows, parameters, inputs);
    return softmaxCrossEntropy(rows, classes, guesses, labels, divisor, losses, gradients[last]!);
  };

  const arrays = [...outputs, ...gradients, losses];

  return {
    losses,
    buffers: arrays.length,
    bytes: arrays.reduce((sum, array) => sum + array.byteLength, 0),

    logits,

    guess: (rows, parameters, inputs, labels) => forward(rows, parameters, inputs, labels, rows),

    run(rows, parameters, inputs, labels, divisor) {
      const correct = forward(rows, parameters, inputs, labels, divisor);
      for (let i = last; i > 0; i--) {
        layers[i]!.backward(rows, parameters, outputs[i]!, gradients[i]!, gradients[i - 1]!);
      }
      return correct;
    },

    gradient(first, rows, inputs, gradient) {
      layers.forEach((layer, i) => {
        layer.parameterGradient?.(first, rows, outputs[i - 1] ?? inputs, gradients[i]!, gradient);
      });
    },
  };
}
