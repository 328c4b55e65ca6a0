// The CPU engine: the oracle that other engines are held against, and the fallback where there is no WebGPU.
//
// It computes in portable arithmetic throughout, so `native` and `portable` updates are the same, and so are two machines.

import { emptyLanes } from '../../collective/lanes.ts';
import type { Job } from '../../job/job.ts';

import {
  EngineError,
  type ContributionRequest,
  type DeliverBucket,
  type Engine,
  type Evaluation,
} from '../../ports/engine.ts';
import { inputLength, type Loader } from '../../ports/loader.ts';
import { jobLayout } from '../graph/job-layout.ts';
import type { EngineHooks } from '../hooks.ts';
import { fingerprintOf, type Probed } from '../probe.ts';
import {
  checkApply,
  checkContribution,
  checkLoader,
  checkPrediction,
  graphOf,
  joinQuarantine,
  loadMicroBatches,
  loadRows,
  sliceRows,
} from '../requests.ts';
import { checkState, copyState, initialState, stateHash } from '../state.ts';
import { contribution } from './contribution.ts';
import { createNetwork } from './network.ts';
import { applyUpdate } from './update.ts';

/** Predictions evaluated in one go. */
const EVALUATION_PREDICTIONS = 256;
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
  const graph = graphOf(job);
  checkLoader(graph, loader);
  const { parameters: tensors, positions } = graph;
  const layout = jobLayout(job, graph);
  const perSlice = sliceRows(job);
  const evaluationRows = Math.max(1, Math.floor(EVALUATION_PREDICTIONS / positions));
  let sinceTurn = 0;
  /** Counts the work of forward (one pass) or forward and backward (three) over so many samples, and gives way when it is time. */
  const worked = async (samples: number, passes: 1 | 3): Promise<void> => {
    sinceTurn += passes * samples * graph.flops;
    if (sinceTurn < TURN_FLOPS) return;
    sinceTurn = 0;
    await hooks.giveWay?.();
  };

  const allocate = () => ({
    state: initialState(job),
    gradient: new Float32Array(layout.gradient),
    network: createNetwork(graph, Math.max(perSlice, evaluationRows)),
  });
  /** Undefined once the engine is destroyed. */
  let memory: ReturnType<typeof allocate> | undefined = allocate();

  const live = () => {
    if (memory !== undefined) return memory;
    throw new EngineError('bad-state', 'The engine was destroyed: open a new one.');
  };

  const contributeFrom = async (
    source: Loader,
    request: ContributionRequest,
    deliver: DeliverBucket = () => undefined,
  ) => {
    checkContribution(layout, live().state, request);
    const whole = (bucket: number, lanes: Int32Array<ArrayBuffer>): void => {
      const { start, end } = layout.buckets[bucket] ?? { start: 0, end: 0 };
      deliver(bucket, lanes.slice(start, end));
    };
    if (request.microBatches.length === 0) {
      const lanes = emptyLanes(layout);
      layout.buckets.forEach((_, bucket) => whole(bucket, lanes));
      return lanes;
    }
    const samples = await loadMicroBatches(job, source, request, live().state.quarantine);
    const { state, ...scratch } = live();
    const work = contribution(job, graph, layout, state, scratch, request, samples, source.format, whole);
    for (let turn = work.next(); ; turn = work.next()) {
      if (turn.done === true) return turn.value;
      await worked(turn.value, 3);
      // It may have been destroyed meanwhile.
      live();
    }
  };

  const evaluate = async (): Promise<Evaluation> => {
    const { test } = loader.sizes;
    let correct = 0;
    let loss = 0;
    for (let first = 0; first < test; first += evaluationRows) {
      const count = Math.min(evaluationRows, test - first);
      const wanted = Int32Array.from({ length: count }, (_, i) => first + i);
      const input = await loadRows(loader, 'test', wanted);
      const { state, network } = live();
      correct += network.guess(count, state.parameters, input);
      for (let i = 0; i < count * positions; i++) loss += network.losses[i]!;
      await worked(count, 1);
    }
    const predictions = test * positions;
    return { predictions, correct, loss: loss / predictions };
  };

  const probed: Probed = {
    contributeFrom,

    async apply(request) {
      const memory = live();
      checkApply(layout, tensors, memory.state, request);
      const exponents = request.exponents ?? memory.state.exponents;
      const next = applyUpdate(job, layout, tensors, memory.state, request.reduced, exponents);
      memory.state = { ...next, quarantine: joinQuarantine(next.quarantine, request.quarantined) };
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
    samples: loader.sizes,
    lost: new Promise<EngineError>(() => undefined),
    contribute: (request) => contributeFrom(loader, request),
    async contributeInBuckets(request, deliver) {
      await contributeFrom(loader, request, deliver);
    },

    async snapshot() {
      const copy = copyState(live().state);
      return { read: async () => copy };
    },

    async reset() {
      live().state = initialState(job);
      return stateHash(live().state);
    },

    hash: async () => stateHash(live().state),
    evaluate,

    async predict(request) {
      const { classes } = graph;
      const { position, inputs } = request;
      const count = checkPrediction(loader.format, request);
      const width = inputLength(loader.format);
      const { state, network } = live();
      const wanted = new Float32Array(count * classes);
      for (let first = 0; first < count; first += evaluationRows) {
        const rows = Math.min(evaluationRows, count - first);
        const part = inputs.subarray(first * width, (first + rows) * width);
        const logits = network.logits(rows, state.parameters, part);
        for (let row = 0; row < rows; row++) {
          const start = (row * positions + position) * classes;
          wanted.set(logits.subarray(start, start + classes), (first + row) * classes);
        }
      }
      return wanted;
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
