// Which kernel computes a product, and into how many parts its sum is cut. Pure: it hangs on the shapes of one slice and the job's
// table alone, never on the device or on how many slices a pass has, so that all ranks compute the same bits.

import type { MatmulChoice, MatmulKernel, MatmulTable } from '../../../job/kernels-schema.ts';
import { EngineError } from '../../../ports/engine.ts';

/** One slice's product C[m, n] = op(A)[m, k] · op(B)[k, n], `batch` times. */
export interface ProductShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

export interface KernelTiling {
  readonly m: number;
  readonly n: number;
  readonly depth: number;
  /** In a workgroup. */
  readonly invocations: number;
  /** Bytes of workgroup memory. */
  readonly workgroupBytes: number;
}

const bothTiles = (m: number, n: number, depth: number): number => 2 * depth * (m + n) * 4;

export const TILINGS: Readonly<Record<MatmulKernel, KernelTiling>> = {
  small: { m: 32, n: 32, depth: 16, invocations: 64, workgroupBytes: 4096 },
  shallow: { m: 32, n: 32, depth: 1, invocations: 64, workgroupBytes: 0 },
  '64x64x16': { m: 64, n: 64, depth: 16, invocations: 128, workgroupBytes: bothTiles(64, 64, 16) },
  '256x128x8': { m: 256, n: 128, depth: 8, invocations: 256, workgroupBytes: bothTiles(256, 128, 8) },
  '256x128x16': { m: 256, n: 128, depth: 16, invocations: 256, workgroupBytes: bothTiles(256, 128, 16) },
};

/** What decides whether a device can run a kernel. */
export type KernelLimits = Pick<
  GPUSupportedLimits,
  'maxComputeWorkgroupStorageSize' | 'maxComputeInvocationsPerWorkgroup'
>;

/** Whether a device can run a kernel at all. */
export const runsOn = (kernel: MatmulKernel, limits: KernelLimits): boolean =>
  TILINGS[kernel].workgroupBytes <= limits.maxComputeWorkgroupStorageSize &&
  TILINGS[kernel].invocations <= limits.maxComputeInvocationsPerWorkgroup;

/** Throws an `EngineError` of fault `unavailable` where the job pins what this device cannot run. */
export function checkPinned(table: MatmulTable, limits: KernelLimits): void {
  for (const [product, { kernel }] of Object.entries(table)) {
    if (runsOn(kernel, limits)) continue;
    const { workgroupBytes, invocations } = TILINGS[kernel];
    throw new EngineError(
      'unavailable',
      `The job pins the kernel ${kernel} for ${product}: it needs ${workgroupBytes} bytes of workgroup memory and ${invocations} ` +
        `invocations, and this GPU offers ${limits.maxComputeWorkgroupStorageSize} and ${limits.maxComputeInvocationsPerWorkgroup}. ` +
        'Found the room on this machine, or with ?tune=0.',
    );
  }
}

/**
 * Up to so many terms, the kernel without workgroup memory is faster: in 28 ms against 113 at 4 terms (16 products of 128 × 784,
 * SwiftShader).
 */
export const SHALLOW_TERMS = 16;
/**
 * So is it for up to so many rows: a tile of 32 is empty but for them. 29 ms against 97 at 4 rows (16 products of 128 columns and 784
 * terms, SwiftShader), 48 against 82 at 8, 95 against 41 at 32; and SwiftShader compiles it in a tenth of the time.
 */
export const FEW_ROWS = 8;
/** From so many rows and columns on, a tile of 64 by 64 is mostly full. */
const TILED_FROM = 48;
/** A large GPU has some 130 multiprocessors: with fewer workgroups, parts of it idle. */
const WORKGROUPS_WANTED = 128;
/** A part of the sum below this many terms is not worth a pass over its partial products. */
const LEAST_SPLIT_TERMS = 512;
/** Partial products take memory: above this many elements the product has workgroups enough anyway. */
export const MOST_SPLIT_ELEMENTS = 4_000_000;

export const shapeKey = ({ m, n, k, batch, transposeA, transposeB }: ProductShape): string =>
  `${transposeA ? 'T' : 'N'}${transposeB ? 'T' : 'N'} ${m}x${n}x${k} ${batch}`;

export const workgroupsOf = (kernel: MatmulKernel, { m, n, batch }: ProductShape): number =>
  Math.ceil(m / TILINGS[kernel].m) * Math.ceil(n / TILINGS[kernel].n) * batch;

export function chooseMatmul(shape: ProductShape, table: MatmulTable): MatmulChoice {
  const pinned = table[shapeKey(shape)];
  if (pinned !== undefined) return pinned;
  const { m, n, k } = shape;
  if (k <= SHALLOW_TERMS || m <= FEW_ROWS) return { kernel: 'shallow', splits: 1 };
  if (Math.min(m, n) < TILED_FROM) return { kernel: 'small', splits: 1 };
  const kernel = '64x64x16';
  if (m * n > MOST_SPLIT_ELEMENTS) return { kernel, splits: 1 };
  const wanted = Math.ceil(WORKGROUPS_WANTED / workgroupsOf(kernel, shape));
  return { kernel, splits: Math.max(1, Math.min(wanted, Math.floor(k / LEAST_SPLIT_TERMS), 16)) };
}
