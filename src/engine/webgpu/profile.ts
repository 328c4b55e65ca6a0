// How long each dispatch of a program takes: by timestamp queries where the device offers them, else by a submit of its own, whose wall
// time holds the cost of submitting too.

import type { Arena } from './arena.ts';
import { kernelName } from './plan/cost.ts';
import type { Program } from './program.ts';
import { readWords } from './readback.ts';

export interface KernelTime {
  /** Shader and entry point. */
  readonly kernel: string;
  readonly dispatches: number;
  readonly milliseconds: number;
}

export interface Profile {
  readonly by: 'timestamps' | 'submits';
  /** The slowest first. */
  readonly kernels: readonly KernelTime[];
}

/** The most queries that a set may have. */
const MOST_QUERIES = 4096;
const TIMESTAMP_BYTES = 8;

/** Runs the program once, as it was prepared last. */
export async function profileProgram(
  device: GPUDevice,
  arena: Arena,
  program: Program<never>,
  now: () => number,
): Promise<Profile> {
  const count = program.dispatches.length;
  const timed = device.features.has('timestamp-query') && 2 * count <= MOST_QUERIES;
  const milliseconds = timed
    ? await byTimestamps(device, arena, program, count)
    : await bySubmits(device, program, count, now);
  const kernels = new Map<string, KernelTime>();
  program.dispatches.forEach(({ kernel: { shader, entryPoint } }, i) => {
    const kernel = kernelName({ shader, entryPoint });
    const before = kernels.get(kernel);
    kernels.set(kernel, {
      kernel,
      dispatches: (before?.dispatches ?? 0) + 1,
      milliseconds: (before?.milliseconds ?? 0) + (milliseconds[i] ?? 0),
    });
  });
  return {
    by: timed ? 'timestamps' : 'submits',
    kernels: [...kernels.values()].sort((a, b) => b.milliseconds - a.milliseconds),
  };
}

async function byTimestamps(
  device: GPUDevice,
  arena: Arena,
  program: Program<never>,
  count: number,
): Promise<readonly number[]> {
  const bytes = 2 * count * TIMESTAMP_BYTES;
  const queries = device.createQuerySet({ type: 'timestamp', count: 2 * count });
  const buffers = await arena.allocate({
    timestamps: { bytes, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC },
    'timestamps read': { bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST },
  });
  try {
    const encoder = device.createCommandEncoder({ label: 'profile' });
    for (let i = 0; i < count; i++) {
      program.encodeOne(encoder, i, {
        querySet: queries,
        beginningOfPassWriteIndex: 2 * i,
        endOfPassWriteIndex: 2 * i + 1,
      });
    }
    encoder.resolveQuerySet(queries, 0, 2 * count, buffers.timestamps, 0);
    encoder.copyBufferToBuffer(buffers.timestamps, 0, buffers['timestamps read'], 0, bytes);
    device.queue.submit([encoder.finish()]);
    const nanoseconds = new BigUint64Array((await readWords(buffers['timestamps read'], bytes)).buffer);
    return Array.from({ length: count }, (_, i) => {
      const elapsed = (nanoseconds[2 * i + 1] ?? 0n) - (nanoseconds[2 * i] ?? 0n);
      return Math.max(0, Number(elapsed)) / 1e6;
    });
  } finally {
    arena.free(buffers);
    queries.destroy();
  }
}

async function bySubmits(
  device: GPUDevice,
  program: Program<never>,
  count: number,
  now: () => number,
): Promise<readonly number[]> {
  const milliseconds: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = now();
    const encoder = device.createCommandEncoder({ label: 'profile' });
    program.encodeOne(encoder, i);
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    milliseconds.push(now() - start);
  }
  return milliseconds;
}
