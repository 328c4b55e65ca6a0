// A matrix product as calls of kernels: which shader and entry point, its constants and its uniform (shaders/matmul*.wgsl).

import type { MatmulKernel, MatmulTable } from '../../../job/kernels-schema.ts';
import type { Activation } from '../../../job/model-schema.ts';
import type { MatmulCall, MatrixRole } from '../../graph/matmul-call.ts';
import type { KernelCall, PassSize } from '../../layers/layer.ts';
import { chooseMatmul, MOST_SPLIT_ELEMENTS, TILINGS, type ProductShape } from './choose.ts';

export interface MatmulContext {
  readonly samplesPerSlice: number;
  /** The job's. */
  readonly table: MatmulTable;
}

const ACTIVATIONS: Readonly<Record<Activation, number>> = {
  relu: 0,
  gelu: 1,
  gelu_tanh: 2,
  silu: 3,
  tanh: 4,
};
const NONE = 5;
/** Names the partial products of a split sum among a node's scratch memory. */
const PARTIAL_PRODUCTS = 64;

/** The product of one slice, which is what the choice hangs on. */
export function productShape(call: MatmulCall, samplesPerSlice: number): ProductShape {
  const { transposeA, transposeB, size } = call;
  return { ...size({ slices: 1, samples: samplesPerSlice }), transposeA, transposeB };
}

export function lowerMatmul(call: MatmulCall, context: MatmulContext): readonly KernelCall[] {
  const shape = productShape(call, context.samplesPerSlice);
  const { kernel, splits } = chooseMatmul(shape, context.table);
  switch (kernel) {
    case 'small':
    case 'shallow':
      return [simple(call, kernel)];
    case '64x64x16':
    case '256x128x8':
    case '256x128x16': {
      // What an activation is computed from is whole only when the parts are added.
      const divisible = call.activation === undefined && shape.m * shape.n <= MOST_SPLIT_ELEMENTS;
      return divisible && splits > 1
        ? split(call, kernel, splits, context.samplesPerSlice)
        : [tiled(call, kernel)];
    }
  }
}

const flops =
  ({ size }: MatmulCall) =>
  (pass: PassSize): number => {
    const { m, n, k, batch } = size(pass);
    return 2 * m * n * k * batch;
  };

/** Of matrices, sizes and places, as all of these kernels have them in their uniform. */
const placeWords = ({ size, a, b, c }: MatmulCall, pass: PassSize): readonly number[] => {
  const { m, n, k } = size(pass);
  return [m, n, k, a.offset, b.offset, c.offset, a.batchStride, b.batchStride, c.batchStride];
};

/** The same, and strides as the tiled kernels have them. */
const shapeWords = (call: MatmulCall, pass: PassSize): readonly number[] => [
  ...placeWords(call, pass),
  ...[call.a.stride, call.b.stride, call.c.stride],
];

/** Of op(A) and op(B), as shaders/matmul.wgsl has them: from one row, or column, to the next, and from one term of a sum to the next. */
const strideWords = ({ a, b, c, transposeA, transposeB }: MatmulCall): readonly number[] => [
  ...(transposeA ? [1, a.stride] : [a.stride, 1]),
  ...(transposeB ? [1, b.stride] : [b.stride, 1]),
  c.stride,
];
/** In the place of where a bias begins. */
const NO_BIAS = 0xffffffff;

const grid =
  ({ size }: MatmulCall, kernel: MatmulKernel, splits: number) =>
  (pass: PassSize) => {
    const { m, n, batch } = size(pass);
    const tile = TILINGS[kernel];
    return [Math.ceil(n / tile.n), Math.ceil(m / tile.m), batch * splits] as const;
  };

function simple(call: MatmulCall, kernel: 'small' | 'shallow'): KernelCall {
  const { a, b, c, accumulate, activation, preActivation } = call;
  return {
    kind: 'kernel',
    shader: 'matmul.wgsl',
    entryPoint:
      preActivation !== undefined ? 'matmul_keep' : kernel === 'shallow' ? 'matmul_shallow' : 'matmul',
    constants: { ACTIVATION: activation === undefined ? NONE : ACTIVATIONS[activation] },
    reads: [a.buffer, b.buffer],
    writes: preActivation === undefined ? [c.buffer] : [c.buffer, preActivation.buffer],
    uniform: (pass) => [
      ...placeWords(call, pass),
      ...strideWords(call),
      call.bias ?? NO_BIAS,
      accumulate ? 1 : 0,
    ],
    workgroups: grid(call, kernel, 1),
    flops: flops(call),
  };
}

