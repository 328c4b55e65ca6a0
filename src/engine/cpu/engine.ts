// The CPU engine: the oracle that other engines are held against, and the fallback where there is no WebGPU.
//
// It computes in portable arithmetic throughout, so `native` and `portable` updates are the same, and so are two machines.

import { SLICES_PER_MICRO_BATCH } from '../../collective/fixed-point.ts';
import { emptyLanes, laneLayout } from '../../collective/lanes.ts';
import type { Job } from '../../job/job.ts';
import { parameterCount, parameterTensors } from '../../job/model.ts';
import { microBatchSize } from '../../job/sampler.ts';
import { EngineError, type ContributionRequest, type Engine, type Evaluation } from '../../ports/engine.ts';
import { inputLength, type Loader } from '../../ports/loader.ts';
import type { EngineHooks } from '../hooks.ts';
import { fingerprintOf, type Probed } from '../probe.ts';
import {
  checkApply,
  checkContribution,
  checkLoader,
  checkPrediction,
  floatInputs,
  loadMicroBatches,
  loadRows,
  sliceRows,
} from '../requests.ts';
import { checkState, copyState, initialState, stateHash } from '../state.ts';
import { applyAdamW } from './adamw.ts';
import { accumulateGradient, accumulateLosses } from './fixed-point.ts';
import { createNetwork } from './network.ts';

/** Held-out rows evaluated in one go. */
const EVALUATION_ROWS = 256;
/** Floating-point operations between two turns for other tasks: some 50 ms of work. */
const TURN_FLOPS = 1e8;

export interface CpuEngineOptions {
  readonly job: Job;
  readonly loader: Loader;
  /** Why this engine runs and not another, in one sentence. */
  readonly reason: string;
  readonly hooks?: EngineHooks | undefined;
}

/** Throws an `EngineError` when the data does not fit the job's model. */
export function createCpuEngine({ job, loader, reason, hooks = {} }: CpuEngineOptions): Engine {
  checkLoader(job, loader);
  const tensors = parameterTensors(job.model);
  const layout = laneLayout(parameterCount(job.model), tensors.length, job.microBatches);
  const rows = microBatchSize(job);
  const perSlice = sliceRows(job);
  let sinceTurn = 0;
  /** Counts the work of forward (one pass) or forward and backward (three) over so many rows, and gives way when it is time. */
  const worked = async (rows: number, passes: 1 | 3): Promise<void> => {
    sinceTurn += 2 * passes * rows * layout.gradient;
    if (sinceTurn < TURN_FLOPS) return;
    sinceTurn = 0;
    await hooks.giveWay?.();
  };

  const allocate = () => ({
    state: initialState(job),
    gradient: new Float32Array(layout.gradient),
    network: createNetwork(job.model, Math.max(rows, EVALUATION_ROWS)),
  });
  /** Undefined once the engine is destroyed. */
  let memory: ReturnType<typeof allocate> | undefined = allocate();

  const live = () => {
    if (memory !== undefined) return memory;
    throw new EngineError('bad-state', 'The engine was destroyed: open a new one.');
  };

  const contributeFrom = async (source: Loader, request: ContributionRequest) => {
    checkContribution(layout, live().state, request);
    const lanes = emptyLanes(layout);
    if (request.microBatches.length === 0) return lanes;
    const samples = await loadMicroBatches(job, source, request.step, request.microBatches);
    const all = floatInputs(samples.inputs);
    const features = inputLength(source.format);
    const { state, gradient, network } = live();
    const exponents = request.exponents ?? state.exponents;
    for (const [i, microBatch] of request.microBatches.entries()) {
      const inputs = all.subarray(i * rows * features, (i + 1) * rows * features);
      const labels = samples.labels.subarray(i * rows, (i + 1) * rows);
      lanes[layout.correct]! += network.run(rows, state.parameters, inputs, labels, job.globalBatch);
      accumulateLosses(layout, job.globalBatch, network.losses, rows, lanes);
      for (let slice = 0; slice < SLICES_PER_MICRO_BATCH; slice++) {
        const first = Math.min(rows, slice * perSlice);
        const count = Math.min(rows - first, perSlice);
        if (count === 0) continue;
        network.gradient(first, count, inputs, gradient);
        accumulateGradient(layout, tensors, exponents, gradient, lanes);
      }
      lanes[layout.samples]! += rows;
      lanes[layout.counters + microBatch] = 1;
      await worked(rows, 3);
    }
    return lanes;
  };

  const evaluate = async (): Promise<Evaluation> => {
    const samples = loader.sizes.test;
    let correct = 0;
    let loss = 0;
    for (let first = 0; first < samples; first += EVALUATION_ROWS) {
      const count = Math.min(EVALUATION_ROWS, samples - first);
      const { inputs, labels } = await loadRows(
        loader,
        'test',
        Int32Array.from({ length: count }, (_, i) => first + i),
      );
      const { state, network } = live();
      correct += network.guess(count, state.parameters, floatInputs(inputs), labels);
      for (let row = 0; row < count; row++) loss += network.losses[row]!;
      await worked(count, 1);
    }
    return { samples, correct, loss: loss / samples };
  };

  const probed: Probed = {
    contributeFrom,

    async apply(request) {
      const memory = live();
      checkApply(layout, memory.state, request);
      const exponents = request.exponents ?? memory.state.exponents;
      memory.state = applyAdamW(job.optimizer, layout, tensors, memory.state, request.reduced, exponents);
      return stateHash(memory.state);
    },

    exportState: async () => copyState(live().state),

    async importState(state) {
      checkState(job, state);
      live().state = copyState(state);
      return stateHash(state);
    },
  };

  return {
    ...probed,
    description: { kind: 'cpu', adapter: 'TypeScript on the CPU', software: true, reason },
    job,
    lost: new Promise<EngineError>(() => undefined),
    contribute: (request) => contributeFrom(loader, request),

    async reset() {
      live().state = initialState(job);
      return stateHash(live().state);
    },

    hash: async () => stateHash(live().state),
    evaluate,

    async predict(request) {
      const { classes } = loader.format;
      const count = checkPrediction(loader.format, request);
      const inputs = floatInputs(request.inputs);
      const width = inputLength(loader.format);
      const { state, network } = live();
      const logits = new Float32Array(count * classes);
      for (let first = 0; first < count; first += EVALUATION_ROWS) {
        const rows = Math.min(EVALUATION_ROWS, count - first);
        const part = inputs.subarray(first * width, (first + rows) * width);
        logits.set(network.logits(rows, state.parameters, part), first * classes);
      }
      return logits;
    },

    fingerprint: () => fingerprintOf(job, probed),
    memory() {
      if (memory === undefined) return { buffers: 0, bytes: 0 };
      const { state, gradient, network } = memory;
      const long = [state.parameters, state.firstMoments, state.secondMoments, gradient];
      const bytes = long.reduce((sum, array) => sum + array.byteLength, network.bytes);
      return { buffers: long.length + network.buffers, bytes };
    },

    destroy() {
      memory = undefined;
    },
  };
}
