// A job that a test can afford, and its data: two classes of four numbers.

import { createCpuEngine } from '../../../src/engine/cpu/engine.ts';
import { DEFAULT_JOB } from '../../../src/job/job.ts';
import type { Job } from '../../../src/job/job.ts';
import type { Engine } from '../../../src/ports/engine.ts';
import type { Loader } from '../../../src/ports/loader.ts';

export const SMALL_JOB: Job = {
  ...DEFAULT_JOB,
  model: { kind: 'mlp', layers: [4, 3, 2], activation: 'relu' },
  globalBatch: 16,
  microBatches: 4,
  steps: 30,
  policies: { ...DEFAULT_JOB.policies, checkpointEvery: 5 },
};

const SIZES = { train: 64, test: 32 };

export const smallLoader: Loader = {
  sizes: SIZES,
  format: { type: 'f32', shape: [4], positions: 1, classes: 2 },
  load: async (split, rows) => {
    const offset = split === 'train' ? 0 : SIZES.train;
    const inputs = new Float32Array(rows.length * 4);
    const labels = new Int32Array(rows.length);
    rows.forEach((row, i) => {
      const label = (row + offset) % 2;
      labels[i] = label;
      for (let j = 0; j < 4; j++)
        inputs[i * 4 + j] = (((row * 7 + j * 3) % 11) / 11 + (label === j % 2 ? 1 : 0)) / 2;
    });
    return { inputs, labels };
  },
};

export const smallEngine = (job: Job): Engine =>
  createCpuEngine({ job, loader: smallLoader, reason: 'The test asked for it.' });