type TiledKernel = Exclude<MatmulKernel, 'small' | 'shallow'>;

/** Whether an operand can be read in vectors of four: nothing that an address is made of, nor the contiguous extent, breaks one. */
const inVectors = (
  call: MatmulCall,
  { offset, stride, batchStride }: MatrixRole,
  along: 'm' | 'n' | 'k',
): boolean => {
  // The extents of one sample: whatever the pass, it has a whole number of them.
  const extent = call.size({ slices: 1, samples: 1 })[along];
  return [offset, stride, batchStride, extent].every((length) => length % 4 === 0);
};

const tiledConstants = (call: MatmulCall, kernel: TiledKernel): Record<string, number> => ({
  TRANSPOSE_A: call.transposeA ? 1 : 0,
  TRANSPOSE_B: call.transposeB ? 1 : 0,
  VECTOR_A: inVectors(call, call.a, call.transposeA ? 'm' : 'k') ? 1 : 0,
  VECTOR_B: inVectors(call, call.b, call.transposeB ? 'k' : 'n') ? 1 : 0,
  ...(kernel === '64x64x16' ? {} : { DEPTH: TILINGS[kernel].depth }),
});

const shaderOf = (kernel: TiledKernel): string =>
  kernel === '64x64x16' ? 'matmul_64x64.wgsl' : 'matmul_256x128.wgsl';

function tiled(call: MatmulCall, kernel: TiledKernel): KernelCall {
  const { a, b, c, accumulate, activation, preActivation, size } = call;
  return {
    kind: 'kernel',
    shader: preActivation === undefined ? shaderOf(kernel) : `${shaderOf(kernel)}#keep`,
    entryPoint: 'matmul',
    constants: {
      ...tiledConstants(call, kernel),
      BIAS: call.bias === undefined ? 0 : 1,
      ACTIVATION: activation === undefined ? NONE : ACTIVATIONS[activation],
      ACCUMULATE: accumulate ? 1 : 0,
    },
    reads: [a.buffer, b.buffer],
    writes: preActivation === undefined ? [c.buffer] : [c.buffer, preActivation.buffer],
    uniform: (pass) => [...shapeWords(call, pass), call.bias ?? 0, 1, size(pass).k],
    workgroups: grid(call, kernel, 1),
    flops: flops(call),
  };
}

/** Partial products into scratch memory, then their sum in order. */
function split(
  call: MatmulCall,
  kernel: TiledKernel,
  wanted: number,
  samplesPerSlice: number,
): readonly KernelCall[] {
  const { a, b, c, size, accumulate } = call;
  const { depth } = TILINGS[kernel];
  const { m, n, k, batch } = size({ slices: 1, samples: samplesPerSlice });
  // Whole tiles deep, so that every part reads in vectors where the product does.
  const terms = Math.ceil(k / wanted / depth) * depth;
  const splits = Math.ceil(k / terms);
  const partial = {
    scratch: PARTIAL_PRODUCTS,
    bytesPerSample: Math.ceil((4 * splits * m * n * batch) / samplesPerSlice),
  };
  const toScratch: MatmulCall = {
    ...call,
    c: { buffer: partial, offset: 0, stride: n, batchStride: m * n },
  };
  return [
    {
      kind: 'kernel',
      shader: shaderOf(kernel),
      entryPoint: 'matmul',
      constants: { ...tiledConstants(call, kernel), BIAS: 0, ACTIVATION: NONE, ACCUMULATE: 0 },
      reads: [a.buffer, b.buffer],
      writes: [partial],
      uniform(pass) {
        const words = [...shapeWords(toScratch, pass)];
        // Rows of C grow with the pass where a product takes all its samples at once.
        words[8] = size(pass).m * n;
        return [...words, 0, splits, terms];
      },
      workgroups: grid(call, kernel, splits),
      flops: flops(call),
    },
    {
      kind: 'kernel',
      shader: 'matmul_splits.wgsl',
      entryPoint: 'add_splits',
      constants: { BIAS: call.bias === undefined ? 0 : 1, ACCUMULATE: accumulate ? 1 : 0 },
      reads: [partial, b.buffer],
      writes: [c.buffer],
      uniform(pass) {
        const now = size(pass);
        return [now.m, n, splits, c.offset, c.batchStride, c.stride, call.bias ?? 0];
      },
      workgroups(pass) {
        const now = size(pass);
        const groups = Math.ceil((now.m * n) / 64);
        const rows = Math.ceil(groups / 65_535);
        return [Math.ceil(groups / rows), now.batch, rows];
      },
    },
  ];
}
