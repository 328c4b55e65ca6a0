// How far a run is, as a checkpoint tells it beside the tensors: what a reader without the job's data could not work out alone.
//
// Sampler and random numbers have no state of their own, since every draw is a pure function of (seed, purpose, position); their
// position follows from the step, and is written so that another program need not know how.

import * as v from 'valibot';
import { epochOf, stepsPerEpoch } from '../job/sampler.ts';
import type { Job } from '../job/job.ts';
import { isIncarnationId } from '../ports/ids.ts';
import type { GenerationId, IncarnationId } from '../ports/ids.ts';
import type { CheckpointNotes } from '../ports/store.ts';
import type { Ledger } from '../trace/ledger.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Rank-milliseconds. */
const spent = v.pipe(v.number(), v.finite(), v.minValue(0));

const LedgerSchema = v.strictObject({
  compute: spent,
  exposedCommunication: spent,
  straggler: spent,
  detect: spent,
  abort: spent,
  regroup: spent,
  heal: spent,
  redo: spent,
  checkpoint: spent,
  idle: spent,
}) satisfies v.GenericSchema<Ledger>;

const ProgressSchema = v.strictObject({
  generation: v.strictObject({
    incarnation: v.custom<IncarnationId>(
      (value) => typeof value === 'string' && isIncarnationId(value),
      'expected an incarnation',
    ),
    number: count,
  }),
  /** The pass over the training split that the next step belongs to, from 0. */
  epoch: count,
  /** Where the next step's batch begins in that epoch's order of rows. */
  sampler: v.strictObject({ row: count, rows: count, stepsPerEpoch: count }),
  /** What the next draws are keyed by: the sampler's by (seed, epoch), all others by (seed, step). */
  random: v.strictObject({
    generator: v.literal('sfc32'),
    seed: count,
    epoch: count,
    step: count,
  }),
  /** Where the time of the ranks went that brought the state here. */
  ledger: LedgerSchema,
});

export type Progress = Readonly<v.InferOutput<typeof ProgressSchema>>;

/** `trainSize`: rows of the training split. */
export function progressAt(
  job: Job,
  trainSize: number,
  step: number,
  generation: GenerationId,
  ledger: Ledger,
): Progress {
  const perEpoch = stepsPerEpoch(job, trainSize);
  const epoch = epochOf(job, trainSize, step);
  return {
    generation: { incarnation: generation.incarnation, number: generation.number },
    epoch,
    sampler: { row: (step % perEpoch) * job.globalBatch, rows: trainSize, stepsPerEpoch: perEpoch },
    random: { generator: 'sfc32', seed: job.seed, epoch, step },
    ledger,
  };
}

export const progressNotes = (progress: Progress | undefined): CheckpointNotes =>
  progress === undefined ? {} : { progress };

/** What notes from elsewhere say; undefined where they say nothing well-formed. */
export function progressIn(notes: CheckpointNotes): Progress | undefined {
  const parsed = v.safeParse(ProgressSchema, notes['progress']);
  return parsed.success ? parsed.output : undefined;
}
