// The cases of optimizers and of clipping, through `apply` of an engine as in a room: the gradient arrives as reduced lanes.

import { exponentFor, MAX_EXPONENT } from '../../collective/fixed-point.ts';
import { emptyLanes, laneLayout } from '../../collective/lanes.ts';
import { globalNorm } from '../../engine/cpu/clip.ts';
import { accumulateGradient } from '../../engine/cpu/fixed-point.ts';
import { parameterTensors } from '../../engine/graph/parameters.ts';
import { initialState } from '../../engine/state.ts';
import { DEFAULT_JOB, type Job } from '../../job/job.ts';
import type { Optimizer } from '../../job/optimizer-schema.ts';
import type { Loader } from '../../ports/loader.ts';
import { magnitude, type Comparison } from './compare.ts';
import type { ManifestCase } from './manifest.ts';
import { optimizerOf } from './models.ts';
import type { Trial } from './op-cases.ts';
import { malformed, type Floats, type Tensors } from './tensors.ts';

type CaseOf<Op extends ManifestCase['op']> = Extract<ManifestCase, { readonly op: Op }>;

/** A model of `count` weights, and one bias more, which stays zero. */
const jobOf = (count: number, optimizer: Optimizer, clipNorm: number | null): Job => ({
  ...DEFAULT_JOB,
  model: { kind: 'mlp', layers: [count, 1], activation: 'relu' },
  optimizer,
  clipNorm,
  globalBatch: 1,
  microBatches: 1,
});

/** The gradient is given: nothing is ever loaded. */
const noData = (count: number): Loader => ({
  format: { type: 'f32', shape: [count], positions: 1, classes: 1 },
  sizes: { train: 1, test: 1 },
  load: () => Promise.reject(new RangeError('An optimizer was to be tried without data.')),
});

/** A gradient travels in fixed point, which has no scale for what is larger. */
function checkScalable(tensors: Tensors, name: string, { values }: Floats): void {
  const largest = magnitude(values);
  if (largest >= 2 ** MAX_EXPONENT)
    malformed(tensors.path, `tensor "${name}": expected numbers below 2^${MAX_EXPONENT}, found ${largest}.`);
}

/** A gradient as the sum of a step, at the finest exponents that it fits. */
function reducedLanes(job: Job, gradient: Float32Array) {
  const tensors = parameterTensors(job.model);
  const padded = new Float32Array(gradient.length + 1);
  padded.set(gradient);
  const layout = laneLayout(padded.length, tensors.length, job.microBatches);
  const widest = emptyLanes(layout);
  accumulateGradient(layout, tensors, new Int32Array(tensors.length).fill(MAX_EXPONENT), 0, padded, widest);
  const exponents = Int32Array.from(tensors, (_, t) => exponentFor(widest[layout.exponents + t] ?? 0, 0));
  const reduced = emptyLanes(layout);
  accumulateGradient(layout, tensors, exponents, 0, padded, reduced);
  return { layout, tensors, reduced, exponents };
}

export function prepareOptimizer(
  { name, attrs }: CaseOf<'optimizer'>,
  tensors: Tensors,
  manifestPath: string,
): Trial {
  const grads = tensors.floats(`${name}/in/grads`, [null, null]);
  const [steps = 0, count = 0] = grads.shape;
  checkScalable(tensors, `${name}/in/grads`, grads);
  const param = tensors.floats(`${name}/in/param`, [count]);
  const params = tensors.floats(`${name}/out/params`, [steps, count]);
  const job = jobOf(count, optimizerOf(manifestPath, name, attrs), null);
  return async (host) => {
    const engine = await host.open(job, noData(count));
    try {
      const state = initialState(job);
      state.parameters.fill(0);
      state.parameters.set(param.values);
      await engine.importState(state);
      const comparisons: Comparison[] = [];
      for (let step = 0; step < steps; step++) {
        const row = (values: Float32Array): Float32Array => values.subarray(step * count, (step + 1) * count);
        const { reduced, exponents } = reducedLanes(job, row(grads.values));
        await engine.apply({ step, reduced, exponents, mode: 'native' });
        const { parameters } = await engine.exportState();
        const expected = row(params.values);
        comparisons.push({ found: parameters.subarray(0, count), expected, terms: step + 1 });
      }
      return comparisons;
    } finally {
      engine.destroy();
    }
  };
}

/** SGD at rate 1 from weights of zero leaves the clipped gradient behind, with its sign turned. */
const BARE_SGD: Optimizer = { kind: 'sgd', learningRate: 1, momentum: 0, weightDecay: 0 };

export function prepareClip(
  { name, attrs }: CaseOf<'clip_grad_norm'>,
  tensors: Tensors,
  manifestPath: string,
): Trial {
  const parts = Array.from({ length: tensors.names(`${name}/in/`).length }, (_, i) =>
    tensors.floats(`${name}/in/${i}`),
  );
  if (parts.length === 0) malformed(tensors.path, `expected tensors "${name}/in/0" and on, found none.`);
  const outs = parts.map(({ shape }, i) => tensors.floats(`${name}/out/${i}`, shape));
  parts.forEach((part, i) => {
    checkScalable(tensors, `${name}/in/${i}`, part);
  });
  const norm = tensors.floats(`${name}/norm`);
  if (norm.values.length !== 1)
    malformed(tensors.path, `tensor "${name}/norm": expected one number, found ${norm.values.length}.`);
  if (!(attrs.max_norm > 0))
    malformed(manifestPath, `case "${name}": expected a max_norm above 0, found ${attrs.max_norm}.`);
  const joined = (all: readonly { readonly values: Float32Array }[]) =>
    Float32Array.from(all.flatMap(({ values }) => [...values]));
  const gradient = joined(parts);
  const expected = joined(outs);
  const count = gradient.length;
  const job = jobOf(count, BARE_SGD, attrs.max_norm);
  return async (host) => {
    const { layout, tensors: own, reduced, exponents } = reducedLanes(job, gradient);
    const engine = await host.open(job, noData(count));
    try {
      const state = initialState(job);
      state.parameters.fill(0);
      await engine.importState(state);
      await engine.apply({ step: 0, reduced, exponents, mode: 'native' });
      const { parameters } = await engine.exportState();
      return [
        { found: [globalNorm(layout, own, reduced, exponents)], expected: norm.values, terms: count },
        { found: parameters.subarray(0, count).map((value) => -value), expected, terms: count },
      ];
    } finally {
      engine.destroy();
    }
  };
}
