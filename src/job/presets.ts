// Jobs that can be chosen by name: each is small enough that plain TypeScript on a laptop's CPU takes visible steps.

import { DEFAULT_JOB, type Job } from './job.ts';
import type { Model } from './model-schema.ts';

export const PRESET_NAMES = ['digits', 'digits-cnn', 'moby-dick', 'spirals', 'moons', 'circles'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/** Characters in the vocabulary of the packed Moby-Dick (public/data/moby-dick.json). */
const MOBY_DICK_VOCABULARY = 80;

/** LeNet's order (LeCun et al. 1998), in small: two convolutions with pooling, then a linear layer. 9,098 parameters. */
const DIGITS_CNN: Model = {
  kind: 'cnn',
  image: [1, 28, 28],
  layers: [
    { kind: 'conv2d', channels: 8, kernel: 3, stride: 1, padding: 1 },
    { kind: 'activation', function: 'relu' },
    { kind: 'max_pool2d', kernel: 2, stride: 2 },
    { kind: 'conv2d', channels: 16, kernel: 3, stride: 1, padding: 1 },
    { kind: 'activation', function: 'relu' },
    { kind: 'max_pool2d', kernel: 2, stride: 2 },
    { kind: 'flatten' },
    { kind: 'linear', units: 10 },
  ],
};

/** A language model of the characters of a text. */
function textJob(name: string, corpus: string, vocabulary: number): Job {
  return {
    ...DEFAULT_JOB,
    name,
    model: { kind: 'gpt', vocabulary, context: 48, width: 48, heads: 4, layers: 2 },
    data: { kind: 'text', corpus },
    optimizer: {
      kind: 'adamw',
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      weightDecay: 0.01,
      learningRate: 0.004,
    },
    schedule: { kind: 'cosine', warmup: 40, end: 2000, floor: 0.1 },
    clipNorm: 1,
    globalBatch: 16,
    steps: 2000,
    policies: { ...DEFAULT_JOB.policies, checkpointEvery: 50 },
  };
}

/** A job on a text that a person brought. `sha256` is that of its bytes. */
export const ownTextJob = (sha256: string, vocabulary: number): Job =>
  textJob(`text-${sha256.slice(0, 8)}`, sha256, vocabulary);

function toyJob(set: 'spirals' | 'moons' | 'circles', classes: number): Job {
  return {
    ...DEFAULT_JOB,
    name: set,
    model: { kind: 'mlp', layers: [2, 32, 32, classes], activation: 'tanh' },
    data: { kind: 'toy', set, points: 800, noise: 0.05 },
    optimizer: { ...DEFAULT_JOB.optimizer, learningRate: 0.01 },
    steps: 600,
  };
}

export const JOB_PRESETS: Readonly<Record<PresetName, Job>> = {
  digits: DEFAULT_JOB,
  'digits-cnn': { ...DEFAULT_JOB, name: 'digits-cnn', model: DIGITS_CNN, steps: 200 },
  'moby-dick': textJob('moby-dick', 'moby-dick', MOBY_DICK_VOCABULARY),
  spirals: toyJob('spirals', 3),
  moons: toyJob('moons', 2),
  circles: toyJob('circles', 2),
};
