// Real training in the simulator: the CPU engine's arithmetic on a small job, points of the plane told apart by a circle.

import { decodeState, encodeState } from '../checkpoint/state-file.ts';
import { contribution } from '../engine/cpu/contribution.ts';
import { createNetwork } from '../engine/cpu/network.ts';
import { applyUpdate } from '../engine/cpu/update.ts';
import { jobLayout } from '../engine/graph/job-layout.ts';
import { checkApply, checkContribution, graphOf, joinQuarantine, sliceRows } from '../engine/requests.ts';
import { copyState, initialState, stateHash } from '../engine/state.ts';
import { jobHash, type Job } from '../job/job.ts';
import { randomStream, uniformFraction } from '../job/random.ts';
import { microBatchRows, microBatchSize } from '../job/sampler.ts';
import type { TrainingState } from '../ports/engine.ts';
import { LEFT_OUT, type SampleFormat, type Samples } from '../ports/loader.ts';
import { isSpoiled, type Compute, type Spoiled } from './compute.ts';

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

/** The first point of a micro-batch of a step. */
export const pointOf = (job: Job, step: number, microBatch: number): number =>
  microBatchRows(job, POINTS, step, microBatch)[0] ?? 0;

export function cpuCompute(job: Job, spoiled: Spoiled = new Map()): Compute<TrainingState> {
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

  /** Those that are left out have no inputs and no label; of those that are bad besides, the first is named. */
  function samplesOf(step: number, microBatches: readonly number[], out: ReadonlySet<number>): Samples {
    let bad: number | undefined;
    const size = microBatchSize(job);
    const inputs = new Float32Array(microBatches.length * size * 2);
    const labels = new Int32Array(microBatches.length * size);
    microBatches.forEach((microBatch, i) => {
      microBatchRows(job, POINTS, step, microBatch).forEach((row, j) => {
        const isBad = !out.has(row) && isSpoiled(spoiled, row, step);
        if (isBad) bad ??= row;
        if (isBad || out.has(row)) {
          labels[i * size + j] = LEFT_OUT;
          return;
        }
        labels[i * size + j] = points.labels[row] ?? 0;
        inputs.set(points.inputs.subarray(2 * row, 2 * row + 2), 2 * (i * size + j));
      });
    });
    return { inputs, labels, bad };
  }

  return {
    layout,
    tensors: tensors.map(({ name }) => name),
    initial: initialState(job),
    pieces: 1,
    contribute(state, { microBatches, exponents, quarantined }) {
      const request = { step: state.step, microBatches, exponents, quarantined };
      checkContribution(layout, state, request);
      const out = new Set(joinQuarantine(state.quarantine, quarantined));
      const samples = samplesOf(state.step, microBatches, out);
      const work = contribution(job, graph, layout, state, scratch, request, samples, FORMAT);
      for (let turn = work.next(); ; turn = work.next()) if (turn.done === true) return turn.value;
    },
    apply(state, reduced, exponents, quarantined) {
      checkApply(layout, tensors, state, { step: state.step, reduced, mode: 'portable', exponents });
      // The update works in place, and states here are never changed.
      const next = applyUpdate(job, layout, tensors, copyState(state), reduced, exponents ?? state.exponents);
      return { ...next, quarantine: joinQuarantine(next.quarantine, quarantined) };
    },
    spoil: (step, microBatch) => void spoiled.set(pointOf(job, step, microBatch), step),
    hashOf,
    stepOf: ({ step }) => step,
    encode: (state) =>
      encodeState({ state, job, jobHash: hash, stateHash: hashOf(state), notes: {} }, tensors),
    decode: (bytes) => decodeState(bytes, job, tensors).state,
  };
}
