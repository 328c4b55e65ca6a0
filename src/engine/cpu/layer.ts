// What a layer is on the CPU engine: shapes, forward, backward. One file a layer; a model is a list of them.

/** All matrices are f32, row-major, one row a sample, in arrays that may be longer than the rows in use. */
export interface Layer {
  /** Features in and out. */
  readonly inputs: number;
  readonly outputs: number;
  /** Parameters start at offsets the layer knows, in the model's contiguous array. */
  forward(rows: number, parameters: Float32Array, input: Float32Array, output: Float32Array): void;
  /** Gradient at the input, from the one at the output. */
  backward(
    rows: number,
    parameters: Float32Array,
    output: Float32Array,
    outputGradient: Float32Array,
    inputGradient: Float32Array,
  ): void;
  /** Writes this layer's part of the contiguous gradient: the sum over `rows` rows from `first` on, in ascending order. */
  parameterGradient?(
    first: number,
    rows: number,
    input: Float32Array,
    outputGradient: Float32Array,
    gradient: Float32Array,
  ): void;
}
