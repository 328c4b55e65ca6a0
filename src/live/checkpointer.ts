// Checkpoints behind the training: one save in flight and at most one waiting, which a newer snapshot replaces.

import { encodeState } from '../checkpoint/state-file.ts';
import { parameterTensors } from '../engine/graph/parameters.ts';
import type { Job } from '../job/job.ts';
import type { TrainingState } from '../ports/engine.ts';
import type { GenerationId, JobHash, StateHash } from '../ports/ids.ts';
import type { CheckpointNotes, CheckpointStore, CheckpointSummary } from '../ports/store.ts';
import { defer } from './deferred.ts';
import type { Deferred } from './deferred.ts';

export interface Snapshot {
  readonly generation: GenerationId;
  readonly hash: StateHash;
  readonly job: Job;
  readonly jobHash: JobHash;
  readonly state: TrainingState;
  readonly notes: CheckpointNotes;
}

interface Waiting {
  readonly snapshot: Snapshot;
  readonly result: Deferred<CheckpointSummary>;
}

/** Saves a snapshot, or a newer one in its place. Rejects with what the store says. */
export type SaveSnapshot = (snapshot: Snapshot) => Promise<CheckpointSummary>;

export function createCheckpointer(room: string, store: CheckpointStore): SaveSnapshot {
  let saving = false;
  let waiting: Waiting | undefined;

  const save = async ({
    generation,
    hash,
    job,
    jobHash,
    state,
    notes,
  }: Snapshot): Promise<CheckpointSummary> => {
    const file = encodeState({ state, job, jobHash, stateHash: hash, notes }, parameterTensors(job.model));
    return await store.save({ room, generation, step: state.step }, jobHash, hash, file);
  };

  const work = async (): Promise<void> => {
    saving = true;
    while (waiting !== undefined) {
      const { snapshot, result } = waiting;
      waiting = undefined;
      await save(snapshot).then(result.resolve, result.reject);
    }
    saving = false;
  };

  return (snapshot) => {
    const result = waiting?.result ?? defer<CheckpointSummary>();
    waiting = { snapshot, result };
    if (!saving) void work();
    return result.promise;
  };
}
