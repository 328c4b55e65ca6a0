// Real training in the simulator: the CPU engine's arithmetic on a small job, points of the plane told apart by a circle.

import { decodeState, encodeState } from '../checkpoint/state-file.ts';
import { contribution } from '../engine/cpu/contribution.ts';
import { createNetwork } from '../engine/cpu/network.ts';
import { applyUpdate } from '../engine/cpu/update.ts';
import { jobLayout } from '../engine/graph/job-layout.ts';
import { checkApply, checkContribution, graphOf, sliceRows } from '../engine/requests.ts';
import { copyState, initialState, stateHash } from '../engine/state.ts';
import { jobHash, type Job } from '../job/job.ts';
import { randomStream, uniformFraction } from '../job/random.ts';
import { microBatchRows, microBatchSize } from '../job/sampler.ts';
import type { TrainingState } from '../ports/engine.ts';
import type { SampleFormat, Samples } from '../ports/loader.ts';
import type { Compute } from './compute.ts';

/** Buckets of the small job, each of a tensor or two. */
const BUCKETS = { usual: 8, least: 4 };
const POINTS = 256;
const FORMAT: SampleFormat = { type: 'f32', shape: [2], positions: 1, classes: 2 };
/** Half of the square [-1, 1]² lies inside: 2/π, the square of the radius. */
const RADIUS_2 = 0.6366197723675814;

/** The small job, with the policies and the length of another. */
export const smallJob = (job: Job): Job => ({
  ...job,
  model: { kind: 'mlp', layers: [2, 6, 2], activation: 'relu' },
  data: { kind: 'toy', set: 'circles', points: POINTS, noise: 0 },
  globalBatch: 16,
  microBatches: 8,
});

function pointsOf(seed: number): Samples {
  const inputs = new Float32Array(2 * POINTS);
  const labels = new Int32Array(POINTS);
  const next = randomStream(seed, 0x9017, 0);
  for (let i = 0; i < POINTS; i++) {
    const [x, y] = [2 * uniformFraction(next) - 1, 2 * uniformFraction(next) - 1];
    inputs.set([x, y], 2 * i);
    labels[i] = x * x + y * y < RADIUS_2 ? 1 : 0;
  }
  return { inputs, labels };
}

export function cpuCompute(job: Job): Compute<TrainingState> {
  const graph = graphOf(job);
  const { parameters: tensors } = graph;
  const layout = jobLayout(job, graph, BUCKETS);
  const points = pointsOf(job.seed);
  const scratch = {
    network: createNetwork(graph, sliceRows(job)),
    gradient: new Float32Array(layout.gradient),
  };
  const hash = jobHash(job);
  /** A state is hashed once, however often its hash is asked for. */
  const hashes = new WeakMap<TrainingState, ReturnType<typeof stateHash>>();
  const hashOf = (state: TrainingState): ReturnType<typeof stateHash> => {
    const known = hashes.get(state) ?? stateHash(state);
    hashes.set(state, known);
    return known;
  };

  function samplesOf(step: number, microBatches: readonly number[]): Samples {
    const size = microBatchSize(job);
    const inputs = new Float32Array(microBatches.length * size * 2);
    const labels = new Int32Array(microBatches.length * size);
    microBatches.forEach((microBatch, i) => {
      microBatchRows(job, POINTS, step, microBatch).forEach((row, j) => {
        inputs.set(points.inputs.subarray(2 * row, 2 * row + 2), 2 * (i * size + j));
        labels[i * size + j] = points.labels[row] ?? 0;
      });
    });
    return { inputs, labels };
  }

  return {
    layout,
    tensors: tensors.map(({ name }) => name),
    initial: initialState(job),
    pieces: 1,
    contribute(state, { microBatches, exponents }) {
      const request = { step: state.step, microBatches, exponents };
      checkContribution(layout, state, request);
      const samples = samplesOf(state.step, microBatches);
      const work = contribution(job, graph, layout, state, scratch, request, samples, FORMAT);
      for (let turn = work.next(); ; turn = work.next()) if (turn.done === true) return turn.value;
    },
    apply(state, reduced, exponents) {
      checkApply(layout, tensors, state, { step: state.step, reduced, mode: 'portable', exponents });
      // The update works in place, and states here are never changed.
      return applyUpdate(job, layout, tensors, copyState(state), reduced, exponents ?? state.exponents);
    },
    hashOf,
    stepOf: ({ step }) => step,
    encode: (state) =>
      encodeState({ state, job, jobHash: hash, stateHash: hashOf(state), notes: {} }, tensors),
    decode: (bytes) => decodeState(bytes, job, tensors).state,
  };
}
