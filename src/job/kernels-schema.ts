// Which kernel computes which matrix product: part of the job, since it can decide bits and all ranks of a room compute alike.

import * as v from 'valibot';

/**
 * Kernels for matrix products (shaders/matmul*.wgsl). `small`: tiles of 32 by 32. `shallow`: without workgroup memory. The others are
 * named by their tile and its depth; those of 256 by 128 need more workgroup memory than every device has.
 */
export const MatmulKernelSchema = v.picklist(['small', 'shallow', '64x64x16', '256x128x8', '256x128x16']);
export type MatmulKernel = v.InferOutput<typeof MatmulKernelSchema>;

const MatmulChoiceSchema = v.strictObject({
  kernel: MatmulKernelSchema,
  /** Into how many parts the sum over k is cut, which are added in order. */
  splits: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(64)),
});
export type MatmulChoice = Readonly<v.InferOutput<typeof MatmulChoiceSchema>>;

/** By `<NN|NT|TN|TT> <m>x<n>x<k> <batch>`, for one slice. */
export const MatmulTableSchema = v.pipe(
  v.record(v.pipe(v.string(), v.regex(/^[NT]{2} \d{1,9}x\d{1,9}x\d{1,9} \d{1,9}$/u)), MatmulChoiceSchema),
  v.check((table) => Object.keys(table).length <= 1024, 'a table has at most 1,024 products'),
);
export type MatmulTable = Readonly<Record<string, MatmulChoice>>;

export const KernelsSchema = v.strictObject({
  /** Of the kernels and of the order of their sums. */
  version: v.literal(1),
  /** Products that were measured; the default rules choose for the others. */
  matmul: MatmulTableSchema,
});
