// A matrix product as a graph's node asks for it: the plan hands it to the chooser (engine/webgpu/matmul), which picks a kernel.

import type { Activation } from '../../job/model-schema.ts';
import type { BufferRole, PassSize } from '../layers/roles.ts';

/** A row-major matrix in a buffer, or a batch of them; lengths in elements. */
export interface MatrixRole {
  readonly buffer: BufferRole;
  readonly offset: number;
  /** From one stored row to the next. */
  readonly stride: number;
  /** From one matrix of the batch to the next. */
  readonly batchStride: number;
}

/** C[m, n] = op(A)[m, k] · op(B)[k, n] for each of `batch`; then + bias[n], then the activation; or added to what C holds. */
export interface MatmulCall {
  readonly kind: 'matmul';
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly size: (size: PassSize) => {
    readonly m: number;
    readonly n: number;
    readonly k: number;
    readonly batch: number;
  };
  readonly a: MatrixRole;
  readonly b: MatrixRole;
  readonly c: MatrixRole;
  /** Offset in the parameters. */
  readonly bias?: number;
  /** Set by fusion: C gets the activation's output, and `preActivation` what it was computed from. */
  readonly activation?: Activation;
  readonly preActivation?: MatrixRole;
  readonly accumulate: boolean;
}
