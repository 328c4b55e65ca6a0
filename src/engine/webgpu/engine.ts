// The WebGPU engine: one rank's arithmetic in WGSL. State lives on the device; a contribution is one submit and one readback.

import { digestHex } from '../../collective/digest.ts';
import type { Bucket } from '../../collective/buckets.ts';
import { emptyLanes } from '../../collective/lanes.ts';
import { roundingKey } from '../../collective/stochastic-rounding.ts';
import type { Job } from '../../job/job.ts';
import { optimizerMemory } from '../../job/optimizer-schema.ts';
import { microBatchSize } from '../../job/sampler.ts';
import {
  EngineError,
  type ApplyRequest,
  type ContributionRequest,
  type DeliverBucket,
  type Engine,
  type EngineDescription,
  type Evaluation,
  type Preflight,
  type PredictRequest,
  type TrainingState,
} from '../../ports/engine.ts';
import type { StateHash } from '../../ports/ids.ts';
import { LEFT_OUT, type Loader } from '../../ports/loader.ts';
import { nextExponents } from '../cpu/fixed-point.ts';
import { globalNorm, normOf } from '../cpu/clip.ts';
import { applyUpdate, clipFactor, nextPowers, updateConstants } from '../cpu/update.ts';
import { bucketMakers } from '../graph/bucket-makers.ts';
import { jobLayout } from '../graph/job-layout.ts';
import type { PassSize } from '../layers/layer.ts';
import type { EngineHooks } from '../hooks.ts';
import { fingerprintOf, type Probed } from '../probe.ts';
import {
  badSampleCode,
  checkApply,
  checkContribution,
  checkLoader,
  checkPrediction,
  countedPredictions,
  expectNext,
  graphOf,
  joinQuarantine,
  loadMicroBatches,
  loadRows,
  sliceRows,
  slicesOf,
} from '../requests.ts';
import { checkState, digestSmallParts, initialState } from '../state.ts';

import { createArena } from './arena.ts';
import { createDeviceState, STATE_DISPATCHES, type LongState, type SmallState } from './device-state.ts';
import type { MatmulCall } from '../graph/matmul-call.ts';
import { checkPinned } from './matmul/choose.ts';
import { lowerMatmul } from './matmul/lower.ts';
import { createPasses, roomiest } from './passes.ts';
import { stepCost, type StepCost } from './plan/cost.ts';
import { checkBufferLimit } from './limits.ts';
import { preflight } from './preflight.ts';
import { profileProgram, type Profile } from './profile.ts';
import { createPipelines, type ShaderText } from './pipelines.ts';
import { lower } from './plan/lower.ts';
import type { PassPlan } from './plan/pass-plan.ts';
import { uniformBytes } from './program.ts';
import { createReadback, type Segment } from './readback.ts';
import { createSnapshots } from './snapshots.ts';
import { layOutSlices } from './slices.ts';
import { superviseDevice } from './supervisor.ts';
import { blockRanges, blockTable, scaleTable, tensorSquares } from './tables.ts';
import { updateKernel, updateUniform } from './update.ts';

/** Memory for one pass is kept below this, unless the owner says otherwise. */
const PASS_BYTES = 512 * 1024 * 1024;
/** Readbacks that may be under way at a time: a state's three long parts. */
const STAGING = ['staging 0', 'staging 1', 'staging 2'] as const;

export interface WebGpuEngineOptions {
  readonly device: GPUDevice;
  readonly shaders: ShaderText;
  readonly job: Job;
  /** Kernels are compiled while it comes. */
  readonly loader: Loader | Promise<Loader>;
  readonly description: EngineDescription;
  readonly hooks?: EngineHooks | undefined;
  /** Bytes that one pass may take. */
  readonly passBytes?: number | undefined;
}

