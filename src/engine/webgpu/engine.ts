// The WebGPU engine: one rank's arithmetic in WGSL. State lives on the device; a contribution is one submit and one readback.

import { DIGEST_STREAMS, digestHex } from '../../collective/digest.ts';
import { fractionBits, powerOfTwo, SLICES_PER_MICRO_BATCH } from '../../collective/fixed-point.ts';
import { emptyLanes, laneLayout } from '../../collective/lanes.ts';
import type { Job } from '../../job/job.ts';
import { microBatchSize } from '../../job/sampler.ts';
import {
  EngineError,
  type ApplyRequest,
  type ContributionRequest,
  type Engine,
  type EngineDescription,
  type Evaluation,
  type ParameterTensor,
  type TrainingState,
} from '../../ports/engine.ts';
import type { StateHash } from '../../ports/ids.ts';
import { inputLength, type Loader, type Samples } from '../../ports/loader.ts';
import { nextExponents } from '../cpu/fixed-point.ts';
import { applyUpdate, nextPowers, updateConstants } from '../cpu/update.ts';
import type { EngineHooks } from '../hooks.ts';
import { fingerprintOf, type Probed } from '../probe.ts';
import {
  checkApply,
  checkContribution,
  checkLoader,
  graphOf,
  loadMicroBatches,
  floatInputs,
  loadRows,
  sliceRows,
} from '../requests.ts';
import { checkState, digestSmallParts, initialState } from '../state.ts';
import { createArena } from './arena.ts';
import { compileKernels } from './kernels.ts';
import { createPassPlan, type PassPlan } from './pass-plan.ts';
import { createProgram, uniformBytes, type Dispatch } from './program.ts';
import { encodeReadback, readWords } from './readback.ts';

/** Scratch memory for the passes of one submit is kept below this. */
const SCRATCH_BYTES = 64 * 1024 * 1024;
/** Elements that one workgroup quantises or updates. */
const BLOCK_ELEMENTS = 1024;
const F32_BIAS = 127;

export interface WebGpuEngineOptions {
  readonly device: GPUDevice;
  readonly job: Job;
  readonly loader: Loader;
  readonly description: EngineDescription;
  readonly hooks?: EngineHooks | undefined;
}

export interface WebGpuEngine extends Engine {
  readonly device: GPUDevice;
  /** Frees the scratch memory. The next contribution plans anew, with as much of it as there is then. */
  replan(): void;
}

/** The parts of the state that are small and stay on the CPU. */
type SmallState = Pick<TrainingState, 'step' | 'exponents' | 'powers'>;
type LongState = Pick<TrainingState, 'parameters' | 'firstMoments' | 'secondMoments'>;

/** u32[blocks, 4]: first element, length, tensor, padding. A block never spans two tensors. */
function blockTable(tensors: readonly ParameterTensor[]): Uint32Array<ArrayBuffer> {
  const blocks = tensors.flatMap((tensor, t) =>
    Array.from({ length: Math.ceil(tensor.length / BLOCK_ELEMENTS) }, (_, i) => {
      const first = i * BLOCK_ELEMENTS;
      return [tensor.offset + first, Math.min(BLOCK_ELEMENTS, tensor.length - first), t, 0];
    }),
  );
  return Uint32Array.from(blocks.flat());
}

/** [T, 4] words: the scales that go with the exponents, and the bits of an element that no longer fits. */
function scaleTable(exponents: Int32Array, bits: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(4 * exponents.length);
  const floats = new Float32Array(words.buffer);
  exponents.forEach((exponent, t) => {
    floats[4 * t] = powerOfTwo(bits - exponent);
    words[4 * t + 1] = exponent + F32_BIAS;
    floats[4 * t + 2] = powerOfTwo(exponent - bits);
  });
  return words;
}

