// What a rank finds in its browser when it starts: the newest checkpoint of the room that verifies in every way.

import * as v from 'valibot';
import { decodeState, readJob } from '../checkpoint/state-file.ts';
import { parameterTensors } from '../engine/graph/parameters.ts';
import { stateHash } from '../engine/state.ts';
import type { Job } from '../job/job.ts';
import type { TrainingState } from '../ports/engine.ts';
import type { JobHash } from '../ports/ids.ts';
import { StoreError } from '../ports/store.ts';
import type { CheckpointNotes, CheckpointStore, CheckpointSummary } from '../ports/store.ts';
import type { Provenance } from '../protocol/provenance.ts';
import { isWanted, type NewestWanted } from '../protocol/saved.ts';
import { messageOf } from './message-of.ts';

export interface Saved {
  readonly summary: CheckpointSummary;
  readonly state: TrainingState;
  readonly notes: CheckpointNotes;
  readonly provenance: Provenance;
}

const ProvenanceSchema = v.object({
  provenance: v.strictObject({
    fingerprint: v.pipe(v.string(), v.maxLength(128)),
    updateMode: v.picklist(['native', 'portable']),
    exactness: v.variant('kind', [
      v.strictObject({ kind: v.literal('exact') }),
      v.strictObject({
        kind: v.literal('unpromised'),
        since: v.pipe(v.number(), v.integer(), v.minValue(0)),
      }),
    ]),
  }),
});

export const provenanceNotes = (provenance: Provenance | undefined): CheckpointNotes =>
  provenance === undefined ? {} : { provenance };

/** A state that does not say how it came about is one that promises nothing. */
function provenanceOf(notes: CheckpointNotes, step: number): Provenance {
  const parsed = v.safeParse(ProvenanceSchema, notes);
  if (parsed.success) return parsed.output.provenance;
  return { fingerprint: '', updateMode: 'portable', exactness: { kind: 'unpromised', since: step } };
}

/** Where a rank looks: under a name, and only at one checkpoint where one was chosen. */
export interface Place {
  readonly path: string;
  readonly from: string | undefined;
  /** Those that are older than what is at hand are not read. */
  readonly wanted?: NewestWanted | undefined;
}

const listed = async (
  store: CheckpointStore,
  { path, from, wanted }: Place,
): Promise<readonly CheckpointSummary[]> =>
  (await store.list(path)).filter(
    ({ id, generation, step }) =>
      (from === undefined || id === from) &&
      (wanted === undefined || isWanted(wanted, { lineage: generation, step })),
  );

/** The job of the newest checkpoint that says one that is wanted; undefined where there is none. */
export async function findJob(
  store: CheckpointStore,
  place: Place,
  wanted: (job: Job) => boolean,
): Promise<Job | undefined> {
  for (const { id } of await listed(store, place)) {
    try {
      const job = readJob((await store.load(id)).file);
      if (wanted(job)) return job;
    } catch {
      // It will be named among the skipped ones when a state is looked for.
    }
  }
  return undefined;
}

/** What the job calls itself, to stand before its hash; nothing where the file does not tell. */
async function nameOfJob(store: CheckpointStore, id: string): Promise<string> {
  try {
    return `“${readJob((await store.load(id)).file).name}” `;
  } catch {
    return '';
  }
}

/** Looks for the newest one, and says of each that it passes over why. Rejects when the store cannot be read at all. */
export async function findSaved(
  store: CheckpointStore,
  place: Place,
  job: Job,
  jobHash: JobHash,
  skipped: (step: number, reason: string) => void,
): Promise<Saved | undefined> {
  for (const summary of await listed(store, place)) {
    const { step } = summary;
    if (summary.jobHash !== jobHash) {
      const found = summary.jobHash.slice(0, 12);
      skipped(
        step,
        `It belongs to another job, ${await nameOfJob(store, summary.id)}(${found}…, expected ${jobHash.slice(0, 12)}…).`,
      );
      continue;
    }
    try {
      // Its pieces may be what was written, and yet no state of this job.
      const { file } = await store.load(summary.id);
      const { state, notes } = decodeState(file, job, parameterTensors(job.model));
      const found = stateHash(state);
      if (state.step === step && found === summary.stateHash)
        return { summary, state, notes, provenance: provenanceOf(notes, step) };
      skipped(
        step,
        `Its state is of step ${state.step} with hash ${found}, expected step ${step} with ${summary.stateHash}.`,
      );
    } catch (error) {
      if (error instanceof StoreError && error.fault !== 'corrupt' && error.fault !== 'missing') throw error;
      skipped(step, messageOf(error));
    }
  }
  return undefined;
}
