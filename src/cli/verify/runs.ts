// The training runs: the same steps as in a room with one rank, through fixed point, against the reference's losses and weights.
//
// A GPT's key biases are left out of the weights that are compared: softmax does not see what all keys share, so that their gradient
// is zero in exact arithmetic, and Adam divides what rounding leaves of it by its own size.

import { exponentFor } from '../../collective/fixed-point.ts';
import { LOSS_FRACTION_BITS, type LaneLayout } from '../../collective/lanes.ts';
import { jobLayout } from '../../engine/graph/job-layout.ts';
import { modelGraph } from '../../engine/graph/model-graph.ts';
import type { Graph } from '../../engine/graph/graph.ts';
import { initialState } from '../../engine/state.ts';
import type { Job } from '../../job/job.ts';
import type { Engine, ParameterTensor } from '../../ports/engine.ts';
import type { Inputs, Loader } from '../../ports/loader.ts';
import { distance } from './compare.ts';
import type { VerifyHost } from './host.ts';
import type { ManifestRun } from './manifest.ts';
import { jobOfRun } from './models.ts';
import type { RunResult } from './report.ts';
import { malformed, type Tensors } from './tensors.ts';

const LOSS_TOLERANCE = 1e-4;

/** A run whose tensors have been checked. */
export type PreparedRun = (host: VerifyHost, progress: (step: number) => void) => Promise<RunResult>;

/** Throws a `UsageError` where the reference lacks something or does not fit itself. */
export function prepareRun(run: ManifestRun, tensors: Tensors, manifestPath: string): PreparedRun {
  const { shape } = tensors.integers('batches', 0x7fffffff, [run.steps, null]);
  const batch = shape[1] ?? 0;
  const job = jobOfRun(run, tensors, manifestPath, batch);
  const graph = modelGraph(job.model);
  const data = dataOf(job, graph, tensors, run.steps, batch);
  const losses = tensors.floats('losses_f64', [run.steps]).values;
  const initial = graph.parameters.map(({ name, shape }) => tensors.floats(`init/${name}`, shape).values);
  const final = graph.parameters.map(({ name, shape }) => tensors.floats(`final/${name}`, shape).values);

  return async (host, progress) => {
    let step = 0;
    const engine = await host.open(job, {
      ...data,
      load: (_split, rows) => Promise.resolve(data.take(step, rows)),
    });
    try {
      const state = initialState(job);
      graph.parameters.forEach(({ offset }, i) => state.parameters.set(initial[i] ?? [], offset));
      await engine.importState(state);
      const layout = jobLayout(job, graph);
      let maxRelativeLossError = 0;
      for (; step < run.steps; step++) {
        progress(step);
        const loss = await trainStep(engine, layout, step);
        maxRelativeLossError = Math.max(maxRelativeLossError, relativeError(loss, losses[step] ?? NaN));
        // What is not finite is not applied: the run is off, and over.
        if (Number.isNaN(loss)) break;
      }
      const { parameters } = await engine.exportState();
      const maxFinalWeightError = graph.parameters.reduce((worst, tensor, i) => {
        const { offset, length } = tensor;
        const found = parameters.slice(offset, offset + length);
        const expected = (final[i] ?? new Float32Array(0)).slice();
        for (const values of [found, expected]) leaveOutKeyBias(tensor, values);
        return Math.max(worst, distance(found, expected));
      }, 0);
      const ok = maxRelativeLossError <= LOSS_TOLERANCE;
      return { name: run.name, steps: run.steps, maxRelativeLossError, maxFinalWeightError, ok };
    } finally {
      engine.destroy();
    }
  };
}

/** The largest number there is where either is not finite. */
function relativeError(found: number, expected: number): number {
  const difference = Math.abs(found - expected);
  const error = difference === 0 ? 0 : difference / Math.abs(expected);
  return error <= Number.MAX_VALUE ? error : Number.MAX_VALUE;
}

/** One step of a lone rank, with the redo that the protocol does on an overflow. Returns the loss, NaN where it is not finite. */
async function trainStep(engine: Engine, layout: LaneLayout, step: number): Promise<number> {
  const microBatches = Array.from({ length: layout.microBatches }, (_, i) => i);
  let reduced = await engine.contribute({ step, microBatches });
  let exponents: Int32Array | undefined;
  if (reduced[layout.overflows] !== 0) {
    const largest = reduced.subarray(layout.exponents, layout.exponents + layout.tensors);
    exponents = Int32Array.from(largest, (biased) => exponentFor(biased, 0));
    reduced = await engine.contribute({ step, microBatches, exponents });
  }
  if (reduced[layout.nonFinite] !== 0) return NaN;
  await engine.apply({ step, reduced, exponents, mode: 'native' });
  return (reduced[layout.loss] ?? NaN) / (1 << LOSS_FRACTION_BITS);
}

/** The fused projection's bias holds those of queries, keys and values, in this order. */
function leaveOutKeyBias({ name, length }: ParameterTensor, values: Float32Array): void {
  if (name.endsWith('.attn.c_attn.bias')) values.fill(0, length / 3, (2 * length) / 3);
}

interface RunData extends Pick<Loader, 'format' | 'sizes'> {
  /** Samples of a step by their place in its batch. */
  take(step: number, rows: Int32Array): { readonly inputs: Inputs; readonly labels: Int32Array<ArrayBuffer> };
}

function dataOf(job: Job, graph: Graph, tensors: Tensors, steps: number, batch: number): RunData {
  const { positions, classes } = graph;
  const { shape, type } = graph.values[0] ?? { shape: [], type: 'f32' };
  const format = { type, shape, positions, classes };
  // The engine draws a permutation of one batch at every step.
  const sizes = { train: batch, test: 1 };
  const length = shape.reduce((product, extent) => product * extent, 1);

  if (job.model.kind === 'gpt') {
    const tokens = tensors.integers('data/tokens', job.model.vocabulary, [null]).values;
    if (tokens.length <= length)
      malformed(
        tensors.path,
        `tensor "data/tokens": expected more than the ${length} tokens of the context, found ${tokens.length}.`,
      );
    const batches = tensors.integers('batches', tokens.length - length, [steps, batch]).values;
    return {
      format,
      sizes,
      take(step, rows) {
        const inputs = new Int32Array(rows.length * length);
        const labels = new Int32Array(rows.length * length);
        rows.forEach((row, i) => {
          const start = batches[step * batch + row] ?? 0;
          inputs.set(tokens.subarray(start, start + length), i * length);
          labels.set(tokens.subarray(start + 1, start + 1 + length), i * length);
        });
        return { inputs, labels };
      },
    };
  }

  const x = tensors.floats('data/x');
  const [samples = 0] = x.shape;
  if (x.values.length !== samples * length)
    malformed(
      tensors.path,
      `tensor "data/x": expected ${length} numbers a sample, found ${x.values.length / samples}.`,
    );
  const y = tensors.integers('data/y', classes, [samples]).values;
  const batches = tensors.integers('batches', samples, [steps, batch]).values;
  return {
    format,
    sizes,
    take(step, rows) {
      const inputs = new Float32Array(rows.length * length);
      const labels = new Int32Array(rows.length);
      rows.forEach((row, i) => {
        const sample = batches[step * batch + row] ?? 0;
        inputs.set(x.values.subarray(sample * length, (sample + 1) * length), i * length);
        labels[i] = y[sample] ?? 0;
      });
      return { inputs, labels };
    },
  };
}
