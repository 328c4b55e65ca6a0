// Jobs and data for engine tests, in Node and in a browser.

import { exponentFor } from '../../src/collective/fixed-point.ts';
import { combineLanes, type LaneLayout } from '../../src/collective/lanes.ts';
import { jobLayout } from '../../src/engine/graph/job-layout.ts';
import { modelGraph } from '../../src/engine/graph/model-graph.ts';
import { elements } from '../../src/engine/layers/layer.ts';
import { DEFAULT_JOB, type Job } from '../../src/job/job.ts';
import { randomStream, uniformFraction, uniformInteger } from '../../src/job/random.ts';
import type { Engine, UpdateMode } from '../../src/ports/engine.ts';
import type { StateHash } from '../../src/ports/ids.ts';
import type { Loader } from '../../src/ports/loader.ts';

/** A job over an MLP of the given units; what is not said is as in the default job. */
export function mlpJob(layers: number[], changes: Partial<Job> = {}): Job {
  return { ...DEFAULT_JOB, model: { kind: 'mlp', layers, activation: 'relu' }, ...changes };
}

export const layoutOf = (job: Job): LaneLayout => jobLayout(job, modelGraph(job.model));

/** 0 to M − 1 */
export const allMicroBatches = (job: Job): number[] => Array.from({ length: job.microBatches }, (_, i) => i);

/** Samples that are learnable: each class has a centre in [0, 1)^features, and its samples lie around it. */
export function clusterLoader(
  features: number,
  classes: number,
  seed = 1,
  sizes = { train: 96, test: 40 },
): Loader {
  const centre = (label: number): number[] => {
    const next = randomStream(seed, 1, label);
    return Array.from({ length: features }, () => uniformFraction(next));
  };
  return {
    format: { type: 'f32', shape: [features], positions: 1, classes },
    sizes,
    load: async (split, rows) => {
      const inputs = new Float32Array(rows.length * features);
      const labels = new Int32Array(rows.length);
      rows.forEach((row, i) => {
        const next = randomStream(seed, split === 'train' ? 2 : 3, row);
        const label = uniformInteger(next, classes);
        labels[i] = label;
        centre(label).forEach((x, j) => (inputs[i * features + j] = x + 0.3 * (uniformFraction(next) - 0.5)));
      });
      return Promise.resolve({ inputs, labels });
    },
  };
}

/** Samples of nothing but chance, in whatever format the job's model takes. */
export function noiseLoader(job: Job, seed = 1, sizes = { train: 96, test: 12 }): Loader {
  const { values, positions, classes } = modelGraph(job.model);
  const { shape, type } = values[0] ?? { shape: [], type: 'f32' };
  const width = elements(shape);
  return {
    format: { type, shape, positions, classes },
    sizes,
    load: async (split, rows) => {
      const length = rows.length * width;
      const inputs = type === 'tokens' ? new Int32Array(length) : new Float32Array(length);
      const labels = new Int32Array(rows.length * positions);
      rows.forEach((row, i) => {
        const next = randomStream(seed, split === 'train' ? 2 : 3, row);
        for (let j = 0; j < width; j++) {
          inputs[i * width + j] = type === 'tokens' ? uniformInteger(next, classes) : uniformFraction(next);
        }
        for (let j = 0; j < positions; j++) labels[i * positions + j] = uniformInteger(next, classes);
      });
      return Promise.resolve({ inputs, labels });
    },
  };
}

/** A text in which each token is told by the two before it, so that a language model can learn it. */
export function textLoader(
  context: number,
  vocabulary: number,
  seed = 1,
  sizes = { train: 96, test: 12 },
): Loader {
  const next = randomStream(seed, 4, 0);
  const tokens = new Int32Array(sizes.train + sizes.test + context);
  tokens.forEach((_, i) => {
    const noise = uniformInteger(next, 8) === 0 ? 1 : 0;
    tokens[i] = ((tokens[i - 1] ?? 0) + 2 * (tokens[i - 2] ?? 1) + noise) % vocabulary;
  });
  return {
    format: { type: 'tokens', shape: [context], positions: context, classes: vocabulary },
    sizes,
    load: async (split, rows) => {
      const first = split === 'train' ? 0 : sizes.train;
      const inputs = new Int32Array(rows.length * context);
      const labels = new Int32Array(rows.length * context);
      rows.forEach((row, i) => {
        inputs.set(tokens.subarray(first + row, first + row + context), i * context);
        labels.set(tokens.subarray(first + row + 1, first + row + 1 + context), i * context);
      });
      return Promise.resolve({ inputs, labels });
    },
  };
}

const DEFAULT_ADAMW = DEFAULT_JOB.optimizer;

