// Column sums over the rows of each slice, in two stages of a fixed order (shaders/column_sums.wgsl): gradients of biases.

import type { BufferRole, KernelCall } from './layer.ts';

/** Rows of one chunk. A slice of no more than twice as many is summed in one stage. */
const CHUNK_ROWS = 64;

/** Up to so many chunks, one dispatch in the same order takes the place of two. */
export const WHOLE_CHUNKS = 8;
/** Columns of a workgroup in such a dispatch. */
export const WHOLE_COLUMNS = 16;

/** How the rows of a slice are cut. It hangs on the slice alone, since it decides bits. */
export function chunksOf(rowsPerSlice: number): { readonly rows: number; readonly count: number } {
  return { rows: CHUNK_ROWS, count: Math.ceil(rowsPerSlice / CHUNK_ROWS) };
}

interface Finish {
  readonly source: BufferRole;
  /** Partial sums of a slice, one under the other. */
  readonly chunks: number;
  /** Columns in a row of partial sums; which of them to take. */
  readonly stride: number;
  readonly first: number;
  readonly columns: number;
  /** Where the sums go: offset in a slice's gradients. */
  readonly offset: number;
  readonly gradientLength: number;
  readonly accumulate: boolean;
}

export const finishColumns = ({
  source,
  chunks,
  stride,
  first,
  columns,
  offset,
  gradientLength,
  accumulate,
}: Finish): KernelCall => ({
  kind: 'kernel',
  shader: 'column_sums.wgsl',
  entryPoint: 'finish',
  constants: { ACCUMULATE: accumulate ? 1 : 0 },
  reads: [source],
  writes: ['parameterGradients'],
  uniform: () => [0, 0, columns, stride, first, chunks, offset, gradientLength],
  workgroups: ({ slices }) => [Math.ceil(columns / 64), 1, slices],
});

/** The sum over a slice's rows of the gradient at the output, into the gradients at `offset`. */
export function columnSums(
  rowsPerSlice: number,
  samplesPerSlice: number,
  columns: number,
  offset: number,
  gradientLength: number,
  accumulate: boolean,
): readonly KernelCall[] {
  const common = { stride: columns, first: 0, columns, offset, gradientLength, accumulate };
  if (rowsPerSlice <= 2 * CHUNK_ROWS) {
    return [finishColumns({ ...common, source: 'outputGradient', chunks: rowsPerSlice })];
  }
  const chunks = chunksOf(rowsPerSlice);
  if (chunks.count <= WHOLE_CHUNKS) {
    return [
      {
        kind: 'kernel',
        shader: 'column_sums.wgsl',
        entryPoint: 'whole',
        constants: { ACCUMULATE: accumulate ? 1 : 0 },
        reads: ['outputGradient'],
        writes: ['parameterGradients'],
        uniform: () => [rowsPerSlice, chunks.rows, columns, 0, 0, chunks.count, offset, gradientLength],
        workgroups: ({ slices }) => [Math.ceil(columns / WHOLE_COLUMNS), 1, slices],
      },
    ];
  }
  const partial: BufferRole = {
    scratch: 0,
    bytesPerSample: Math.ceil((4 * chunks.count * columns) / samplesPerSlice),
  };
  return [
    {
      kind: 'kernel',
      shader: 'column_sums.wgsl',
      entryPoint: 'partial_sums',
      reads: ['outputGradient'],
      writes: [partial],
      uniform: () => [rowsPerSlice, chunks.rows, columns, 0, 0, 0, 0, 0],
      workgroups: ({ slices }) => [Math.ceil(columns / 64), chunks.count, slices],
    },
    finishColumns({ ...common, source: partial, chunks: chunks.count }),
  ];
}
