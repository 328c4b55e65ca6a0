// A whole training state as one safetensors file: what a checkpoint stores, and what a donor sends to a rank that heals.
//
// Tensors: each model parameter under its own name (`0.weight`), moments as `optimizer.firstMoments.<name>` (SGD's momentum too) and,
// for AdamW, `optimizer.secondMoments.<name>` and `powers` (F32), `exponents` (I32); where samples are left out, their rows as
// `quarantine` (I32). Everything else is text in the metadata.

import * as v from 'valibot';
import { JobError, canonicalJson, parseJob, jobHash as hashOfJob } from '../job/job.ts';
import type { Job } from '../job/job.ts';
import { optimizerMemory } from '../job/optimizer-schema.ts';
import type { ParameterTensor, TrainingState } from '../ports/engine.ts';
import { isJobHash, isStateHash } from '../ports/ids.ts';
import type { JobHash, StateHash } from '../ports/ids.ts';
import type { CheckpointNotes } from '../ports/store.ts';
import { FormatError } from './format-error.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
import type { Dtype, Tensor, TensorFile } from './safetensors.ts';

export interface StateFileContents {
  readonly state: TrainingState;
  readonly job: Job;
  readonly jobHash: JobHash;
  readonly stateHash: StateHash;
  readonly notes: CheckpointNotes;
}

export type StateFileFault = 'not-a-state' | 'other-job' | 'tensors';

