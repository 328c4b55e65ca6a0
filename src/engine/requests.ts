// What both engines check before they compute, and how they get their samples.

import { MAX_EXPONENT, MIN_EXPONENT, SLICES_PER_MICRO_BATCH } from '../collective/fixed-point.ts';
import type { LaneLayout } from '../collective/lanes.ts';
import type { Job } from '../job/job.ts';
import { batchRows, microBatchSize } from '../job/sampler.ts';
import {
  EngineError,
  type ApplyRequest,
  type ContributionRequest,
  type TrainingState,
} from '../ports/engine.ts';
import type { Loader, Samples, Split } from '../ports/loader.ts';

function refuse(message: string): never {
  throw new EngineError('bad-state', message);
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
}

export function checkApply(
  layout: LaneLayout,
  state: Pick<TrainingState, 'step'>,
  request: ApplyRequest,
): void {
  checkStep(request.step, state);
  checkExponents(request.exponents, layout.tensors);
  const { reduced } = request;
  if (reduced.length !== layout.length) {
    refuse(`The reduced lanes should be ${layout.length} numbers and are ${reduced.length}.`);
  }
  const overflows = reduced[layout.overflows] ?? 0;
  const nonFinite = reduced[layout.nonFinite] ?? 0;
  if (overflows !== 0 || nonFinite !== 0) {
    refuse(
      `Step ${request.step} must not be applied: ${overflows} elements overflowed their scale and ${nonFinite} are not finite.` +
        ' Redo it at the agreed exponents, or stop.',
    );
  }
}

/** Rows of one slice, at most: a micro-batch of b rows is cut into slices of this many, the last of them shorter or empty. */
export const sliceRows = (job: Job): number => Math.ceil(microBatchSize(job) / SLICES_PER_MICRO_BATCH);

/** Rows from a loader, checked; whatever it throws becomes an `EngineError` of fault `loader`. */
export async function loadRows(loader: Loader, split: Split, rows: Int32Array): Promise<Samples> {
  let samples: Samples;
  try {
    samples = await loader.load(split, rows);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('loader', `The data loader failed: ${reason}`, { cause });
  }
  const whole =
    samples.inputs.length === rows.length * loader.features && samples.labels.length === rows.length;
  if (!whole || samples.labels.some((label) => label < 0 || label >= loader.classes)) {
    throw new EngineError(
      'loader',
      `The data loader should give ${rows.length} samples of ${loader.features} features with labels below ` +
        `${loader.classes}; it gave ${samples.inputs.length} numbers and ${samples.labels.length} labels.`,
    );
  }
  return samples;
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
export function checkLoader(job: Job, loader: Loader): void {
  const inputs = job.model.layers[0];
  const outputs = job.model.layers.at(-1);
  if (loader.features === inputs && loader.classes === outputs) return;
  throw new EngineError(
    'bad-state',
    `The model takes ${String(inputs)} features and tells ${String(outputs)} classes apart; the data has ` +
      `${loader.features} and ${loader.classes}. Change the job's layers.`,
  );
}
