// The plan of one pass: forward, loss, backward and quantisation of up to C slices at once, with the scratch memory for them.
//
// C is the only thing that memory decides. An element's arithmetic does not depend on it, and slices are quantised one by one, so
// passes of any size add up to the same bits.

import type { ParameterTensor } from '../../ports/engine.ts';
import { lossLimit, lossScale } from '../loss-lane.ts';
import type { Arena, BufferSpec } from './arena.ts';
import type { Kernels } from './kernels.ts';
import {
  linearBackward,
  linearForward,
  linearParameterGradient,
  type LinearLayer,
  type PassShape,
} from './linear.ts';
import { createProgram, uniformBytes, type Dispatch, type Program } from './program.ts';

/** What a plan is made for. */
export interface PlanInput {
  readonly device: GPUDevice;
  readonly arena: Arena;
  readonly kernels: Kernels;
  /** Units in each layer, inputs first. */
  readonly units: readonly number[];
  readonly tensors: readonly ParameterTensor[];
  readonly globalBatch: number;
  readonly microBatches: number;
  readonly rowsPerSlice: number;
  readonly lanes: LaneBuffers;
}

/** Buffers outside the plan that its kernels read and add to. */
export interface LaneBuffers {
  /** f32[P] */
  readonly parameters: GPUBuffer;
  /** Runs of elements, one a workgroup (Block in fixed_point.wgsl). */
  readonly blocks: GPUBuffer;
  readonly blockCount: number;
  /** Scales of each tensor (Tensor in fixed_point.wgsl). */
  readonly scales: GPUBuffer;
  /** i32[P] */
  readonly lanes: GPUBuffer;
  /** i32[5 + M + T]: the lanes from the loss on. */
  readonly side: GPUBuffer;
}

export interface PassPlan {
  /** C */
  readonly capacity: number;
  /** f32[C · rows, features]: where a pass's samples go. */
  readonly inputs: GPUBuffer;
  /** i32[C · rows]: class numbers, −1 for rows that only fill up. */
  readonly labels: GPUBuffer;
  /** f32[C · rows]: losses of the last pass. */
  readonly losses: GPUBuffer;
  /** Whole passes, and the shorter one at the end; each has uniforms of its own, so that both may be in one submit. */
  readonly full: Program<PassShape>;
  readonly tail: Program<PassShape>;
  /** Forward and loss alone, to evaluate. */
  readonly forward: Program<PassShape>;
  free(): void;
}

/** Rejects with an `EngineError` of fault `out-of-memory` when the scratch for C slices does not fit. */
export async function createPassPlan(input: PlanInput, capacity: number): Promise<PassPlan> {
  const { device, arena, kernels, units, rowsPerSlice, tensors } = input;
  const last = units.length - 2;
  const rows = capacity * rowsPerSlice;
  const gradientLength = tensors.reduce((sum, tensor) => sum + tensor.length, 0);
  const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const specs: Record<string, BufferSpec> = {
    inputs: { bytes: 4 * rows * (units[0] ?? 0), usage: storage },
    labels: { bytes: 4 * rows, usage: storage },
    losses: { bytes: 4 * rows, usage: storage },
    gradients: { bytes: 4 * capacity * gradientLength, usage: storage },
  };
  units.slice(1).forEach((outputs, layer) => {
    specs[`output ${layer}`] = { bytes: 4 * rows * outputs, usage: storage };
    specs[`gradient at output ${layer}`] = { bytes: 4 * rows * outputs, usage: storage };
  });
  const dispatches = 2 * (last + 1) + 1 + 2 * (last + 1) + 2 * last + 1;
  for (const name of ['full', 'tail', 'forward']) {
    specs[`uniforms ${name}`] = {
      bytes: uniformBytes(dispatches),
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    };
  }
  const buffers = await arena.allocate(specs);
  const buffer = (name: string): GPUBuffer => {
    const found = buffers[name];
    if (found === undefined) throw new RangeError(`The plan has no buffer "${name}".`);
    return found;
  };

  const layers = units.slice(1).map((outputs, layer): LinearLayer => {
    const [weight, bias] = tensors.slice(2 * layer, 2 * layer + 2);
    if (weight === undefined || bias === undefined) throw new RangeError(`Layer ${layer} has no parameters.`);
    return {
      inputs: units[layer] ?? 0,
      outputs,
      weight,
      bias,
      rowsPerSlice,
      gradientLength,
      parameters: input.lanes.parameters,
      gradients: buffer('gradients'),
      input: buffer(layer === 0 ? 'inputs' : `output ${layer - 1}`),
      output: buffer(`output ${layer}`),
      outputGradient: buffer(`gradient at output ${layer}`),
    };
  });

  const loss: Dispatch<PassShape> = {
    kernel: 'softmaxCrossEntropy',
    buffers: [
      buffer(`output ${last}`),
      buffer('labels'),
      buffer(`gradient at output ${last}`),
      buffer('losses'),
      input.lanes.side,
    ],
    uniform: ({ slices }) => [
      slices * rowsPerSlice,
      units.at(-1) ?? 0,
      { f32: 1 / input.globalBatch },
      { f32: lossScale(input.globalBatch) },
      { f32: lossLimit(input.microBatches) / rowsPerSlice },
    ],
    workgroups: ({ slices }) => [Math.ceil((slices * rowsPerSlice) / 64), 1, 1],
  };
  const accumulate: Dispatch<PassShape> = {
    kernel: 'accumulate',
    buffers: [
      input.lanes.blocks,
      input.lanes.scales,
      buffer('gradients'),
      input.lanes.lanes,
      input.lanes.side,
    ],
    uniform: ({ slices }) => [slices, gradientLength],
    workgroups: () => [input.lanes.blockCount, 1, 1],
  };

  const forward = [...layers.flatMap((layer, i) => linearForward(layer, i < last)), loss];
  // From the last layer to the first: a layer's parameter gradient, then the gradient at the output of the layer before.
  const backward = layers
    .map((layer, i) => [
      ...linearParameterGradient(layer),
      ...(i === 0 ? [] : linearBackward(layer, buffer(`gradient at output ${i - 1}`))),
    ])
    .reverse()
    .flat();
  const whole = [...forward, ...backward, accumulate];
  return {
    capacity,
    inputs: buffer('inputs'),
    labels: buffer('labels'),
    losses: buffer('losses'),
    full: createProgram(device, kernels, buffer('uniforms full'), whole),
    tail: createProgram(device, kernels, buffer('uniforms tail'), whole),
    forward: createProgram(device, kernels, buffer('uniforms forward'), forward),
    free: () => arena.free(buffers),
  };
}