/** A safetensors file that is no training state of the job, or a state that does not fit the job. */
export class StateFileError extends Error {
  override readonly name = 'StateFileError';
  constructor(
    readonly fault: StateFileFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const FORMAT = '1';
const FIRST = 'optimizer.firstMoments.';
const SECOND = 'optimizer.secondMoments.';
const EXPONENTS = 'exponents';
const POWERS = 'powers';
const QUARANTINE = 'quarantine';

const HeaderSchema = v.object({
  'rankfall.format': v.literal(FORMAT),
  step: v.pipe(v.string(), v.regex(/^(0|[1-9]\d{0,15})$/), v.transform(Number), v.safeInteger()),
  job: v.string(),
  jobHash: v.custom<JobHash>(
    (value) => typeof value === 'string' && isJobHash(value),
    'expected 64 hex digits',
  ),
  stateHash: v.custom<StateHash>(
    (value) => typeof value === 'string' && isStateHash(value),
    'expected 32 hex digits',
  ),
  notes: v.string(),
});

/**
 * `parameters`: the tensors of the job's model. Throws a `StateFileError` when the state does not fit the job, and a `FormatError`
 * when the notes cannot be written.
 */
export function encodeState(
  contents: StateFileContents,
  parameters: readonly ParameterTensor[],
): Uint8Array<ArrayBuffer> {
  const { state, job } = contents;
  const count = countOf(parameters);
  const { moments, powers } = optimizerMemory(job.optimizer);
  requireLength('parameters', state.parameters.length, count);
  requireLength('firstMoments', state.firstMoments.length, count);
  requireLength('secondMoments', state.secondMoments.length, moments === 2 ? count : 0);
  requireLength(EXPONENTS, state.exponents.length, parameters.length);
  requireLength(POWERS, state.powers.length, powers);

  const tensors = new Map<string, Tensor>();
  const addGroup = (prefix: string, values: Float32Array<ArrayBuffer>): void => {
    for (const { name, shape, offset, length } of parameters) {
      tensors.set(prefix + name, {
        dtype: 'F32',
        shape,
        data: bytesOf(values.subarray(offset, offset + length)),
      });
    }
  };
  addGroup('', state.parameters);
  addGroup(FIRST, state.firstMoments);
  if (moments === 2) addGroup(SECOND, state.secondMoments);
  tensors.set(EXPONENTS, { dtype: 'I32', shape: [parameters.length], data: bytesOf(state.exponents) });
  const { quarantine } = state;
  if (quarantine.length > 0)
    tensors.set(QUARANTINE, { dtype: 'I32', shape: [quarantine.length], data: bytesOf(quarantine) });
  if (powers > 0) tensors.set(POWERS, { dtype: 'F32', shape: [powers], data: bytesOf(state.powers) });

  return encodeSafetensors(
    tensors,
    new Map([
      ['rankfall.format', FORMAT],
      ['step', String(state.step)],
      ['job', canonicalJson(job)],
      ['jobHash', contents.jobHash],
      ['stateHash', contents.stateHash],
      ['notes', notesText(contents.notes)],
    ]),
  );
}

/** The job that a state belongs to, by what is written in its file. Throws a `FormatError` or a `StateFileError`. */
export function readJob(bytes: Uint8Array<ArrayBuffer>): Job {
  const text = decodeSafetensors(bytes).metadata.get('job');
  try {
    return parseJob(JSON.parse(text ?? ''));
  } catch (error) {
    throw new StateFileError(
      'not-a-state',
      'The file names no job that can be read: it is no Rankfall state.',
      {
        cause: error,
      },
    );
  }
}

/**
 * Reads a state of the given job, whose model has the given tensors. The arrays are fresh copies. Throws a `FormatError` or a `StateFileError`.
 *
 * `stateHash` is what the writer said: whoever imports the state compares it with the hash of what was imported.
 */
export function decodeState(
  bytes: Uint8Array<ArrayBuffer>,
  job: Job,
  parameters: readonly ParameterTensor[],
): { readonly state: TrainingState; readonly stateHash: StateHash; readonly notes: CheckpointNotes } {
  const file = decodeSafetensors(bytes);
  const header = v.safeParse(HeaderSchema, Object.fromEntries(file.metadata));
  if (!header.success) {
    const issue = header.issues[0];
    const path = issue.path?.map((item) => String(item.key)).join('.') ?? 'metadata';
    throw new StateFileError(
      'not-a-state',
      `The file is no Rankfall state: its metadata is wrong at "${path}": ${issue.message}`,
    );
  }
  const { step, jobHash, stateHash } = header.output;
  const expectedJob = hashOfJob(job);
  if (jobHash !== expectedJob) {
    throw new StateFileError(
      'other-job',
      `The file belongs to job ${jobHash.slice(0, 12)}…, expected ${expectedJob.slice(0, 12)}…: load it into a room with its own job.`,
    );
  }
  if (hashOfStoredJob(header.output.job) !== expectedJob) {
    throw new StateFileError(
      'not-a-state',
      'The job written in the file does not have the hash written beside it: the file is damaged.',
    );
  }

  const { moments, powers } = optimizerMemory(job.optimizer);
  const reader = tensorReader(file);
  const readGroup = (prefix: string): Float32Array<ArrayBuffer> => {
    const group = new Float32Array(countOf(parameters));
    const target = bytesOf(group);
    for (const tensor of parameters)
      target.set(reader.take(prefix + tensor.name, 'F32', tensor.shape), 4 * tensor.offset);
    return group;
  };
  // Every tensor is checked before the first array is made.
  for (const prefix of moments === 2 ? ['', FIRST, SECOND] : ['', FIRST])
    checkGroup(reader, prefix, parameters);
  const state: TrainingState = {
    step,
    parameters: readGroup(''),
    firstMoments: readGroup(FIRST),
    secondMoments: moments === 2 ? readGroup(SECOND) : new Float32Array(0),
    exponents: new Int32Array(copyOf(reader.take(EXPONENTS, 'I32', [parameters.length]))),
    quarantine: readQuarantine(file, reader),
    powers: powers > 0 ? new Float32Array(copyOf(reader.take(POWERS, 'F32', [powers]))) : new Float32Array(0),
  };
  reader.requireNothingElse();
  return { state, stateHash, notes: parseNotes(header.output.notes) };
}

/** No tensor where nothing is left out. */
function readQuarantine(file: TensorFile, reader: TensorReader): Int32Array<ArrayBuffer> {
  const shape = file.tensors.get(QUARANTINE)?.shape;
  if (shape === undefined) return new Int32Array(0);
  return new Int32Array(copyOf(reader.take(QUARANTINE, 'I32', [shape[0] ?? 0])));
}

const countOf = (parameters: readonly ParameterTensor[]): number =>
  parameters.reduce((sum, { length }) => sum + length, 0);

interface TensorReader {
  take(name: string, dtype: Dtype, shape: readonly number[]): Uint8Array<ArrayBuffer>;
  requireNothingElse(): void;
}

function tensorReader(file: TensorFile): TensorReader {
  const taken = new Set<string>();
  return {
    take(name, dtype, shape) {
      const tensor = file.tensors.get(name);
      const expected = `${dtype}[${shape.join(', ')}]`;
      if (tensor === undefined) {
        throw new StateFileError(
          'tensors',
          `The file has no tensor "${name}", expected ${expected}: it does not fit the job's model.`,
        );
      }
      const found = `${tensor.dtype}[${tensor.shape.slice(0, 8).join(', ')}]`;
      if (tensor.shape.length !== shape.length || found !== expected) {
        throw new StateFileError(
          'tensors',
          `Tensor "${name}" is ${found}, expected ${expected}: it does not fit the job's model.`,
        );
      }
      taken.add(name);
      return tensor.data;
    },
    requireNothingElse() {
      for (const name of file.tensors.keys()) {
        if (!taken.has(name)) {
          throw new StateFileError(
            'tensors',
            `The file holds a tensor "${name.slice(0, 80)}" that the job's model has not.`,
          );
        }
      }
    },
  };
}

function checkGroup(reader: TensorReader, prefix: string, parameters: readonly ParameterTensor[]): void {
  for (const { name, shape } of parameters) reader.take(prefix + name, 'F32', shape);
}

function hashOfStoredJob(text: string): JobHash {
  try {
    return hashOfJob(parseJob(JSON.parse(text)));
  } catch (error) {
    const why = error instanceof JobError ? error.message : 'It is not JSON.';
    throw new StateFileError('not-a-state', `The file's job cannot be read. ${why}`, { cause: error });
  }
}

function notesText(notes: CheckpointNotes): string {
  try {
    return JSON.stringify(notes);
  } catch (error) {
    throw new FormatError(
      'header',
      'The notes cannot be written as JSON: expected plain values without cycles.',
      { cause: error },
    );
  }
}

/** Notes from their JSON. Throws a `StateFileError`. */
export function parseNotes(text: string): CheckpointNotes {
  try {
    const notes: unknown = JSON.parse(text);
    if (typeof notes === 'object' && notes !== null && !Array.isArray(notes)) return notes as CheckpointNotes;
  } catch (error) {
    throw new StateFileError('not-a-state', "The file's notes are not JSON: it is damaged.", {
      cause: error,
    });
  }
  throw new StateFileError('not-a-state', "The file's notes are not a JSON object: it is damaged.");
}

function requireLength(what: string, found: number, expected: number): void {
  if (found !== expected) {
    throw new StateFileError(
      'tensors',
      `The state's ${what} have ${found} elements, the job's model needs ${expected}.`,
    );
  }
}

const bytesOf = (values: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** The bytes in a buffer of their own, aligned for any element type. */
const copyOf = (bytes: Uint8Array<ArrayBuffer>): ArrayBuffer => bytes.slice().buffer;
