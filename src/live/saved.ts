// What a rank finds in its browser when it starts: the newest checkpoint of the room that verifies in every way.

import * as v from 'valibot';
import { decodeState, readJob } from '../checkpoint/state-file.ts';
import { parameterTensors } from '../engine/graph/parameters.ts';
import { stateHash } from '../engine/state.ts';
import type { Job } from '../job/job.ts';
import type { TrainingState } from '../ports/engine.ts';
import type { JobHash } from '../ports/ids.ts';
import type {
  CheckpointNotes,
  CheckpointRecord,
  CheckpointStore,
  CheckpointSummary,
} from '../ports/store.ts';
import type { Provenance } from '../protocol/provenance.ts';
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

/** The job of the room's newest checkpoint that says one; undefined for a room without checkpoints. */
export async function findJob(store: CheckpointStore, room: string): Promise<Job | undefined> {
  for (const { id } of await store.list(room)) {
    try {
      return readJob((await store.load(id)).file);
    } catch {
      // It will be named among the skipped ones when a state is looked for.
    }
  }
  return undefined;
}

/** Looks for the newest one, and says of each that it passes over why. Rejects when the store cannot be read at all. */
export async function findSaved(
  store: CheckpointStore,
  room: string,
  job: Job,
  jobHash: JobHash,
  skipped: (step: number, reason: string) => void,
): Promise<Saved | undefined> {
  const read = (record: CheckpointRecord): Saved | undefined => {
    const { summary } = record;
    try {
      const { state, notes } = decodeState(record.file, job, parameterTensors(job.model));
      const found = stateHash(state);
      if (state.step === summary.step && found === summary.stateHash)
        return { summary, state, notes, provenance: provenanceOf(notes, state.step) };
      skipped(
        summary.step,
        `Its state is of step ${state.step} with hash ${found}, expected step ${summary.step} with ${summary.stateHash}.`,
      );
    } catch (error) {
      skipped(summary.step, messageOf(error));
    }
    return undefined;
  };

  const newest = await store.loadNewest(room, jobHash);
  for (const { summary, reason } of newest.skipped) skipped(summary.step, reason);
  if (newest.found === undefined) return undefined;
  const saved = read(newest.found);
  if (saved !== undefined) return saved;

  // Its pieces are what was written, and yet it is no state of this job: go on to older ones.
  const all = await store.list(room);
  const older = all.slice(all.findIndex(({ id }) => id === newest.found?.summary.id) + 1);
  for (const summary of older) {
    if (summary.jobHash !== jobHash) continue;
    try {
      const earlier = read(await store.load(summary.id));
      if (earlier !== undefined) return earlier;
    } catch (error) {
      skipped(summary.step, messageOf(error));
    }
  }
  return undefined;
}
