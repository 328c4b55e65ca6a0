// What both engines check before they compute, and how they get their samples.

import { MAX_EXPONENT, MIN_EXPONENT, SLICES_PER_MICRO_BATCH } from '../collective/fixed-point.ts';
import { firstNonFinite, TOO_MANY_BAD, type LaneLayout } from '../collective/lanes.ts';
import type { Job } from '../job/job.ts';
import { recoveryOf } from '../job/recovery-schema.ts';
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
import { inputLength, LEFT_OUT } from '../ports/loader.ts';
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

function checkQuarantined(rows: readonly number[] | undefined): void {
  const stray = rows?.find((row) => !Number.isSafeInteger(row) || row < 0 || row >= TOO_MANY_BAD);
  if (stray !== undefined) refuse(`Rows to leave out are whole numbers from 0: ${stray}.`);
}

/** The rows of a state's quarantine and those that join them, ascending. */
export const joinQuarantine = (
  quarantine: Int32Array<ArrayBuffer>,
  rows: readonly number[] | undefined,
): Int32Array<ArrayBuffer> =>
  rows === undefined || rows.length === 0
    ? quarantine
    : Int32Array.from(new Set([...quarantine, ...rows])).sort();

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
  checkQuarantined(request.quarantined);
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
  checkQuarantined(request.quarantined);
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
  checkSamples(loader.format, rows.length, samples);
  return samples;
}

/** Refuses what is not so many samples of that format, with an `EngineError` of fault `loader`. */
export function checkSamples(format: SampleFormat, count: number, { inputs, labels, bad }: Samples): void {
  checkInputs('loader', format, count, inputs);
  const whole = labels.length === count * format.positions;
  const fits = (label: number): boolean =>
    (label >= 0 && label < format.classes) || (bad !== undefined && label === LEFT_OUT);
  if (whole && labels.every(fits)) return;
  throw new EngineError(
    'loader',
    `The data loader should give ${count * format.positions} labels below ${format.classes} with ${count} samples; ` +
      `it gave ${labels.length}${whole ? ', one of them out of that range' : ''}.`,
  );
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

/** Rows of the given micro-batches of a step, one after the other. */
function rowsOf(job: Job, trainSize: number, step: number, microBatches: readonly number[]): Int32Array {
  const batch = batchRows(job, trainSize, step);
  const size = microBatchSize(job);
  const rows = new Int32Array(microBatches.length * size);
  microBatches.forEach((microBatch, i) => {
    rows.set(batch.subarray(microBatch * size, (microBatch + 1) * size), i * size);
  });
  return rows;
}

/** The samples of a request's micro-batches, one after the other. Those in quarantine are not loaded, and have `LEFT_OUT` for labels. */
export async function loadMicroBatches(
  job: Job,
  loader: Loader,
  { step, microBatches, quarantined }: ContributionRequest,
  quarantine: Int32Array<ArrayBuffer>,
): Promise<Samples> {
  const rows = rowsOf(job, loader.sizes.train, step, microBatches);
  const out = new Set(joinQuarantine(quarantine, quarantined));
  const kept = out.size === 0 ? rows : rows.filter((row) => !out.has(row));
  if (kept.length === rows.length) return await loadRows(loader, 'train', rows);
  const { format } = loader;
  const { inputs, labels, bad } = await loadRows(loader, 'train', kept);
  const width = inputLength(format);
  const { positions } = format;
  const all = rows.length * width;
  const wholeInputs = inputs instanceof Int32Array ? new Int32Array(all) : new Float32Array(all);
  const wholeLabels = new Int32Array(rows.length * positions).fill(LEFT_OUT);
  let from = 0;
  rows.forEach((row, to) => {
    if (out.has(row)) return;
    wholeInputs.set(inputs.subarray(from * width, (from + 1) * width), to * width);
    wholeLabels.set(labels.subarray(from * positions, (from + 1) * positions), to * positions);
    from += 1;
  });
  return { inputs: wholeInputs, labels: wholeLabels, bad };
}

/** Tells the loader what the same micro-batches of the next step will be. */
export function expectNext(
  job: Job,
  loader: Loader,
  { step, microBatches }: ContributionRequest,
  quarantine: Int32Array<ArrayBuffer>,
): void {
  if (loader.expect === undefined || step + 1 >= job.steps) return;
  const rows = rowsOf(job, loader.sizes.train, step + 1, microBatches);
  loader.expect('train', quarantine.length === 0 ? rows : rows.filter((row) => !quarantine.includes(row)));
}

/** What the lane `badSample` says of a bad row that was just found. */
export const badSampleCode = (
  job: Job,
  bad: number | undefined,
  quarantine: Int32Array<ArrayBuffer>,
  quarantined: readonly number[] | undefined,
): number => {
  if (bad === undefined) return 0;
  const most = recoveryOf(job.policies).quarantine;
  return joinQuarantine(quarantine, quarantined).length < most ? bad + 1 : TOO_MANY_BAD;
};

/** Predictions that count, of samples that may have some left out. */
export const countedPredictions = (labels: Int32Array): number =>
  labels.reduce((count, label) => count + (label === LEFT_OUT ? 0 : 1), 0);

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
