// What both engines check before they compute, and how they get their samples.

import { MAX_EXPONENT, MIN_EXPONENT, SLICES_PER_MICRO_BATCH } from '../collective/fixed-point.ts';
import { firstNonFinite, type LaneLayout } from '../collective/lanes.ts';
import type { Job } from '../job/job.ts';
import { batchRows, microBatchSize } from '../job/sampler.ts';
import {
  EngineError,
  MAX_PREDICTIONS,
  type ApplyRequest,
  type ContributionRequest,
  type EngineFault,
  type PredictRequest,
  type ParameterTensor,
  type TrainingState,
} from '../ports/engine.ts';
import { inputLength } from '../ports/loader.ts';
import type { Inputs, Loader, SampleFormat, Samples, Split } from '../ports/loader.ts';
import type { Graph } from './graph/graph.ts';
import { modelGraph } from './graph/model-graph.ts';
import { elements, ShapeError } from './layers/layer.ts';

function refuse(message: string): never {
  throw new EngineError('bad-state', message);
}

/** The graph of the job's model. Throws an `EngineError` of fault `bad-state` when its layers do not fit each other. */
export function graphOf(job: Job): Graph {
  try {
    return modelGraph(job.model);
  } catch (error) {
    if (error instanceof ShapeError)
      refuse(`The job's model cannot be built. ${error.message} Change its layers.`);
    throw error;
  }
}

function checkStep(asked: number, state: Pick<TrainingState, 'step'>): void {
  if (asked === state.step) return;
  refuse(
    `Step ${asked} was asked for while the state is at step ${state.step}: heal or import a state first.`,
  );
}

function checkExponents(exponents: Int32Array | undefined, tensors: number): void {
  if (exponents === undefined) return;
  const fits = exponents.length === tensors;
  if (!fits || exponents.some((e) => e < MIN_EXPONENT || e > MAX_EXPONENT)) {
    refuse(
      `Exponents must be ${tensors} numbers from ${MIN_EXPONENT} to ${MAX_EXPONENT}: ${exponents.join(', ')}.`,
    );
  }
}

export function checkContribution(
  layout: LaneLayout,
  state: Pick<TrainingState, 'step'>,
  request: ContributionRequest,
): void {
  checkStep(request.step, state);
  checkExponents(request.exponents, layout.tensors);
  let last = -1;
  for (const microBatch of request.microBatches) {
    if (!Number.isInteger(microBatch) || microBatch <= last || microBatch >= layout.microBatches) {
      const expected = `ascending numbers below ${layout.microBatches}`;
      refuse(`Micro-batches must be ${expected}: ${request.microBatches.join(', ')}.`);
    }
    last = microBatch;
  }
  if (request.alone === true && request.microBatches.length !== layout.microBatches) {
    refuse(
      `A rank alone computes all ${layout.microBatches} micro-batches: ${request.microBatches.join(', ')}.`,
    );
  }
}

export function checkApply(
  layout: LaneLayout,
  tensors: readonly ParameterTensor[],
  state: Pick<TrainingState, 'step'>,
  request: ApplyRequest,
): void {
  checkStep(request.step, state);
  checkExponents(request.exponents, layout.tensors);
  const { reduced } = request;
  if (reduced.length !== layout.length) {
    refuse(`The reduced lanes should be ${layout.length} numbers and are ${reduced.length}.`);
  }
  const nonFinite = reduced[layout.nonFinite] ?? 0;
  if (nonFinite !== 0) {
    const where = firstNonFinite(layout, reduced);
    const tensor = where?.tensor === undefined ? undefined : tensors[where.tensor];
    const what = tensor === undefined ? 'the loss' : `the gradient of ${tensor.name}`;
    const first = where === undefined ? '' : `, first in ${what} in micro-batch ${where.microBatch}`;
    refuse(
      `Step ${request.step} must not be applied: ${nonFinite} numbers are not finite${first}. Stop the run.`,
    );
  }
  const overflows = reduced[layout.overflows] ?? 0;
  if (overflows !== 0) {
    refuse(
      `Step ${request.step} must not be applied: ${overflows} elements overflowed their scale. Redo it at the agreed exponents.`,
    );
  }
}

