// A matrix product as a call of a kernel: which entry point, and its uniform (shaders/matmul.wgsl).
//
// The choice decides bits, so it hangs on the shapes of the job alone, never on how many slices a pass has.

import type { Activation } from '../../../job/model-schema.ts';
import type { MatmulCall } from '../../graph/matmul-call.ts';
import type { KernelCall } from '../../layers/layer.ts';

/** Rows and columns of the tile that a workgroup computes. */
const TILE = 32;
/**
 * Up to so many terms, the kernel without workgroup memory is faster: in 28 ms against 113 at 4 terms (16 products of 128 × 784,
 * SwiftShader).
 */
export const SHALLOW_TERMS = 16;
const ONE_SLICE = { slices: 1, samples: 1 };

const ACTIVATIONS: Readonly<Record<Activation, number>> = {
  relu: 0,
  gelu: 1,
  gelu_tanh: 2,
  silu: 3,
  tanh: 4,
};
const NONE = 5;

export function lowerMatmul(call: MatmulCall): readonly KernelCall[] {
  const { a, b, c, transposeA, transposeB, accumulate, activation, preActivation, size } = call;
  // The number of terms is the same in every pass.
  const shallow = size(ONE_SLICE).k <= SHALLOW_TERMS;
  return [
    {
      kind: 'kernel',
      shader: 'matmul.wgsl',
      entryPoint: preActivation !== undefined ? 'matmul_keep' : shallow ? 'matmul_shallow' : 'matmul',
      constants: {
        TRANSPOSE_A: transposeA ? 1 : 0,
        TRANSPOSE_B: transposeB ? 1 : 0,
        BIAS: call.bias === undefined ? 0 : 1,
        ACTIVATION: activation === undefined ? NONE : ACTIVATIONS[activation],
        ACCUMULATE: accumulate ? 1 : 0,
      },
      reads: [a.buffer, b.buffer],
      writes: preActivation === undefined ? [c.buffer] : [c.buffer, preActivation.buffer],
      uniform(pass) {
        const { m, n, k } = size(pass);
        return [
          ...[m, n, k, a.offset, b.offset, c.offset, a.batchStride, b.batchStride, c.batchStride],
          ...[a.stride, b.stride, c.stride, call.bias ?? 0],
        ];
      },
      workgroups(pass) {
        const { m, n, batch } = size(pass);
        return [Math.ceil(n / TILE), Math.ceil(m / TILE), batch];
      },
      flops(pass) {
        const { m, n, k, batch } = size(pass);
        return 2 * m * n * k * batch;
      },
    },
  ];
}
