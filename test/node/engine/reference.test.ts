// The CPU engine against a training run of PyTorch in f64, where the reference files lie beside the checkout.

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createCpuEngine } from '../../../src/engine/cpu/engine.ts';
import { initialState } from '../../../src/engine/state.ts';
import { parameterTensors } from '../../../src/job/model.ts';
import type { Loader } from '../../../src/ports/loader.ts';
import { distance, mlpJob, trainStep } from '../../support/engine.ts';
import { readSafetensors } from '../../support/safetensors.ts';

const REFERENCE = new URL('../../../../shared/reference/', import.meta.url);

interface Run {
  readonly name: string;
  readonly file: string;
  readonly steps: number;
  readonly optimizer: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
  readonly model: { dims: number[] };
}

test.skipIf(!existsSync(REFERENCE))(
  'through the fixed-point path, the loss of every step of the reference MLP is within 1e-4 of PyTorch',
  async () => {
    const { runs } = JSON.parse(readFileSync(new URL('manifest.json', REFERENCE), 'utf8')) as { runs: Run[] };
    const run = runs.find(({ name }) => name === 'mlp');
    if (run === undefined) throw new Error('The reference has no MLP run.');
    const tensors = readSafetensors(readFileSync(new URL(run.file, REFERENCE)));
    const get = (name: string) => {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new Error(`The reference has no ${name}.`);
      return tensor;
    };
    const { shape, values: batches } = get('batches');
    const [x, y] = [get('data/x').values, get('data/y').values];
    const size = shape[1] ?? 0;
    const { dims } = run.model;
    const features = dims[0] ?? 0;

    let step = 0;
    /** Gives the reference's rows for the current step, in the order in which the engine asks for its own. */
    const loader: Loader = {
      format: { type: 'f32', shape: [features], positions: 1, classes: dims.at(-1) ?? 0 },
      sizes: { train: size, test: 1 },
      load: async (_split, rows) => {
        const inputs = new Float32Array(rows.length * features);
        const labels = new Int32Array(rows.length);
        for (let i = 0; i < rows.length; i++) {
          const row = batches[step * size + i] ?? 0;
          inputs.set(x.slice(row * features, (row + 1) * features), i * features);
          labels[i] = y[row] ?? 0;
        }
        return Promise.resolve({ inputs, labels });
      },
    };
    const [beta1, beta2] = run.optimizer.betas;
    const job = mlpJob([...dims], {
      globalBatch: size,
      microBatches: 4,
      optimizer: {
        kind: 'adamw',
        learningRate: run.optimizer.lr,
        beta1,
        beta2,
        epsilon: run.optimizer.eps,
        weightDecay: run.optimizer.weight_decay,
      },
    });
    const engine = createCpuEngine({ job, loader, reason: 'A test.' });
    const state = initialState(job);
    for (const tensor of parameterTensors(job.model)) {
      state.parameters.set(get(`init/${tensor.name}`).values, tensor.offset);
    }
    await engine.importState(state);

    const truth = get('losses_f64').values;
    let worst = 0;
    for (; step < run.steps; step++) {
      const { loss } = await trainStep(engine, step);
      worst = Math.max(worst, Math.abs(loss - (truth[step] ?? NaN)) / (truth[step] ?? NaN));
    }
    const trained = (await engine.exportState()).parameters;
    const finals = parameterTensors(job.model).map((tensor) => {
      const mine = trained.subarray(tensor.offset, tensor.offset + tensor.length);
      return distance(mine, get(`final/${tensor.name}`).values).error;
    });
    expect(worst).toBeLessThan(1e-4);
    expect(Math.max(...finals)).toBeLessThan(1e-3);
  },
);
