// What a plan is made of: operations on tensors, before either has a pipeline or a buffer.

import type { PassSize, UniformWord, Workgroups } from '../../layers/layer.ts';

/** Index into a plan's tensors. */
export type TensorId = number;

/** Where a tensor lives. Those of the engine and those that samples are written to have buffers of their own; the others share. */
export type Residence = 'shared' | 'plan' | 'engine';

export interface PlanTensor {
  /** As an error or a profile names it. */
  readonly name: string;
  readonly residence: Residence;
  readonly bytes: (size: PassSize) => number;
}

export interface Kernel {
  /** File in shaders/, and its entry point. */
  readonly shader: string;
  readonly entryPoint: string;
  readonly constants: Readonly<Record<string, number>>;
  /** Storage buffers that are read, at bindings 1, 2, …, then those that are written; binding 0 is the uniform. */
  readonly reads: number;
  readonly writes: number;
}

/** One dispatch. */
export interface Operation {
  /** The layer and what is computed of it, such as "transformer.h.0.mlp.c_fc forward". */
  readonly label: string;
  readonly kernel: Kernel;
  readonly reads: readonly TensorId[];
  readonly writes: readonly TensorId[];
  readonly uniform: (size: PassSize) => readonly UniformWord[];
  readonly workgroups: (size: PassSize) => Workgroups;
  readonly cost: (size: PassSize) => Cost;
}

export interface Cost {
  /** Floating-point operations of the mathematics, without those that a tile's padding wastes. */
  readonly flops: number;
  /** Bytes that must at least pass between memory and the chip: every operand once. */
  readonly bytes: number;
}
