// The fully connected layer over the last dimension: y = x Wᵀ + b, with W [units, features] and b [units] as PyTorch has them.

import { columnSums } from './column-sums.ts';
import { matmul, type MatrixView } from '../cpu/matmul.ts';
import {
  type CpuLayer,
  elements,
  type Floats,
  type GpuLayer,
  type Layer,
  type ParameterShape,
  type Place,
} from './layer.ts';
import { floats, inputShape } from './operands.ts';

export interface LinearSpec {
  readonly kind: 'linear';
  readonly units: number;
  /** True unless it is said. */
  readonly bias?: boolean;
  /** Of normal initial weights, with biases of zero; else both are uniform within 1/√features, as torch.nn.Linear has them. */
  readonly deviation?: number;
}

const cpu: CpuLayer<LinearSpec> = {
  forward(place, { samples, parameters, inputs, output }) {
    const { rows, units, features, weight, bias } = sizesOf(place);
    const m = samples * rows;
    const transposed = { ...view(parameters, features, weight.offset), transposed: true };
    matmul(m, units, features, view(floats(inputs), features), transposed, view(output, units));
    if (bias === undefined) return;
    for (let row = 0; row < m; row++) {
      for (let j = 0; j < units; j++) output[row * units + j]! += parameters[bias.offset + j]!;
    }
  },

  // dx = dy W
  backward(place, { samples, parameters, outputGradient, inputGradients: [gradient], accumulate }) {
    if (gradient === undefined) return;
    const { rows, units, features, weight } = sizesOf(place);
    const upstream = view(outputGradient, units);
    const weights = view(parameters, features, weight.offset);
    matmul(samples * rows, features, units, upstream, weights, view(gradient, features), accumulate[0]);
  },

  // dW = dyᵀ x, db = Σ dy
  parameterGradient(place, { inputs, outputGradient, first, count, gradient, accumulate }) {
    const { rows, units, features, weight, bias } = sizesOf(place);
    const k = count * rows;
    const upstream = view(outputGradient, units, first * rows * units);
    const x = view(floats(inputs), features, first * rows * features);
    const dyTransposed = { ...upstream, transposed: true };
    matmul(units, features, k, dyTransposed, x, view(gradient, features, weight.offset), accumulate[0]);
    if (bias === undefined) return;
    for (let j = 0; j < units; j++) {
      let sum = accumulate[1] === true ? gradient[bias.offset + j]! : 0;
      for (let row = 0; row < k; row++) sum += outputGradient[upstream.offset + row * units + j]!;
      gradient[bias.offset + j] = sum;
    }
  },
};

const view = (data: Floats, stride: number, offset = 0): MatrixView => ({ data, offset, stride });

function sizesOf({ spec, inputs: [input = []], parameters: [weight, bias] }: Place<LinearSpec>) {
  const features = input.at(-1) ?? 1;
  if (weight === undefined) throw new RangeError('A linear layer has a weight.');
  return { weight, bias, features, units: spec.units, rows: elements(input) / features };
}

const gpu: GpuLayer<LinearSpec> = {
  forward(place) {
    const { weight, bias, features, units, rows } = sizesOf(place);
    return [
      {
        kind: 'matmul',
        transposeA: false,
        transposeB: true,
        size: ({ samples }) => ({ m: samples * rows, n: units, k: features, batch: 1 }),
        a: { buffer: { input: 0 }, offset: 0, stride: features, batchStride: 0 },
        b: { buffer: 'parameters', offset: weight.offset, stride: features, batchStride: 0 },
        c: { buffer: 'output', offset: 0, stride: units, batchStride: 0 },
        ...(bias === undefined ? {} : { bias: bias.offset }),
        accumulate: false,
      },
    ];
  },
  backward(place, [needed], [accumulate]) {
    const { weight, features, units, rows } = sizesOf(place);
    if (needed !== true) return [];
    return [
      {
        kind: 'matmul',
        transposeA: false,
        transposeB: false,
        size: ({ samples }) => ({ m: samples * rows, n: features, k: units, batch: 1 }),
        a: { buffer: 'outputGradient', offset: 0, stride: units, batchStride: 0 },
        b: { buffer: 'parameters', offset: weight.offset, stride: features, batchStride: 0 },
        c: { buffer: { inputGradient: 0 }, offset: 0, stride: features, batchStride: 0 },
        accumulate: accumulate === true,
      },
    ];
  },
  parameterGradient(place, [accumulateWeight, accumulateBias]) {
    const { weight, bias, features, units, rows } = sizesOf(place);
    const { samplesPerSlice, gradientLength } = place;
    const k = samplesPerSlice * rows;
    return [
      {
        kind: 'matmul',
        transposeA: true,
        transposeB: false,
        size: ({ slices }) => ({ m: units, n: features, k, batch: slices }),
        a: { buffer: 'outputGradient', offset: 0, stride: units, batchStride: k * units },
        b: { buffer: { input: 0 }, offset: 0, stride: features, batchStride: k * features },
        c: {
          buffer: 'parameterGradients',
          offset: weight.offset,
          stride: features,
          batchStride: gradientLength,
        },
        accumulate: accumulateWeight === true,
      },
      ...(bias === undefined
        ? []
        : columnSums(k, samplesPerSlice, units, bias.offset, gradientLength, accumulateBias === true)),
    ];
  },
};

export const linear: Layer<LinearSpec> = {
  shapes({ units, bias = true, deviation }, inputs) {
    const input = inputShape('linear', inputs);
    const features = input.at(-1) ?? 1;
    const uniform = { kind: 'uniform', bound: 1 / Math.sqrt(features) } as const;
    const weight: ParameterShape = {
      name: 'weight',
      shape: [units, features],
      initialization: deviation === undefined ? uniform : { kind: 'normal', deviation },
    };
    const offset: ParameterShape = {
      name: 'bias',
      shape: [units],
      initialization: deviation === undefined ? uniform : { kind: 'constant', value: 0 },
    };
    return {
      output: [...input.slice(0, -1), units],
      parameters: bias ? [weight, offset] : [weight],
      saved: 0,
    };
  },
  cpu,
  gpu,
};
