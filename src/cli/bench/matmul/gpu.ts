// Matrix products on a GPU device, measured: in a page and in Node alike. Many dispatches go into one submit, so that what a submit
// costs does not count; the queue runs them one after the other, since each writes the same matrix.

import { describeAdapter } from '../../../engine/webgpu/device.ts';
import { median } from '../median.ts';
import { matmulDispatches, withoutKept, type MatmulDispatch } from './kernel.ts';
import type { CostModel, MatmulTarget, Measured } from './report.ts';
import { checkProduct, randomFloats } from './samples.ts';

const MIB = 1024 * 1024;
/** Far more than caches hold, and half of what every device grants. */
const COPY_MIB = 128;
const REPEATS = 5;
/** What one submit should last, in milliseconds: long beside the clock's grain, short enough for a watchdog. */
const SUBMIT_MS = 60;
const MOST_DISPATCHES = 1000;
const TIMESTAMP_BYTES = 16;

/** Milliseconds of one piece of work by the wall clock and, where the device has one, by its own. */
interface Timing {
  readonly wallMs: number;
  readonly ms: number;
}

export function gpuTarget(
  adapter: GPUAdapter,
  device: GPUDevice,
  shaders: (file: string) => string,
): Omit<MatmulTarget, 'measurePeers'> {
  const { name, software } = describeAdapter(adapter.info);
  const timestamps = device.features.has('timestamp-query') ? createTimestamps(device) : undefined;

  /** Rejects with what the device reported about the work, if anything. */
  async function checked<T>(work: () => Promise<T>): Promise<T> {
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('validation');
    const outcome = await work().then(
      (value) => ({ value }),
      (thrown: unknown) => ({ thrown }),
    );
    const errors = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
    // What the device says explains whatever else was thrown.
    for (const error of errors) if (error !== null) throw new Error(error.message);
    if ('thrown' in outcome) throw outcome.thrown;
    return outcome.value;
  }

  /** One submit with so many pieces of work. */
  async function run(work: (pass: GPUComputePassEncoder) => void, times: number): Promise<Timing> {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass(
      timestamps === undefined ? {} : { timestampWrites: timestamps.writes },
    );
    for (let i = 0; i < times; i++) work(pass);
    pass.end();
    timestamps?.resolve(encoder);
    const commands = encoder.finish();
    const start = performance.now();
    device.queue.submit([commands]);
    await device.queue.onSubmittedWorkDone();
    const wallMs = (performance.now() - start) / times;
    const ms = (await timestamps?.readMs()) ?? 0;
    // Some adapters offer timestamps that stand still.
    return { wallMs, ms: ms > 0 ? ms / times : wallMs };
  }

  /** Medians over several submits, after one that compiles and one that tells how much work fits a submit. */
  async function time(work: (pass: GPUComputePassEncoder) => void): Promise<Timing> {
    await run(work, 1);
    const { wallMs } = await run(work, 2);
    const times = Math.max(1, Math.min(MOST_DISPATCHES, Math.round(SUBMIT_MS / Math.max(wallMs, 0.001))));
    const timings: Timing[] = [];
    for (let i = 0; i < REPEATS; i++) timings.push(await run(work, times));
    return { wallMs: median(timings.map((t) => t.wallMs)), ms: median(timings.map((t) => t.ms)) };
  }

  async function read(buffer: GPUBuffer): Promise<Float32Array<ArrayBuffer>> {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const staging = device.createBuffer({ size: buffer.size, usage });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const floats = new Float32Array(staging.getMappedRange().slice(0));
    staging.destroy();
    return floats;
  }

  function upload(label: string, data: Float32Array<ArrayBuffer>): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    // Kernels read vectors of four: the last one may not be cut off.
    const size = Math.ceil(data.byteLength / 16) * 16;
    const buffer = device.createBuffer({ label, size, usage });
    device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  }

  async function prepare(
    { shader, entryPoint, constants, buffers, uniform, workgroups }: MatmulDispatch,
    matrices: Readonly<Record<'a' | 'b' | 'c', GPUBuffer>>,
  ) {
    const pipeline = await device.createComputePipelineAsync({
      label: `${shader} ${entryPoint}`,
      layout: 'auto',
      compute: {
        module: device.createShaderModule({ label: shader, code: withoutKept(shaders(shader)) }),
        entryPoint,
        constants: { ...constants },
      },
    });
    const size = 256;
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const shape = device.createBuffer({ label: 'shape', size, usage });
    device.queue.writeBuffer(shape, 0, Uint32Array.from(uniform));
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [shape, ...buffers.map((role) => matrices[role])].map((buffer, binding) => ({
        binding,
        resource: { buffer },
      })),
    });
    return {
      free: () => shape.destroy(),
      encode: (pass: GPUComputePassEncoder): void => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(...workgroups);
      },
    };
  }

  return {
    adapter: name,
    software,
    timer: timestamps === undefined ? 'wall' : 'timestamp-query',

    measure: (size, transpose) =>
      checked(async () => {
        const [left, right] = [randomFloats(size * size, 1), randomFloats(size * size, 2)];
        const matrices = {
          a: upload('a', left),
          b: upload('b', right),
          c: upload('c', new Float32Array(size * size)),
        };
        const tilings: Record<string, number> = {};
        let best: Measured | undefined;
        for (const dispatch of matmulDispatches(size, transpose, device.limits)) {
          // A tiling that writes too little must not be taken for right by what the one before it wrote.
          device.queue.writeBuffer(matrices.c, 0, new Float32Array(size * size));
          const prepared = await prepare(dispatch, matrices);
          const timing = await time(prepared.encode);
          checkProduct(size, transpose, left, right, await read(matrices.c));
          prepared.free();
          tilings[dispatch.tiling] = timing.ms;
          if (best === undefined || timing.ms < best.ms)
            best = { size, transpose, kernel: dispatch.tiling, ...timing, tilings };
        }
        for (const buffer of Object.values(matrices)) buffer.destroy();
        if (best === undefined) throw new Error('The device can run none of the tilings.');
        return best;
      }),

    copyBandwidth: () =>
      checked(async (): Promise<Pick<CostModel, 'copyBytes' | 'copyGBps'>> => {
        const copyBytes = COPY_MIB * MIB;
        const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
        const [from, to] = [0, 1].map((label) =>
          device.createBuffer({ label: `copy ${label}`, size: copyBytes, usage }),
        );
        if (from === undefined || to === undefined) throw new RangeError('Expected two buffers.');
        const copy = async (times: number): Promise<number> => {
          const encoder = device.createCommandEncoder();
          for (let i = 0; i < times; i++) encoder.copyBufferToBuffer(from, 0, to, 0, copyBytes);
          const start = performance.now();
          device.queue.submit([encoder.finish()]);
          await device.queue.onSubmittedWorkDone();
          return (performance.now() - start) / times;
        };
        await copy(1);
        const times = Math.max(1, Math.min(50, Math.round(SUBMIT_MS / Math.max(await copy(1), 0.1))));
        const timings: number[] = [];
        for (let i = 0; i < REPEATS; i++) timings.push(await copy(times));
        from.destroy();
        to.destroy();
        return { copyBytes, copyGBps: (2 * copyBytes) / median(timings) / 1e6 };
      }),
  };
}

/** The GPU's clock at the beginning and the end of a pass. */
function createTimestamps(device: GPUDevice) {
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 });
  const resolved = device.createBuffer({
    label: 'timestamps',
    size: TIMESTAMP_BYTES,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const staging = device.createBuffer({
    label: 'timestamps to read',
    size: TIMESTAMP_BYTES,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  return {
    writes: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
    resolve(encoder: GPUCommandEncoder) {
      encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, TIMESTAMP_BYTES);
    },
    async readMs(): Promise<number> {
      await staging.mapAsync(GPUMapMode.READ);
      const [begin = 0n, end = 0n] = new BigInt64Array(staging.getMappedRange().slice(0));
      staging.unmap();
      // Nanoseconds.
      return Number(end - begin) / 1e6;
    },
  };
}
