// The training state on the device: parameters and moments, each contiguous, and what is done with them besides training passes.

import { DIGEST_STREAMS } from '../../collective/digest.ts';
import type { TrainingState } from '../../ports/engine.ts';
import { foldedGrid } from '../layers/grid.ts';
import type { Kernel } from './plan/operation.ts';
import type { Pipelines } from './pipelines.ts';
import { createBindGroups, createProgram, type Dispatch, type Program } from './program.ts';
import type { Segment } from './readback.ts';

/** The parts of the state that are small and stay on the CPU. */
export type SmallState = Omit<TrainingState, LongPart>;
export type LongPart = 'parameters' | 'firstMoments' | 'secondMoments';
export type LongState = Pick<TrainingState, LongPart>;

const LONG_PARTS = ['parameters', 'firstMoments', 'secondMoments'] as const satisfies readonly LongPart[];
const SQUARES: Kernel = { shader: 'squares.wgsl', entryPoint: 'squares', constants: {}, reads: 2, writes: 1 };
const DIGEST: Kernel = { shader: 'digest.wgsl', entryPoint: 'digest', constants: {}, reads: 1, writes: 1 };
/** Workgroups of the digest: enough to fill a GPU, few enough that their sums are soon added. */
const DIGEST_GROUPS = 1024;
const DIGEST_BYTES = 16;

export interface StateBuffers extends Readonly<Record<LongPart, GPUBuffer>> {
  readonly blocks: GPUBuffer;
  readonly scales: GPUBuffer;
  readonly lanes: GPUBuffer;
  readonly digest: GPUBuffer;
  /** u32[blocks, 4], where the job clips. */
  readonly squares: GPUBuffer;
  /** `stateUniforms` slots. */
  readonly stateUniforms: GPUBuffer;
}

/** Dispatches of the state's own, at most: the update, the squares, and the digest of each long part. */
export const STATE_DISPATCHES = 2 + LONG_PARTS.length;

export interface DeviceState {
  readonly update: Program<readonly number[]>;
  upload(state: LongState): void;
  /** What to read back for `longState`. */
  readonly segments: readonly Segment[];
  longState(parts: readonly Int32Array<ArrayBuffer>[]): LongState;
  /** Encodes the sums of the lanes' squares, block by block, and says what to read back. */
  encodeSquares(encoder: GPUCommandEncoder): Segment;
  /** Encodes the digest of the long parts, and says what to read back: four sums. */
  encodeDigest(encoder: GPUCommandEncoder): Segment;
}

export async function createDeviceState(
  device: GPUDevice,
  pipelines: Pipelines,
  buffers: StateBuffers,
  { count, blocks, moments }: { readonly count: number; readonly blocks: number; readonly moments: number },
  update: Kernel,
): Promise<DeviceState> {
  /** The parts that this optimizer has. */
  const parts = LONG_PARTS.slice(0, 1 + moments);
  await pipelines.compile([DIGEST, update, SQUARES]);
  const groups = createBindGroups(device, pipelines, buffers.stateUniforms);
  const updateProgram = createProgram<readonly number[]>(
    device,
    pipelines,
    buffers.stateUniforms,
    0,
    groups,
    [
      {
        label: 'update',
        kernel: update,
        buffers: [buffers.blocks, buffers.scales, buffers.lanes, ...parts.map((part) => buffers[part])],
        uniform: (constants) => constants.map((f32) => ({ f32 })),
        workgroups: () => foldedGrid(blocks),
      },
    ],
  );
  const digests = parts.map((part): Dispatch<undefined> => ({
    label: `digest of ${part}`,
    kernel: DIGEST,
    buffers: [buffers[part], buffers.digest],
    uniform: () => [count, DIGEST_STREAMS.indexOf(part)],
    workgroups: () => [Math.min(DIGEST_GROUPS, Math.ceil(count / 64)), 1, 1],
  }));
  const digest = createProgram(device, pipelines, buffers.stateUniforms, 1, groups, digests);
  digest.prepare(undefined);
  const squares = createProgram<undefined>(
    device,
    pipelines,
    buffers.stateUniforms,
    1 + LONG_PARTS.length,
    groups,
    [
      {
        label: 'squares',
        kernel: SQUARES,
        buffers: [buffers.blocks, buffers.lanes, buffers.squares],
        uniform: () => [],
        workgroups: () => foldedGrid(blocks),
      },
    ],
  );
  squares.prepare(undefined);

  return {
    update: updateProgram,
    upload(state) {
      for (const part of parts) device.queue.writeBuffer(buffers[part], 0, state[part]);
    },
    segments: parts.map((part) => ({ buffer: buffers[part], bytes: 4 * count })),
    longState([parameters, firstMoments, secondMoments]) {
      const floats = (words: Int32Array<ArrayBuffer> | undefined) =>
        words === undefined ? new Float32Array(0) : new Float32Array(words.buffer, 0, count);
      return {
        parameters: floats(parameters),
        firstMoments: floats(firstMoments),
        secondMoments: floats(secondMoments),
      };
    },
    encodeSquares(encoder) {
      squares.encode(encoder);
      return { buffer: buffers.squares, bytes: 16 * blocks };
    },
    encodeDigest(encoder) {
      encoder.clearBuffer(buffers.digest);
      digest.encode(encoder);
      return { buffer: buffers.digest, bytes: DIGEST_BYTES };
    },
  };
}
