// A state file from outside, such as an upload: nothing is known of it before, and nothing in it is believed.

import { FormatError } from '../checkpoint/format-error.ts';
import { progressIn } from '../checkpoint/progress.ts';
import type { Progress } from '../checkpoint/progress.ts';
import { StateFileError, decodeState, readJob } from '../checkpoint/state-file.ts';
import { parameterTensors } from '../engine/graph/parameters.ts';
import { ShapeError } from '../engine/layers/layer.ts';
import { checkState, stateHash } from '../engine/state.ts';
import { jobHash } from '../job/job.ts';
import type { Job } from '../job/job.ts';
import { EngineError } from '../ports/engine.ts';
import type { TrainingState } from '../ports/engine.ts';
import type { JobHash, StateHash } from '../ports/ids.ts';
import type { CheckpointNotes } from '../ports/store.ts';

/** Larger than any checkpoint that a browser trains, and small enough to be held in memory twice. */
export const MAX_STATE_FILE_BYTES = 1024 * 1024 * 1024;

export interface StateFile {
  readonly job: Job;
  readonly jobHash: JobHash;
  readonly state: TrainingState;
  /** Of the tensors as they are in the file. */
  readonly stateHash: StateHash;
  readonly notes: CheckpointNotes;
  /** Undefined in files that say none, or none that is well-formed. */
  readonly progress: Progress | undefined;
}

/** Throws a `FormatError` when the size alone rules a file out, before it is read into memory. */
export function checkStateFileSize(bytes: number): void {
  if (bytes <= MAX_STATE_FILE_BYTES) return;
  throw new FormatError(
    'size',
    `The file has ${bytes} bytes; a checkpoint has at most ${MAX_STATE_FILE_BYTES} (1 GiB): this is no checkpoint of Rankfall.`,
  );
}

/** Reads and verifies. Throws a `FormatError` or a `StateFileError`, and nothing else, whatever the bytes are. */
export function readStateFile(bytes: Uint8Array<ArrayBuffer>): StateFile {
  checkStateFileSize(bytes.length);
  const job = readJob(bytes);
  const read = fitting(() => decodeState(bytes, job, parameterTensors(job.model)));
  const { state, notes } = read;
  const found = stateHash(state);
  if (found !== read.stateHash) {
    throw new StateFileError(
      'not-a-state',
      `The state in the file has hash ${found}, and the file says ${read.stateHash}: it was damaged or changed.`,
    );
  }
  fitting(() => {
    checkState(job, state);
  });
  return { job, jobHash: jobHash(job), state, stateHash: found, notes, progress: progressIn(notes) };
}

/** A job whose layers do not fit each other, or a state that does not fit the job, is a bad file here and no fault of ours. */
function fitting<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ShapeError || error instanceof EngineError)
      throw new StateFileError('not-a-state', `The file does not fit its own job: ${error.message}`, {
        cause: error,
      });
    throw error;
  }
}

export const isStateFileProblem = (error: unknown): error is FormatError | StateFileError =>
  error instanceof FormatError || error instanceof StateFileError;