/** Rows of one slice, at most: a micro-batch of b rows is cut into slices of this many, the last of them shorter or empty. */
export const sliceRows = (job: Job): number => Math.ceil(microBatchSize(job) / SLICES_PER_MICRO_BATCH);

/** Slices of a micro-batch that hold any sample: one, where a micro-batch is one sample. */
export const slicesOf = (samples: number, samplesPerSlice: number): number =>
  Math.min(SLICES_PER_MICRO_BATCH, Math.ceil(samples / samplesPerSlice));

/** Rows from a loader, checked; whatever it throws becomes an `EngineError` of fault `loader`. */
export async function loadRows(loader: Loader, split: Split, rows: Int32Array): Promise<Samples> {
  let samples: Samples;
  try {
    samples = await loader.load(split, rows);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('loader', `The data loader failed: ${reason}`, { cause });
  }
  const { format } = loader;
  const count = rows.length;
  checkInputs('loader', format, count, samples.inputs);
  const whole = samples.labels.length === count * format.positions;
  if (!whole || samples.labels.some((label) => label < 0 || label >= format.classes)) {
    throw new EngineError(
      'loader',
      `The data loader should give ${count * format.positions} labels below ${format.classes} with ${count} samples; ` +
        `it gave ${samples.labels.length}${whole ? ', one of them out of that range' : ''}.`,
    );
  }
  return samples;
}

/** Refuses inputs that are not `count` samples of that format. */
function checkInputs(fault: EngineFault, format: SampleFormat, count: number, inputs: Inputs): void {
  const tokens = format.type === 'tokens';
  const numbers = count * inputLength(format);
  const whole = inputs.length === numbers && inputs instanceof Int32Array === tokens;
  const fits = (input: number): boolean =>
    tokens ? input >= 0 && input < format.classes : Number.isFinite(input);
  if (whole && inputs.every(fits)) return;
  throw new EngineError(
    fault,
    `${count} samples should have ${numbers} ${tokens ? `tokens below ${format.classes}` : 'finite f32 numbers'} as inputs; ` +
      `found ${inputs.length} ${inputs instanceof Int32Array ? 'tokens' : 'f32 numbers'}${whole ? ', one of them not of that kind' : ''}.`,
  );
}

/** Refuses what cannot be predicted on, and tells how many samples there are. */
export function checkPrediction(format: SampleFormat, { inputs, position }: PredictRequest): number {
  const count = inputs.length / inputLength(format);
  if (!Number.isInteger(count) || count < 1 || count > MAX_PREDICTIONS) {
    refuse(
      `Predictions are asked for 1 to ${MAX_PREDICTIONS} samples of ${inputLength(format)} numbers: found ${inputs.length} numbers.`,
    );
  }
  if (!Number.isInteger(position) || position < 0 || position >= format.positions) {
    refuse(`A sample has predictions at positions 0 to ${format.positions - 1}: ${position} was asked for.`);
  }
  checkInputs('bad-state', format, count, inputs);
  return count;
}

/** The samples of the given micro-batches of a step, one after the other. */
export function loadMicroBatches(
  job: Job,
  loader: Loader,
  step: number,
  microBatches: readonly number[],
): Promise<Samples> {
  const batch = batchRows(job, loader.sizes.train, step);
  const size = microBatchSize(job);
  const rows = new Int32Array(microBatches.length * size);
  microBatches.forEach((microBatch, i) => {
    rows.set(batch.subarray(microBatch * size, (microBatch + 1) * size), i * size);
  });
  return loadRows(loader, 'train', rows);
}

/** Refuses a data set that the model cannot take. */
export function checkLoader({ values: [input], positions, classes }: Graph, { format }: Loader): void {
  if (input === undefined) throw new RangeError('A graph has an input.');
  const features = elements(input.shape);
  const found = inputLength(format);
  if (
    format.type === input.type &&
    found === features &&
    format.positions === positions &&
    format.classes === classes
  ) {
    return;
  }
  const kind = (type: SampleFormat['type']): string => (type === 'tokens' ? 'tokens' : 'features');
  throw new EngineError(
    'bad-state',
    `The model takes ${features} ${kind(input.type)} and makes ${positions} predictions among ${classes} classes; the data has ` +
      `${found} ${kind(format.type)}, ${format.positions} labels and ${format.classes} classes. Change the job's model.`,
  );
}
