// One operation alone, on whatever engine: what holds an engine's kernels against reference values.

import type { LayerSpec } from './layers/index.ts';
import type { Shape } from './layers/layer.ts';

export interface Operand {
  /** Of one sample. */
  readonly shape: Shape;
  /** [samples, …shape]; i32 where they are token numbers. */
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

/** C[m, n] = op(A)[m, k] · op(B)[k, n]; a transposed operand is stored as its transpose. */
export interface MatmulTrial {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly a: Float32Array<ArrayBuffer>;
  readonly b: Float32Array<ArrayBuffer>;
}

export interface LayerTrial {
  readonly spec: LayerSpec;
  readonly samples: number;
  readonly inputs: readonly Operand[];
  /** In the order of the layer's shapes. */
  readonly parameters: readonly Float32Array<ArrayBuffer>[];
  /** The gradient that arrives at the output. */
  readonly upstream: Float32Array<ArrayBuffer>;
}

export interface LayerOutcome {
  readonly output: Float32Array;
  /** Undefined for token numbers. */
  readonly inputGradients: readonly (Float32Array | undefined)[];
  /** Summed over all samples. */
  readonly parameterGradients: readonly Float32Array[];
}

export interface CrossEntropyTrial {
  readonly rows: number;
  readonly classes: number;
  readonly logits: Float32Array<ArrayBuffer>;
  readonly labels: Int32Array<ArrayBuffer>;
}

export interface CrossEntropyOutcome {
  /** Mean over the rows, and its gradient. */
  readonly loss: number;
  readonly gradient: Float32Array;
}

export interface OpRunner {
  matmul(trial: MatmulTrial): Promise<Float32Array>;
  /** Rejects with a `ShapeError` when the operands do not fit. */
  layer(trial: LayerTrial): Promise<LayerOutcome>;
  crossEntropy(trial: CrossEntropyTrial): Promise<CrossEntropyOutcome>;
}
