// The fully connected layer on the GPU: y = x Wᵀ + b, optionally rectified, with its gradients (see cpu/linear.ts).

import type { ParameterTensor } from '../../ports/engine.ts';
import { linearGrid, type Dispatch } from './program.ts';

/** What varies between passes: how many slices of how many rows. */
export interface PassShape {
  readonly slices: number;
}

export interface LinearLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly weight: ParameterTensor;
  readonly bias: ParameterTensor;
  /** f32[P], all parameters of the model */
  readonly parameters: GPUBuffer;
  /** f32[slices, P] */
  readonly gradients: GPUBuffer;
  /** P */
  readonly gradientLength: number;
  readonly rowsPerSlice: number;
  /** f32[rows, inputs] */
  readonly input: GPUBuffer;
  /** f32[rows, outputs] */
  readonly output: GPUBuffer;
  /** f32[rows, outputs] */
  readonly outputGradient: GPUBuffer;
}

const TILE = 32;
const tiles = (length: number): number => Math.ceil(length / TILE);

export function linearForward(layer: LinearLayer, rectified: boolean): Dispatch<PassShape>[] {
  const { inputs, outputs, weight, bias, parameters, input, output } = layer;
  const rows = ({ slices }: PassShape): number => slices * layer.rowsPerSlice;
  return [
    {
      kernel: 'matmulNT',
      buffers: [input, parameters, output],
      uniform: (pass) => [rows(pass), outputs, inputs, 0, weight.offset, 0, 0, 0, 0],
      workgroups: (pass) => [tiles(outputs), tiles(rows(pass)), 1],
    },
    {
      kernel: rectified ? 'biasAddRelu' : 'biasAdd',
      buffers: [parameters, output],
      uniform: (pass) => [rows(pass), outputs, bias.offset, 0],
      workgroups: (pass) => linearGrid(rows(pass) * outputs),
    },
  ];
}

/** dW = dyᵀ x and db = Σ dy, for each slice alone. */
export function linearParameterGradient(layer: LinearLayer): Dispatch<PassShape>[] {
  const { inputs, outputs, weight, bias, rowsPerSlice, gradientLength, gradients, input, outputGradient } =
    layer;
  return [
    {
      kernel: 'matmulTN',
      buffers: [outputGradient, input, gradients],
      uniform: () => [
        ...[outputs, inputs, rowsPerSlice],
        ...[0, 0, weight.offset],
        ...[rowsPerSlice * outputs, rowsPerSlice * inputs, gradientLength],
      ],
      workgroups: ({ slices }) => [tiles(inputs), tiles(outputs), slices],
    },
    {
      kernel: 'biasGradient',
      buffers: [outputGradient, gradients],
      uniform: () => [rowsPerSlice, outputs, bias.offset, gradientLength],
      workgroups: ({ slices }) => [Math.ceil(outputs / 64), 1, slices],
    },
  ];
}

/** dx = dy W, then through the rectifier whose output this layer took as its input. */
export function linearBackward(layer: LinearLayer, inputGradient: GPUBuffer): Dispatch<PassShape>[] {
  const { inputs, outputs, weight, parameters, input, outputGradient } = layer;
  const rows = ({ slices }: PassShape): number => slices * layer.rowsPerSlice;
  return [
    {
      kernel: 'matmulNN',
      buffers: [outputGradient, parameters, inputGradient],
      uniform: (pass) => [rows(pass), inputs, outputs, 0, weight.offset, 0, 0, 0, 0],
      workgroups: (pass) => [tiles(inputs), tiles(rows(pass)), 1],
    },
    {
      kernel: 'reluBackward',
      buffers: [input, inputGradient],
      uniform: (pass) => [rows(pass) * inputs],
      workgroups: (pass) => linearGrid(rows(pass) * inputs),
    },
  ];
}
