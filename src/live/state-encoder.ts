// A snapshot as a state file, verified first: what is written must be the state that the room has agreed on.

import { encodeState } from '../checkpoint/state-file.ts';
import { parameterTensors } from '../engine/graph/parameters.ts';
import { stateHash } from '../engine/state.ts';
import type { Job } from '../job/job.ts';
import type { TrainingState } from '../ports/engine.ts';
import type { GenerationId, JobHash, StateHash } from '../ports/ids.ts';
import type { CheckpointNotes } from '../ports/store.ts';

/** A state, and what goes with it into its file. */
export interface Snapshot {
  readonly generation: GenerationId;
  readonly step: number;
  /** What all members have agreed on. */
  readonly hash: StateHash;
  readonly job: Job;
  readonly jobHash: JobHash;
  readonly state: TrainingState;
  readonly notes: CheckpointNotes;
}

/** Throws where the state is not the one that was agreed on. */
export function encodeSnapshot({
  step,
  hash,
  job,
  jobHash,
  state,
  notes,
}: Snapshot): Uint8Array<ArrayBuffer> {
  const found = stateHash(state);
  if (state.step !== step || found !== hash) {
    throw new Error(
      `The engine's state is of step ${state.step} with hash ${found}, expected step ${step} with ${hash}.`,
    );
  }
  return encodeState({ state, job, jobHash, stateHash: hash, notes }, parameterTensors(job.model));
}