/** Rejects with an `EngineError`: `out-of-memory` names the buffer, `validation` the kernel, `bad-state` what does not fit. */
export async function createWebGpuEngine(options: WebGpuEngineOptions): Promise<WebGpuEngine> {
  const { device, job, loader, description, hooks = {} } = options;
  const graph = graphOf(job);
  checkLoader(graph, loader);
  const { model, optimizer } = job;
  const served = model.kind === 'mlp' && model.activation === 'relu' && job.clipNorm === null;
  if (!served || optimizer.kind !== 'adamw') {
    throw new EngineError('unavailable', 'This model has no kernels yet: run the job on the CPU engine.');
  }
  const { parameters: tensors, parameterCount: count } = graph;
  const layout = laneLayout(count, tensors.length, job.microBatches);
  const bits = fractionBits(job.microBatches);
  const rows = microBatchSize(job);
  const rowsPerSlice = sliceRows(job);
  const features = inputLength(loader.format);
  const allSlices = job.microBatches * SLICES_PER_MICRO_BATCH;
  const sideBytes = 4 * (layout.agreement - layout.loss);
  const longBytes = 4 * count;

  const arena = createArena(device, hooks.createBuffer);
  /** Why the engine can compute no more. */
  let gone: EngineError | undefined;
  let destroyed = false;
  const lost = new Promise<EngineError>((settle) => {
    void device.lost.then(({ reason, message }) => {
      if (destroyed) return;
      gone = new EngineError(
        'device-lost',
        `The GPU device was lost (${reason}: ${message}). Open a new engine.`,
      );
      settle(gone);
    });
  });
  device.addEventListener('uncapturederror', ({ error }) => {
    gone ??= new EngineError('internal', `The GPU reported an error that no call expected: ${error.message}`);
  });

  const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const uniform = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  const blocks = blockTable(tensors);
  const blockCount = blocks.length / 4;
  const kernels = await compileKernels(device, { microBatches: job.microBatches, rowsPerSlice });
  const buffers = await arena.allocate({
    parameters: { bytes: longBytes, usage: storage },
    firstMoments: { bytes: longBytes, usage: storage },
    secondMoments: { bytes: longBytes, usage: storage },
    blocks: { bytes: blocks.byteLength, usage: storage },
    scales: { bytes: 16 * tensors.length, usage: storage },
    lanes: { bytes: longBytes, usage: storage },
    side: { bytes: sideBytes, usage: storage },
    samples: { bytes: 4 * allSlices * rowsPerSlice * features, usage: storage },
    sampleLabels: { bytes: 4 * allSlices * rowsPerSlice, usage: storage },
    digest: { bytes: 16, usage: storage },
    updateUniforms: { bytes: uniformBytes(1), usage: uniform },
    digestUniforms: { bytes: uniformBytes(3), usage: uniform },
    staging: {
      bytes: Math.max(3 * longBytes, longBytes + sideBytes),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    },
    evaluation: {
      bytes: 4 * loader.sizes.test + sideBytes,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    },
  });
  device.queue.writeBuffer(buffers.blocks, 0, blocks);

  const long = [buffers.parameters, buffers.firstMoments, buffers.secondMoments];
  const update = createProgram<readonly number[]>(device, kernels, buffers.updateUniforms, [
    {
      kernel: 'adamw',
      buffers: [buffers.blocks, buffers.scales, buffers.lanes, ...long],
      uniform: (constants) => constants.map((f32) => ({ f32 })),
      workgroups: () => [blockCount, 1, 1],
    },
  ]);
  const digest = createProgram<undefined>(
    device,
    kernels,
    buffers.digestUniforms,
    long.map((buffer, i): Dispatch<undefined> => {
      const stream = DIGEST_STREAMS.indexOf(
        (['parameters', 'firstMoments', 'secondMoments'] as const)[i] ?? 'parameters',
      );
      return {
        kernel: 'digest',
        buffers: [buffer, buffers.digest],
        uniform: () => [count, stream],
        workgroups: () => [Math.min(64, Math.ceil(count / 64)), 1, 1],
      };
    }),
  );
  digest.prepare(undefined);

  let small: SmallState = initialState(job);
  /** The long parts as the device has them, while the CPU holds a copy (portable updates do). */
  let mirror: LongState | undefined;
  let plan: PassPlan | undefined;

  const checkAlive = (): void => {
    if (gone !== undefined) throw gone;
  };

  /** Submits and awaits what the device says about memory; nothing else can tell that a dispatch could not run. */
  const submit = async (encoder: GPUCommandEncoder): Promise<void> => {
    device.pushErrorScope('out-of-memory');
    device.queue.submit([encoder.finish()]);
    const error = await device.popErrorScope();
    if (error !== null)
      throw new EngineError('out-of-memory', `The GPU ran out of memory in a pass: ${error.message}`);
  };

  /** A plan for at most `wanted` slices a pass, halved until its memory is granted. */
  const ensurePlan = async (wanted: number): Promise<PassPlan> => {
    if (plan !== undefined && plan.capacity <= wanted) return plan;
    replan();
    for (let slices = wanted; ; slices = Math.floor(slices / 2)) {
      try {
        plan = await createPassPlan(
          {
            device,
            arena,
            kernels,
            units: model.layers,
            tensors,
            globalBatch: job.globalBatch,
            microBatches: job.microBatches,
            rowsPerSlice,
            lanes: { ...buffers, blockCount },
          },
          slices,
        );
        return plan;
      } catch (error) {
        if (!(error instanceof EngineError) || error.fault !== 'out-of-memory' || slices === 1) throw error;
        hooks.onReplan?.({ slicesPerPass: Math.floor(slices / 2), reason: error.message });
      }
    }
  };

  const replan = (): void => {
    plan?.free();
    plan = undefined;
  };

  const roomiest = (): number => {
    const largest = Math.min(
      device.limits.maxStorageBufferBindingSize,
      device.limits.maxBufferSize,
      SCRATCH_BYTES,
    );
    return Math.max(1, Math.min(allSlices, Math.floor(largest / longBytes)));
  };

  /** Runs `work` with a plan; when the device runs out of memory in it, again with half the slices a pass. */
  const withPlan = async <Result>(work: (plan: PassPlan) => Promise<Result>): Promise<Result> => {
    let wanted = roomiest();
    for (;;) {
      const current = await ensurePlan(wanted);
      try {
        return await work(current);
      } catch (error) {
        const exhausted = error instanceof EngineError && error.fault === 'out-of-memory';
        if (!exhausted || current.capacity === 1) throw error;
        wanted = Math.floor(current.capacity / 2);
        hooks.onReplan?.({ slicesPerPass: wanted, reason: error.message });
      }
    }
  };

  /** Lays micro-batches out slice by slice; rows that only fill up a slice are zeros with label −1. */
  const layOut = (samples: Samples, microBatches: number): Samples => {
    if (rows === rowsPerSlice * SLICES_PER_MICRO_BATCH) return samples;
    const padded = rowsPerSlice * SLICES_PER_MICRO_BATCH;
    const numbers = floatInputs(samples.inputs);
    const inputs = new Float32Array(microBatches * padded * features);
    const labels = new Int32Array(microBatches * padded).fill(-1);
    for (let i = 0; i < microBatches; i++) {
      inputs.set(numbers.subarray(i * rows * features, (i + 1) * rows * features), i * padded * features);
      labels.set(samples.labels.subarray(i * rows, (i + 1) * rows), i * padded);
    }
    return { inputs, labels };
  };

  const contributeFrom = async (
    source: Loader,
    request: ContributionRequest,
  ): Promise<Int32Array<ArrayBuffer>> => {
    checkAlive();
    checkContribution(layout, small, request);
    const lanes = emptyLanes(layout);
    const microBatches = request.microBatches.length;
    if (microBatches === 0) return lanes;
    const samples = layOut(
      await loadMicroBatches(job, source, request.step, request.microBatches),
      microBatches,
    );
    checkAlive();
    device.queue.writeBuffer(buffers.samples, 0, samples.inputs);
    device.queue.writeBuffer(buffers.sampleLabels, 0, samples.labels);
    device.queue.writeBuffer(buffers.scales, 0, scaleTable(request.exponents ?? small.exponents, bits));

    const slices = microBatches * SLICES_PER_MICRO_BATCH;
    const words = await withPlan(async (plan) => {
      const encoder = device.createCommandEncoder();
      encoder.clearBuffer(buffers.lanes);
      encoder.clearBuffer(buffers.side);
      const rest = slices % plan.capacity;
      if (slices >= plan.capacity) plan.full.prepare({ slices: plan.capacity });
      if (rest > 0) plan.tail.prepare({ slices: rest });
      for (let first = 0; first < slices; first += plan.capacity) {
        const size = Math.min(plan.capacity, slices - first);
        const rowBytes = 4 * rowsPerSlice;
        const sampleBytes = rowBytes * features;
        encoder.copyBufferToBuffer(buffers.samples, first * sampleBytes, plan.inputs, 0, size * sampleBytes);
        encoder.copyBufferToBuffer(buffers.sampleLabels, first * rowBytes, plan.labels, 0, size * rowBytes);
        (size === plan.capacity ? plan.full : plan.tail).encode(encoder);
      }
      const segments = [
        { buffer: buffers.lanes, bytes: longBytes },
        { buffer: buffers.side, bytes: sideBytes },
      ];
      const bytes = encodeReadback(encoder, segments, buffers.staging);
      await submit(encoder);
      return readWords(buffers.staging, bytes);
    });
    lanes.set(words);
    lanes[layout.predictions] = microBatches * rows;
    for (const microBatch of request.microBatches) lanes[layout.counters + microBatch] = 1;
    return lanes;
  };

  const encodeDigest = (encoder: GPUCommandEncoder): number => {
    encoder.clearBuffer(buffers.digest);
    digest.encode(encoder);
    return encodeReadback(encoder, [{ buffer: buffers.digest, bytes: 16 }], buffers.staging);
  };

  /** Submits, and finishes the digest with the parts that the CPU keeps. */
  const submitDigest = async (encoder: GPUCommandEncoder): Promise<StateHash> => {
    const bytes = encodeDigest(encoder);
    await submit(encoder);
    const sums = await readWords(buffers.staging, bytes);
    digestSmallParts(sums, small);
    return digestHex(sums);
  };

  const download = async (): Promise<LongState> => {
    const encoder = device.createCommandEncoder();
    const segments = long.map((buffer) => ({ buffer, bytes: longBytes }));
    const bytes = encodeReadback(encoder, segments, buffers.staging);
    await submit(encoder);
    const { buffer } = await readWords(buffers.staging, bytes);
    return {
      parameters: new Float32Array(buffer, 0, count).slice(),
      firstMoments: new Float32Array(buffer, longBytes, count).slice(),
      secondMoments: new Float32Array(buffer, 2 * longBytes, count).slice(),
    };
  };

  const upload = (state: LongState): void => {
    device.queue.writeBuffer(buffers.parameters, 0, state.parameters);
    device.queue.writeBuffer(buffers.firstMoments, 0, state.firstMoments);
    device.queue.writeBuffer(buffers.secondMoments, 0, state.secondMoments);
  };

  const applyNative = async ({ reduced }: ApplyRequest, exponents: Int32Array): Promise<StateHash> => {
    const powers = nextPowers(job.optimizer, small.powers);
    const constants = updateConstants(job, small.step, powers);
    if (constants.kind !== 'adamw') throw new RangeError('The kernels are those of AdamW.');
    const { beta1, beta2, decay, stepSize, rootCorrection, epsilon } = constants;
    device.queue.writeBuffer(buffers.scales, 0, scaleTable(exponents, bits));
    device.queue.writeBuffer(buffers.lanes, 0, reduced.slice(0, count));
    update.prepare([beta1, beta2, 1 - beta1, 1 - beta2, decay, stepSize, rootCorrection, epsilon]);
    mirror = undefined;
    small = { step: small.step + 1, powers, exponents: nextExponents(layout, reduced) };
    const encoder = device.createCommandEncoder();
    update.encode(encoder);
    return submitDigest(encoder);
  };

  const applyPortable = async ({ reduced }: ApplyRequest, exponents: Int32Array): Promise<StateHash> => {
    mirror ??= await download();
    const state = applyUpdate(job, layout, tensors, { ...mirror, ...small }, reduced, exponents);
    small = { step: state.step, powers: state.powers, exponents: state.exponents };
    upload(mirror);
    return submitDigest(device.createCommandEncoder());
  };

  const importState = async (state: TrainingState): Promise<StateHash> => {
    checkAlive();
    checkState(job, state);
    small = { step: state.step, powers: state.powers.slice(), exponents: state.exponents.slice() };
    mirror = undefined;
    upload(state);
    return submitDigest(device.createCommandEncoder());
  };

  const evaluate = async (): Promise<Evaluation> => {
    checkAlive();
    const samples = loader.sizes.test;
    const words = await withPlan(async (plan) => {
      device.queue.writeBuffer(buffers.side, 0, new Uint8Array(sideBytes));
      const perPass = plan.capacity * rowsPerSlice;
      plan.forward.prepare({ slices: plan.capacity });
      for (let first = 0; first < samples; first += perPass) {
        const size = Math.min(perPass, samples - first);
        const wanted = Int32Array.from({ length: size }, (_, i) => first + i);
        const { inputs, labels } = await loadRows(loader, 'test', wanted);
        checkAlive();
        // Rows past the end hold what was there before; their labels keep them out of the sums.
        const marked = new Int32Array(perPass).fill(-1);
        marked.set(labels);
        device.queue.writeBuffer(plan.inputs, 0, inputs);
        device.queue.writeBuffer(plan.labels, 0, marked);
        const encoder = device.createCommandEncoder();
        plan.forward.encode(encoder);
        encoder.copyBufferToBuffer(plan.losses, 0, buffers.evaluation, 4 * first, 4 * size);
        await submit(encoder);
      }
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffers.side, 0, buffers.evaluation, 4 * samples, sideBytes);
      await submit(encoder);
      return readWords(buffers.evaluation, 4 * samples + sideBytes);
    });
    const losses = new Float32Array(words.buffer, 0, samples);
    const correct = words[samples + layout.correct - layout.loss] ?? 0;
    return { predictions: samples, correct, loss: losses.reduce((sum, loss) => sum + loss, 0) / samples };
  };

  const probed: Probed = {
    contributeFrom,

    async apply(request) {
      checkAlive();
      checkApply(layout, tensors, small, request);
      const exponents = request.exponents ?? small.exponents;
      switch (request.mode) {
        case 'native':
          return applyNative(request, exponents);
        case 'portable':
          return applyPortable(request, exponents);
      }
    },

    async exportState() {
      checkAlive();
      const state = mirror ?? (await download());
      return {
        step: small.step,
        exponents: small.exponents.slice(),
        powers: small.powers.slice(),
        parameters: state.parameters.slice(),
        firstMoments: state.firstMoments.slice(),
        secondMoments: state.secondMoments.slice(),
      };
    },

    importState,
  };

  const destroy = (): void => {
    destroyed = true;
    gone ??= new EngineError('bad-state', 'The engine was destroyed: open a new one.');
    plan = undefined;
    mirror = undefined;
    arena.freeAll();
    device.destroy();
  };

  try {
    await importState(initialState(job));
  } catch (error) {
    destroy();
    throw error;
  }

  return {
    ...probed,
    description,
    job,
    device,
    lost,
    contribute: (request) => contributeFrom(loader, request),
    reset: async () => importState(initialState(job)),

    async hash() {
      checkAlive();
      return submitDigest(device.createCommandEncoder());
    },

    evaluate,
    predict: () =>
      Promise.reject(new EngineError('unavailable', 'This engine does not predict; ask one on the CPU.')),
    fingerprint: () => fingerprintOf(job, probed),
    memory: () => arena.memory(),
    replan,
    destroy,
  };
}