/** A job of each kind that a test can afford, with its data: every optimizer, clipping and schedule among them. */
export const KINDS: Readonly<Record<'mlp' | 'cnn' | 'gpt', { readonly job: Job; readonly loader: Loader }>> =
  {
    mlp: {
      job: mlpJob([6, 8, 3], {
        globalBatch: 20,
        microBatches: 4,
        model: { kind: 'mlp', layers: [6, 8, 3], activation: 'gelu' },
        optimizer: { kind: 'sgd', learningRate: 0.1, momentum: 0.9, weightDecay: 0.001 },
      }),
      loader: clusterLoader(6, 3),
    },
    cnn: {
      job: mlpJob([], {
        globalBatch: 12,
        microBatches: 4,
        model: {
          kind: 'cnn',
          image: [1, 6, 6],
          layers: [
            { kind: 'conv2d', channels: 4, kernel: 3, stride: 1, padding: 1 },
            { kind: 'activation', function: 'silu' },
            { kind: 'max_pool2d', kernel: 2, stride: 2 },
            { kind: 'conv2d', channels: 5, kernel: 3, stride: 2, padding: 1 },
            { kind: 'activation', function: 'relu' },
            { kind: 'avg_pool2d', kernel: 2, stride: 1 },
            { kind: 'flatten' },
            { kind: 'linear', units: 3 },
          ],
        },
        optimizer: { ...DEFAULT_ADAMW, learningRate: 0.03 },
        schedule: { kind: 'cosine', warmup: 3, end: 60, floor: 0.1 },
      }),
      loader: clusterLoader(36, 3),
    },
    gpt: {
      job: mlpJob([], {
        globalBatch: 8,
        microBatches: 4,
        model: { kind: 'gpt', vocabulary: 7, context: 6, width: 12, heads: 3, layers: 2 },
        clipNorm: 0.5,
      }),
      loader: textLoader(6, 7),
    },
  };

export interface TrainedStep {
  readonly hash: StateHash;
  /** Mean loss of the step's batch. */
  readonly loss: number;
  readonly lanes: Int32Array;
  /** Whether an overflow made the step be redone. */
  readonly redone: boolean;
}

/** One step of a lone rank, with the redo that the protocol does on an overflow. `alone`: its gradient may stay in the engine. */
export async function trainStep(
  engine: Engine,
  step: number,
  mode: UpdateMode = 'native',
  alone = false,
): Promise<TrainedStep> {
  const { job } = engine;
  const layout = layoutOf(job);
  const microBatches = allMicroBatches(job);
  let lanes = await engine.contribute({ step, microBatches, alone });
  let exponents: Int32Array | undefined;
  if (lanes[layout.overflows] !== 0) {
    exponents = Int32Array.from(lanes.subarray(layout.exponents, layout.firstNonFinite), (biased) =>
      exponentFor(biased, 0),
    );
    lanes = await engine.contribute({ step, microBatches, exponents, alone });
  }
  const hash = await engine.apply({ step, reduced: lanes, mode, exponents, alone });
  return { hash, loss: (lanes[layout.loss] ?? 0) / (1 << 20), lanes, redone: exponents !== undefined };
}

export async function train(
  engine: Engine,
  steps: number,
  mode: UpdateMode = 'native',
  alone = false,
): Promise<TrainedStep[]> {
  const trained: TrainedStep[] = [];
  for (let step = 0; step < steps; step++) trained.push(await trainStep(engine, step, mode, alone));
  return trained;
}

/** The lanes of two contributions together. */
export function combined(layout: LaneLayout, parts: readonly Int32Array[]): Int32Array<ArrayBuffer> {
  const [first, ...others] = parts;
  const sum = new Int32Array(layout.length);
  if (first !== undefined) sum.set(first);
  for (const part of others) combineLanes(layout, sum, part, 0);
  return sum;
}

/** The largest |a − b|, and the largest |b|. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): { error: number; scale: number } {
  let error = 0;
  let scale = 0;
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = Math.abs((a[i] ?? NaN) - (b[i] ?? NaN));
    if (!(difference <= error)) error = difference;
    scale = Math.max(scale, Math.abs(b[i] ?? NaN));
  }
  return { error, scale };
}

const goldenJob = mlpJob([6, 8, 5, 3], {
  globalBatch: 20,
  microBatches: 4,
  seed: 1,
  optimizer: {
    kind: 'adamw',
    learningRate: 0.004,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01,
  },
});

/** What the CPU engine must compute in every JavaScript engine: the state after five steps, and the fingerprint. */
export const GOLDEN = {
  job: goldenJob,
  loader: clusterLoader(6, 3),
  steps: 5,
  hash: '2015a4fbb8c28299267d70a7caded72b',
  fingerprint: '5303440e341ff1ae799f0a267e8fe543',
} as const;