export interface WebGpuEngine extends Engine {
  readonly device: GPUDevice;
  /** Frees the memory of passes. The next contribution plans anew, with as much of it as there is then. */
  readonly replan: () => void;
  readonly preflight: Preflight;
  /** What a step of so many micro-batches costs on paper, in the passes that it would have now. */
  cost(microBatches: number): StepCost;
  /** Times of the kernels of one whole pass over the samples that the last contribution left there, and what it costs on paper. */
  profile(now: () => number): Promise<Profile & { readonly costs: StepCost }>;
}

/** The gradient of a rank alone, as it lies in the lanes. */
interface LeftGradient {
  readonly step: number;
  /** What shaders/squares.wgsl made of it; empty where the job does not clip. */
  readonly squares: Uint32Array;
}

/** Rejects with an `EngineError`: `out-of-memory` names the buffer, `validation` the kernel, `bad-state` what does not fit. */
export async function createWebGpuEngine(options: WebGpuEngineOptions): Promise<WebGpuEngine> {
  const { device, job, description, hooks = {} } = options;
  const graph = graphOf(job);
  const tensors = graph.parameters;
  const count = graph.parameterCount;
  const layout = jobLayout(job, graph);
  const bits = layout.fraction;
  const samples = microBatchSize(job);
  const samplesPerSlice = sliceRows(job);
  const slicesEach = slicesOf(samples, samplesPerSlice);
  const allSlices = job.microBatches * slicesEach;
  const sideBytes = 4 * (layout.agreement - layout.loss);
  const longBytes = 4 * count;
  /** Room for a contribution, and for the losses of at least one slice. */
  const lossBytes = 4 * samplesPerSlice * graph.positions;
  const blocks = blockTable(tensors);
  const squaresBytes = job.clipNorm === null ? 0 : blocks.byteLength;
  const stagingBytes = sideBytes + Math.max(longBytes, lossBytes, squaresBytes);
  const evaluationSlices = Math.floor((stagingBytes - sideBytes) / lossBytes);
  const budget = options.passBytes ?? PASS_BYTES;
  const { moments } = optimizerMemory(job.optimizer);

  const supervisor = superviseDevice(device);
  const arena = createArena(device, hooks.createBuffer);
  const pipelines = createPipelines(device, options.shaders);

  const destroy = (): void => {
    supervisor.retire();
    arena.freeAll();
    device.destroy();
  };

  const prepare = async () => {
    checkPinned(job.kernels.matmul, device.limits);
    checkBufferLimit(device.limits, 'parameters', longBytes);
    const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const mapped = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const lowerInput = {
      graph,
      globalBatch: job.globalBatch,
      microBatches: job.microBatches,
      blocks: blockRanges(blocks, layout.buckets),
      makers: bucketMakers(graph, layout.buckets),
      largest: job.wire.format === 'narrow' ? 2 ** layout.fraction - 1 : 0,
      lowerMatmul: (call: MatmulCall, perSlice: number) =>
        lowerMatmul(call, { samplesPerSlice: perSlice, table: job.kernels.matmul }),
    };
    const lowered = lower({ ...lowerInput, samplesPerSlice });
    // What takes longest on some devices, before anything is waited for. Whoever needs a kernel hears what is wrong with it.
    const kernels = [...lowered.forward, ...lowered.backward].map(({ kernel }) => kernel);
    pipelines.compile(kernels).catch(() => undefined);
    const loader = await options.loader;
    checkLoader(graph, loader);
    const estimate = preflight({
      ...lowerInput,
      job,
      limits: device.limits,
      samplesPerSlice,
      /** State, lanes, the copy that a checkpoint is read from, and what buckets are read back through. */
      stateBytes: (4 + 2 * moments) * longBytes + sideBytes + STAGING.length * stagingBytes,
      slices: roomiest({ lowered, samplesPerSlice, device }, allSlices, budget),
    });
    const staging = { bytes: stagingBytes, usage: mapped };
    const buffers = await arena.allocate({
      parameters: { bytes: longBytes, usage: storage },
      firstMoments: { bytes: longBytes, usage: storage },
      secondMoments: { bytes: moments === 2 ? longBytes : 0, usage: storage },
      blocks: { bytes: blocks.byteLength, usage: storage },
      scales: { bytes: 16 * tensors.length, usage: storage },
      lanes: { bytes: longBytes, usage: storage },
      side: { bytes: sideBytes, usage: storage },
      digest: { bytes: 16, usage: storage },
      squares: { bytes: squaresBytes, usage: storage },
      stateUniforms: {
        bytes: uniformBytes(STATE_DISPATCHES),
        usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
      },
      [STAGING[0]]: staging,
      [STAGING[1]]: staging,
      [STAGING[2]]: staging,
    });
    const bucketStaging = await arena.allocate(
      Object.fromEntries(
        layout.buckets.map(({ start, end }, i) => {
          const gradient = Math.max(0, Math.min(end, count) - start);
          const side = end > count ? sideBytes : 0;
          return [`bucket ${i}`, { bytes: 4 * gradient + side, usage: mapped }];
        }),
      ),
    );
    device.queue.writeBuffer(buffers.blocks, 0, blocks);
    return {
      loader,
      buffers,
      estimate,
      lowered,
      readback: createReadback(STAGING.map((name) => buffers[name])),
      bucketReadbacks: Object.values(bucketStaging).map((buffer) => createReadback([buffer])),
      state: await createDeviceState(
        device,
        pipelines,
        buffers,
        { count, blocks: blocks.length / 4, moments },
        updateKernel(job.optimizer, moments),
      ),
      passes: createPasses({
        device,
        arena,
        pipelines,
        lowered,
        samplesPerSlice,
        buffers,
        slices: allSlices,
        budget,
        onReplan: hooks.onReplan,
      }),
    };
  };
  type Prepared = Awaited<ReturnType<typeof prepare>>;

  /** Submits what `encode` encodes, and resolves with what it wants read back. */
  const submit = <Words>(
    what: string,
    encode: (encoder: GPUCommandEncoder) => () => Promise<Words>,
  ): Promise<Words> =>
    supervisor.watch(what, () => {
      const encoder = device.createCommandEncoder({ label: what });
      const fetch = encode(encoder);
      device.queue.submit([encoder.finish()]);
      return fetch();
    });

  const engineOf = ({
    loader,
    buffers,
    readback,
    bucketReadbacks,
    state,
    passes,
    estimate,
    lowered,
  }: Prepared): WebGpuEngine => {
    let small: SmallState = initialState(job);
    const snapshots = createSnapshots(device, arena, state.segments);
    /** The long parts as the device has them, while the CPU holds a copy (portable updates do). */
    let mirror: LongState | undefined;
    const lanesSegment: Segment = { buffer: buffers.lanes, bytes: longBytes };
    const sideSegment: Segment = { buffer: buffers.side, bytes: sideBytes };
    /** What a rank alone has contributed and left on the device, until it is applied or overwritten. */
    let left: LeftGradient | undefined;
    const clear = (encoder: GPUCommandEncoder): void => {
      encoder.clearBuffer(buffers.lanes);
      encoder.clearBuffer(buffers.side);
    };
    const sizeOf = (slices: number): PassSize => ({ slices, samples: slices * samplesPerSlice });

    /** What a rank alone reads back. */
    const leftSegments = (encoder: GPUCommandEncoder): readonly Segment[] =>
      job.clipNorm === null ? [sideSegment] : [sideSegment, state.encodeSquares(encoder)];

    /** What of the lanes and the side lanes a bucket holds. */
    const segmentsOf = ({ start, end }: Bucket): readonly Segment[] => [
      ...(start < count
        ? [{ buffer: buffers.lanes, offset: 4 * start, bytes: 4 * (Math.min(end, count) - start) }]
        : []),
      ...(end > count ? [sideSegment] : []),
    ];

    /** A bucket as it is delivered: what was read back, which are its last lanes, and what the device does not count. */
    const bucketLanes = (
      { start, end }: Bucket,
      words: Int32Array,
      microBatches: readonly number[],
      { predictions, badSample }: { readonly predictions: number; readonly badSample: number },
    ): Int32Array<ArrayBuffer> => {
      const lanes = emptyLanes(layout).slice(start, end);
      lanes.set(words, Math.min(end, layout.agreement) - start - words.length);
      if (end < layout.length) return lanes;
      lanes[layout.predictions - start] = predictions;
      lanes[layout.badSample - start] = badSample;
      for (const microBatch of microBatches) lanes[layout.counters - start + microBatch] = 1;
      return lanes;
    };

    const contributeInBuckets = async (
      source: Loader,
      request: ContributionRequest,
      deliver: DeliverBucket,
    ): Promise<void> => {
      supervisor.checkAlive();
      checkContribution(layout, small, request);
      left = undefined;
      const microBatches = request.microBatches.length;
      if (microBatches === 0) {
        layout.buckets.forEach(({ start, end }, i) => {
          deliver(i, emptyLanes(layout).slice(start, end));
        });
        return;
      }
      const { quarantine } = small;
      const loaded = await loadMicroBatches(job, source, request, quarantine);
      const counted = {
        predictions: countedPredictions(loaded.labels),
        badSample: badSampleCode(job, loaded.bad, quarantine, request.quarantined),
      };
      supervisor.checkAlive();
      const inputs = layOutSlices(loaded.inputs, microBatches, samples, samplesPerSlice, 0);
      const labels = layOutSlices(loaded.labels, microBatches, samples, samplesPerSlice, LEFT_OUT);
      const slices = microBatches * slicesEach;
      const inputWords = inputs.length / slices;
      const labelWords = labels.length / slices;
      const numbers = Uint32Array.from(
        { length: slices },
        (_, slice) => request.microBatches[Math.floor(slice / slicesEach)] ?? 0,
      );
      const keys = Uint32Array.from(
        [...numbers].flatMap((microBatch, slice) =>
          roundingKey(job.seed, request.step, microBatch, slice % slicesEach),
        ),
      );
      let delivered = 0;

      /** Encodes everything with this plan; resolves with the buckets, each once the device has nothing to say against it. */
      const submitPasses = (plan: PassPlan): readonly Promise<Int32Array<ArrayBuffer>>[] => {
        device.queue.writeBuffer(buffers.scales, 0, scaleTable(request.exponents ?? small.exponents, bits));
        const rest = slices % plan.capacity;
        if (slices >= plan.capacity) plan.full.prepare(sizeOf(plan.capacity));
        if (rest > 0) plan.tail.prepare(sizeOf(rest));
        const write = (first: number, end: number): void => {
          device.queue.writeBuffer(plan.inputs, 0, inputs.subarray(first * inputWords, end * inputWords));
          device.queue.writeBuffer(plan.labels, 0, labels.subarray(first * labelWords, end * labelWords));
          device.queue.writeBuffer(plan.microBatches, 0, numbers.subarray(first, end));
          device.queue.writeBuffer(plan.keys, 0, keys.subarray(2 * first, 2 * end));
        };
        const last = slices - (rest > 0 ? rest : plan.capacity);
        for (let first = 0; first < last; first += plan.capacity) {
          const end = first + plan.capacity;
          write(first, end);
          const encoder = device.createCommandEncoder({ label: `slices ${first} to ${end - 1}` });
          if (first === 0) clear(encoder);
          plan.full.encode(encoder);
          device.queue.submit([encoder.finish()]);
        }
        write(last, slices);
        const program = rest > 0 ? plan.tail : plan.full;
        if (request.alone === true) {
          const encoder = device.createCommandEncoder({ label: `slices ${last} to ${slices - 1}` });
          if (last === 0) clear(encoder);
          program.encode(encoder);
          const fetch = readback.encode(encoder, leftSegments(encoder));
          device.queue.submit([encoder.finish()]);
          return [fetch()];
        }
        return layout.buckets.map((bucket, i) => {
          // A submit of its own, so that its lanes come back while the device computes the next bucket.
          const encoder = device.createCommandEncoder({
            label: `slices ${last} to ${slices - 1}, bucket ${i}`,
          });
          if (i === 0 && last === 0) clear(encoder);
          program.encode(encoder, lowered.bucketEnds[i - 1] ?? 0, lowered.bucketEnds[i]);
          const fetch = bucketReadbacks[i]?.encode(encoder, segmentsOf(bucket));
          device.queue.submit([encoder.finish()]);
          if (fetch === undefined) throw new RangeError('A bucket has a staging buffer.');
          return fetch();
        });
      };

      await passes.run(async (plan) => {
        let fetched: readonly Promise<Int32Array<ArrayBuffer>>[] = [];
        try {
          await supervisor.watch('a training pass', () => {
            fetched = submitPasses(plan);
            for (const bucket of fetched) bucket.catch(() => undefined);
            // While the device computes.
            expectNext(job, source, request, quarantine);
            return Promise.resolve();
          });
          if (request.alone === true) {
            const words = await supervisor.orLost(fetched[0] ?? Promise.resolve(new Int32Array(0)));
            left = { step: request.step, squares: new Uint32Array(words.buffer, sideBytes) };
            const side = words.subarray(0, sideBytes / 4);
            for (const [i, bucket] of layout.buckets.entries()) {
              const own = bucket.end > count ? side : side.subarray(0, 0);
              deliver(i, bucketLanes(bucket, own, request.microBatches, counted));
            }
            return;
          }
          for (const [i, bucket] of layout.buckets.entries()) {
            const words = await supervisor.orLost(fetched[i] ?? Promise.resolve(new Int32Array(0)));
            // A pass that was tried again with smaller ones makes the same buckets.
            if (i < delivered) continue;
            delivered = i + 1;
            deliver(i, bucketLanes(bucket, words, request.microBatches, counted));
          }
        } finally {
          await Promise.allSettled(fetched);
        }
      });
    };

    const contributeFrom = async (
      source: Loader,
      request: ContributionRequest,
    ): Promise<Int32Array<ArrayBuffer>> => {
      const lanes = emptyLanes(layout);
      await contributeInBuckets(source, request, (bucket, part) => {
        lanes.set(part, layout.buckets[bucket]?.start ?? 0);
      });
      return lanes;
    };

    /** Submits, and finishes the digest with the parts that the CPU keeps. */
    const submitDigest = async (encode?: (encoder: GPUCommandEncoder) => void): Promise<StateHash> => {
      const sums = await submit('a digest', (encoder) => {
        encode?.(encoder);
        return readback.encode(encoder, [state.encodeDigest(encoder)]);
      });
      digestSmallParts(sums, small);
      return digestHex(sums);
    };

    const download = async (): Promise<LongState> =>
      state.longState(
        await submit('the export of a state', (encoder) => {
          const fetches = state.segments.map((segment: Segment) => readback.encode(encoder, [segment]));
          return () => Promise.all(fetches.map((fetch) => fetch()));
        }),
      );

    const applyNative = async (
      { reduced, quarantined }: ApplyRequest,
      exponents: Int32Array,
      own: LeftGradient | undefined,
    ): Promise<StateHash> => {
      const powers = nextPowers(job.optimizer, small.powers);
      device.queue.writeBuffer(buffers.scales, 0, scaleTable(exponents, bits));
      if (own === undefined) device.queue.writeBuffer(buffers.lanes, 0, reduced, 0, count);
      const clip = clipFactor(job.clipNorm, () =>
        own === undefined
          ? globalNorm(layout, tensors, reduced, exponents)
          : normOf(layout, exponents, tensorSquares(tensors, own.squares)),
      );
      state.update.prepare(updateUniform(updateConstants(job, small.step, powers), clip));
      mirror = undefined;
      small = {
        step: small.step + 1,
        powers,
        exponents: nextExponents(layout, small, reduced),
        quarantine: joinQuarantine(small.quarantine, quarantined),
      };
      return submitDigest((encoder) => state.update.encode(encoder));
    };

    const applyPortable = async (
      { reduced, quarantined }: ApplyRequest,
      exponents: Int32Array,
      own: LeftGradient | undefined,
    ): Promise<StateHash> => {
      mirror ??= await download();
      let sum = reduced;
      if (own !== undefined) {
        sum = reduced.slice();
        sum.set(await submit('a gradient', (encoder) => readback.encode(encoder, [lanesSegment])));
      }
      const next = applyUpdate(job, layout, tensors, { ...mirror, ...small }, sum, exponents);
      small = {
        step: next.step,
        powers: next.powers,
        exponents: next.exponents,
        quarantine: joinQuarantine(next.quarantine, quarantined),
      };
      state.upload(mirror);
      return submitDigest();
    };

    const importState = async (imported: TrainingState): Promise<StateHash> => {
      supervisor.checkAlive();
      checkState(job, imported);
      left = undefined;
      small = copySmall(imported);
      mirror = undefined;
      state.upload(imported);
      return submitDigest();
    };

    const evaluate = async (): Promise<Evaluation> => {
      supervisor.checkAlive();
      const held = loader.sizes.test;
      return passes.run(async (plan) => {
        const slices = Math.min(plan.capacity, evaluationSlices, Math.ceil(held / samplesPerSlice));
        const perPass = slices * samplesPerSlice;
        plan.forward.prepare(sizeOf(slices));
        let loss = 0;
        let correct = 0;
        const add = async (words: Promise<Int32Array<ArrayBuffer>>): Promise<void> => {
          const read = await words;
          const losses = new Float32Array(read.buffer, 0, perPass * graph.positions);
          for (const rowLoss of losses) loss += rowLoss;
          correct += read[losses.length + layout.correct - layout.loss] ?? 0;
        };
        /** The pass before, whose losses come back while this one is loaded and encoded. */
        let before: Promise<Int32Array<ArrayBuffer>> | undefined;
        for (let first = 0; first < held; first += perPass) {
          const size = Math.min(perPass, held - first);
          const wanted = Int32Array.from({ length: size }, (_, i) => first + i);
          const { inputs, labels } = await loadRows(loader, 'test', wanted);
          supervisor.checkAlive();
          // Rows past the end hold what was there before; their labels keep them out of the sums.
          const marked = new Int32Array(perPass * graph.positions).fill(-1);
          marked.set(labels);
          const words = submit('an evaluation pass', (encoder) => {
            device.queue.writeBuffer(plan.inputs, 0, inputs);
            device.queue.writeBuffer(plan.labels, 0, marked);
            encoder.clearBuffer(buffers.side);
            plan.forward.encode(encoder);
            const bytes = 4 * perPass * graph.positions;
            return readback.encode(encoder, [{ buffer: plan.losses, bytes }, sideSegment]);
          });
          words.catch(() => undefined);
          if (before !== undefined) await add(before);
          before = words;
        }
        if (before !== undefined) await add(before);
        const predictions = held * graph.positions;
        return { predictions, correct, loss: loss / predictions };
      });
    };

    const predict = async (request: PredictRequest): Promise<Float32Array<ArrayBuffer>> => {
      supervisor.checkAlive();
      const asked = checkPrediction(loader.format, request);
      const { classes, positions } = graph;
      const rowBytes = 4 * classes;
      const width = request.inputs.length / asked;
      return passes.run(async (plan) => {
        const logits = new Float32Array(asked * classes);
        const slices = Math.min(plan.capacity, Math.ceil(asked / samplesPerSlice));
        const perPass = Math.min(slices * samplesPerSlice, Math.floor(stagingBytes / rowBytes));
        plan.forward.prepare(sizeOf(slices));
        for (let first = 0; first < asked; first += perPass) {
          const end = Math.min(first + perPass, asked);
          const words = await submit('a prediction', (encoder) => {
            device.queue.writeBuffer(plan.inputs, 0, request.inputs.subarray(first * width, end * width));
            plan.forward.encode(encoder);
            const rows = Array.from({ length: end - first }, (_, i) => ({
              buffer: plan.logits,
              offset: (i * positions + request.position) * rowBytes,
              bytes: rowBytes,
            }));
            return readback.encode(encoder, rows);
          });
          logits.set(new Float32Array(words.buffer), first * classes);
        }
        return logits;
      });
    };

    const probed: Probed = {
      contributeFrom,

      async apply(request) {
        supervisor.checkAlive();
        checkApply(layout, tensors, small, request);
        const exponents = request.exponents ?? small.exponents;
        const own = left;
        left = undefined;
        if (request.alone === true && own?.step !== request.step) {
          throw new EngineError(
            'bad-state',
            `The gradient of step ${request.step} is not on the device: contribute to it as a rank alone first.`,
          );
        }
        const kept = request.alone === true ? own : undefined;
        switch (request.mode) {
          case 'native':
            return applyNative(request, exponents, kept);
          case 'portable':
            return applyPortable(request, exponents, kept);
        }
      },

      async exportState() {
        supervisor.checkAlive();
        const long = mirror ?? (await download());
        return { ...copySmall(small), ...mirrorCopy(long) };
      },

      importState,
    };

    return {
      ...probed,
      description,
      job,
      samples: loader.sizes,
      device,
      lost: supervisor.lost,
      contribute: (request) => contributeFrom(loader, request),
      contributeInBuckets: (request, deliver) => contributeInBuckets(loader, request, deliver),
      reset: async () => importState(initialState(job)),

      async hash() {
        supervisor.checkAlive();
        return submitDigest();
      },

      async snapshot() {
        supervisor.checkAlive();
        const kept = copySmall(small);
        if (mirror !== undefined) {
          const long = mirrorCopy(mirror);
          return { read: async () => ({ ...kept, ...long }) };
        }
        await snapshots.prepare();
        const fetch = await supervisor.watch('a snapshot', async () => snapshots.take());
        return { read: async () => ({ ...kept, ...state.longState(await fetch()) }) };
      },

      evaluate,
      predict,
      fingerprint: () => fingerprintOf(job, probed),
      memory: () => arena.memory(),
      preflight: estimate,
      replan: passes.replan,

      cost(microBatches) {
        const slices = microBatches * slicesEach;
        const { slicesPerPass } = estimate;
        const whole = Array.from({ length: Math.floor(slices / slicesPerPass) }, () => sizeOf(slicesPerPass));
        const rest = slices % slicesPerPass;
        return stepCost(lowered, rest === 0 ? whole : [...whole, sizeOf(rest)]);
      },

      profile: (now) =>
        passes.run(async (plan) => {
          const size = sizeOf(plan.capacity);
          plan.full.prepare(size);
          const profile = await profileProgram(device, arena, plan.full, now);
          return { ...profile, costs: stepCost(lowered, [size]) };
        }),
      destroy,
    };
  };

  try {
    const engine = engineOf(await prepare());
    await engine.reset();
    return engine;
  } catch (error) {
    destroy();
    throw error;
  }
}

const copySmall = ({ step, exponents, powers, quarantine }: SmallState): SmallState => ({
  step,
  exponents: exponents.slice(),
  powers: powers.slice(),
  quarantine: quarantine.slice(),
});

const mirrorCopy = ({ parameters, firstMoments, secondMoments }: LongState): LongState => ({
  parameters: parameters.slice(),
  firstMoments: firstMoments.slice(),
  secondMoments: secondMoments.slice(),
});
