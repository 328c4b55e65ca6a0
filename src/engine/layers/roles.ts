// What a layer's GPU calls are made of: the buffers at hand by the part they play, and the size of a pass.

/** A word of a uniform: a number is u32; floats say so. */
export type UniformWord = number | { readonly f32: number };

/** The samples of one pass: whole slices. A slice may be padded with rows whose labels are −1. */
export interface PassSize {
  readonly slices: number;
  readonly samples: number;
}

export type Workgroups = readonly [x: number, y: number, z: number];

/** A buffer by the part it plays at the node. Gradients of parameters are f32[slices, P]. */
export type BufferRole =
  | 'output'
  | 'saved'
  | 'parameters'
  | 'outputGradient'
  | 'parameterGradients'
  | { readonly input: number }
  | { readonly inputGradient: number }
  /** Set by fusion, where `output` is the following activation's: what that is computed from. */
  | 'preActivation'
  /** Memory for this node alone, for the time of its dispatches. */
  | { readonly scratch: number; readonly bytesPerSample: number };
