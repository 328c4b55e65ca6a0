// Which rows a step trains on: a pure function of the job and the step, so that no rank owns data.
//
// Each epoch is a permutation of the training split, drawn from (seed, epoch). Steps take consecutive global batches of it; what
// does not fill a batch at the end is left out of that epoch. A global batch is cut into M micro-batches of equal size.

import { JobError, type Job } from './job.ts';
import { randomStream, uniformInteger } from './random.ts';

/** Sets the sampler's streams apart from those of other uses of the seed. */
const PURPOSE_SHUFFLE = 0x73_68_75_66;

/** Steps in one pass over the training split. */
export function stepsPerEpoch(job: Job, trainSize: number): number {
  const steps = Math.floor(trainSize / job.globalBatch);
  if (steps < 1) {
    throw new JobError(
      `A global batch of ${job.globalBatch} samples does not fit into ${trainSize} training samples: make it smaller.`,
    );
  }
  return steps;
}

/** The epoch, from 0, that a step belongs to. */
export const epochOf = (job: Job, trainSize: number, step: number): number =>
  Math.floor(step / stepsPerEpoch(job, trainSize));

/** The order drawn last: a text has a million samples, and its steps follow each other within one epoch. */
let last: { readonly seed: number; readonly epoch: number; readonly order: Int32Array } | undefined;

/** 0 to size − 1 in the order of an epoch. Not to be written to. */
function permutation(seed: number, epoch: number, size: number): Int32Array {
  if (last?.seed !== seed || last.epoch !== epoch || last.order.length !== size) {
    last = { seed, epoch, order: shuffled(seed, epoch, size) };
  }
  return last.order;
}

/** Fisher–Yates, as Knuth gives it (TAOCP 2, algorithm P). */
function shuffled(seed: number, epoch: number, size: number): Int32Array<ArrayBuffer> {
  const next = randomStream(seed, PURPOSE_SHUFFLE, epoch);
  const order = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    const j = uniformInteger(next, i + 1);
    order[i] = order[j] ?? 0;
    order[j] = i;
  }
  return order;
}

/** i32[globalBatch]: rows of the training split that step `step` trains on. */
export function batchRows(job: Job, trainSize: number, step: number): Int32Array<ArrayBuffer> {
  const perEpoch = stepsPerEpoch(job, trainSize);
  const order = permutation(job.seed, Math.floor(step / perEpoch), trainSize);
  const first = (step % perEpoch) * job.globalBatch;
  return Int32Array.from(order.subarray(first, first + job.globalBatch));
}

/** Samples in one micro-batch. */
export const microBatchSize = (job: Job): number => job.globalBatch / job.microBatches;

/** i32[globalBatch / microBatches]: the rows of micro-batch `microBatch` (0 to M − 1) in that step. */
export function microBatchRows(
  job: Job,
  trainSize: number,
  step: number,
  microBatch: number,
): Int32Array<ArrayBuffer> {
  const size = microBatchSize(job);
  return batchRows(job, trainSize, step).slice(microBatch * size, (microBatch + 1) * size);
}
