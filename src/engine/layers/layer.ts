// What a layer is: shapes, and how each engine computes it forward and backward. One file a layer; both engines or none.
//
// A value is a batch: row-major [samples, ...shape], in an array or buffer that may be longer than the samples in use. A gradient is
// that of Σ loss / divisor. The gradient at a value that several nodes read is the sum of theirs: the first of them, in backward
// order, writes and the others add, which `accumulate` tells.

import type { ParameterTensor } from '../../ports/engine.ts';
import type { MatmulCall } from '../graph/matmul-call.ts';
import type { BufferRole, PassSize, UniformWord, Workgroups } from './roles.ts';

export type { BufferRole, PassSize, UniformWord, Workgroups };

/** Dimensions of one sample's value. Empty: one number. */
export type Shape = readonly number[];

export const elements = (shape: Shape): number => shape.reduce((product, length) => product * length, 1);

/** f32 in training; f64 where gradients are checked by differences. */
export type Floats = Float32Array | Float64Array;

/** How a parameter starts out, before step 0. */
export type Initialization =
  | { readonly kind: 'constant'; readonly value: number }
  /** In [−bound, bound). */
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'normal'; readonly deviation: number };

export interface ParameterShape {
  /** As PyTorch names it within its module: `weight`, `bias`. */
  readonly name: string;
  readonly shape: Shape;
  readonly initialization: Initialization;
}

export interface LayerShapes {
  readonly output: Shape;
  readonly parameters: readonly ParameterShape[];
  /** Floats a sample that forward keeps for backward, besides inputs and output. */
  readonly saved: number;
}

/** A layer in its place: the shapes around it, and where its parameters lie in the contiguous arrays. */
export interface Place<Spec> {
  readonly spec: Spec;
  readonly inputs: readonly Shape[];
  readonly output: Shape;
  readonly parameters: readonly ParameterTensor[];
  readonly saved: number;
}

// CPU: portable arithmetic (f64 between, the array's type in memory; no transcendental Math), sums in a fixed order.

export interface CpuForward {
  readonly samples: number;
  /** All parameters of the model; the place tells offsets. */
  readonly parameters: Floats;
  /** Token numbers where the input is a sequence of tokens. */
  readonly inputs: readonly (Floats | Int32Array)[];
  readonly output: Floats;
  readonly saved: Floats;
}

export interface CpuBackward extends CpuForward {
  readonly outputGradient: Floats;
  /** Undefined where nobody needs it: the graph's own input. */
  readonly inputGradients: readonly (Floats | undefined)[];
  readonly accumulate: readonly boolean[];
}

export interface CpuParameterGradient extends CpuForward {
  readonly outputGradient: Floats;
  /** The sum goes over these samples alone, in ascending order: one slice of a micro-batch. */
  readonly first: number;
  readonly count: number;
  /** The gradient of all parameters; the place tells offsets. */
  readonly gradient: Floats;
  /** By parameter: add to what another node (a tied weight) has put there. */
  readonly accumulate: readonly boolean[];
}

export interface CpuLayer<Spec> {
  forward(place: Place<Spec>, pass: CpuForward): void;
  backward(place: Place<Spec>, pass: CpuBackward): void;
  /** Present exactly where the layer has parameters. */
  readonly parameterGradient?: (place: Place<Spec>, pass: CpuParameterGradient) => void;
}

// GPU: dispatches as data, so that this file runs where there is no GPU. The plan turns them into pipelines and bind groups.

export interface KernelCall {
  readonly kind: 'kernel';
  /** File in shaders/, and its entry point. */
  readonly shader: string;
  readonly entryPoint: string;
  readonly constants?: Readonly<Record<string, number>>;
  /** Storage buffers at bindings 1, 2, …, those that are read before those that are written; binding 0 is the uniform. */
  readonly reads: readonly BufferRole[];
  readonly writes: readonly BufferRole[];
  readonly uniform: (size: PassSize) => readonly UniformWord[];
  readonly workgroups: (size: PassSize) => Workgroups;
  /** Floating-point operations, where they are many: for the cost model. */
  readonly flops?: (size: PassSize) => number;
}

export type GpuCall = KernelCall | MatmulCall;

export interface GpuPlace<Spec> extends Place<Spec> {
  readonly samplesPerSlice: number;
  /** P: floats between the parameter gradients of two slices. */
  readonly gradientLength: number;
}

export interface GpuLayer<Spec> {
  /** The output is the input under another shape: both share one buffer, and forward has no calls. */
  readonly view?: true;
  /** The gradient at each input is the one at the output: they share one buffer wherever the plan can let them. */
  readonly passesGradient?: true;
  forward(place: GpuPlace<Spec>): readonly GpuCall[];
  /** `needed`: which inputs want a gradient; `accumulate`: which of those already hold another node's. */
  backward(
    place: GpuPlace<Spec>,
    needed: readonly boolean[],
    accumulate: readonly boolean[],
  ): readonly GpuCall[];
  /** Each slice's gradient alone. Present exactly where the layer has parameters. */
  readonly parameterGradient?: (place: GpuPlace<Spec>, accumulate: readonly boolean[]) => readonly GpuCall[];
}

export interface Layer<Spec> {
  /** Throws a `ShapeError` when the inputs do not fit. */
  shapes(spec: Spec, inputs: readonly Shape[]): LayerShapes;
  readonly cpu: CpuLayer<Spec>;
  readonly gpu: GpuLayer<Spec>;
}

/** A model whose layers do not fit each other. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}
