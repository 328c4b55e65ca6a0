// The state file: every bit of a training state survives it, and what does not fit the job is refused with a typed error.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../../src/checkpoint/format-error.ts';
import { decodeSafetensors, encodeSafetensors } from '../../../src/checkpoint/safetensors.ts';
import type { Tensor } from '../../../src/checkpoint/safetensors.ts';
import { StateFileError, decodeState, encodeState } from '../../../src/checkpoint/state-file.ts';
import type { StateFileContents } from '../../../src/checkpoint/state-file.ts';
import { parameterTensors } from '../../../src/engine/graph/parameters.ts';
import { DEFAULT_JOB, jobHash } from '../../../src/job/job.ts';
import type { Job } from '../../../src/job/job.ts';
import { SMALL_JOB, stateHash, stateOf } from './states.ts';

const contents = (job = SMALL_JOB, step = 7) => ({
  state: stateOf(job, step),
  job,
  jobHash: jobHash(job),
  stateHash: stateHash('5'),
  notes: { losses: [2.3, 1.5], epoch: 1, text: 'naïve \ud83d\ude00 "quoted"' },
});

const encode = (written: StateFileContents): Uint8Array<ArrayBuffer> =>
  encodeState(written, parameterTensors(written.job.model));
const decode = (bytes: Uint8Array<ArrayBuffer>, job: Job): ReturnType<typeof decodeState> =>
  decodeState(bytes, job, parameterTensors(job.model));

function faultOf(bytes: Uint8Array<ArrayBuffer>, job = SMALL_JOB): string | undefined {
  try {
    decode(bytes, job);
    return undefined;
  } catch (error) {
    if (error instanceof StateFileError) return error.fault;
    if (error instanceof FormatError) return `format: ${error.fault}`;
    throw error;
  }
}

/** The same file with some tensors or metadata replaced (undefined: left out). */
function altered(
  changes: Readonly<Record<string, Tensor | undefined>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const file = decodeSafetensors(encode(contents()));
  const tensors = new Map(file.tensors);
  for (const [name, tensor] of Object.entries(changes)) {
    if (tensor === undefined) tensors.delete(name);
    else tensors.set(name, tensor);
  }
  return encodeSafetensors(tensors, new Map([...file.metadata, ...Object.entries(metadata)]));
}

describe('a state file', () => {
  test('gives back the state bit for bit, with its hash and notes', () => {
    for (const job of [SMALL_JOB, DEFAULT_JOB]) {
      const written = contents(job);
      const read = decode(encode(written), job);
      expect(read).toEqual({ state: written.state, stateHash: written.stateHash, notes: written.notes });
    }
  });

  test('keeps the bits of not-a-numbers, infinities and negative zero', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { minLength: 14, maxLength: 14 }),
        (words) => {
          const written = contents();
          const state = { ...written.state, parameters: new Float32Array(Int32Array.from(words).buffer) };
          const read = decode(encode({ ...written, state }), SMALL_JOB);
          expect([...new Int32Array(read.state.parameters.buffer)]).toEqual(words);
        },
      ),
    );
  });

  test('names its tensors as PyTorch names the parameters', () => {
    const { tensors } = decodeSafetensors(encode(contents()));
    expect([...tensors.keys()]).toEqual([
      ...['0.weight', '0.bias', '2.weight', '2.bias'],
      ...['0.weight', '0.bias', '2.weight', '2.bias'].map((name) => `optimizer.firstMoments.${name}`),
      ...['0.weight', '0.bias', '2.weight', '2.bias'].map((name) => `optimizer.secondMoments.${name}`),
      'exponents',
      'quarantine',
      'powers',
    ]);
    expect(tensors.get('0.weight')).toMatchObject({ dtype: 'F32', shape: [2, 3] });
  });

  test('takes 1.3 MB for the digits job, header included', () => {
    expect(encode(contents(DEFAULT_JOB)).length).toBeLessThan(1_320_000);
  });

  test('reads wherever it lies in a larger buffer', () => {
    const file = encode(contents());
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    expect(decode(shifted.subarray(3), SMALL_JOB).state).toEqual(contents().state);
  });

  test('is refused when it does not fit the job, with what was expected', () => {
    const scalar: Tensor = { dtype: 'F32', shape: [], data: new Uint8Array(4) };
    expect(faultOf(encode(contents(DEFAULT_JOB)))).toBe('other-job');
    expect(faultOf(altered({ '2.bias': undefined }))).toBe('tensors');
    expect(faultOf(altered({ '2.bias': scalar }))).toBe('tensors');
    expect(faultOf(altered({ exponents: scalar }))).toBe('tensors');
    expect(faultOf(altered({ extra: scalar }))).toBe('tensors');
    expect(faultOf(altered({}, { step: '-1' }))).toBe('not-a-state');
    expect(faultOf(altered({}, { step: '99999999999999999' }))).toBe('not-a-state');
    expect(faultOf(altered({}, { stateHash: 'x' }))).toBe('not-a-state');
    expect(faultOf(altered({}, { notes: '[]' }))).toBe('not-a-state');
    expect(faultOf(altered({}, { notes: '{' }))).toBe('not-a-state');
    expect(faultOf(altered({}, { job: '{' }))).toBe('not-a-state');
    expect(faultOf(altered({}, { job: JSON.stringify(DEFAULT_JOB) }))).toBe('not-a-state');
    expect(faultOf(altered({}, { 'rankfall.format': '2' }))).toBe('not-a-state');
    expect(faultOf(encodeSafetensors(new Map(), new Map()))).toBe('not-a-state');
    expect(() => decode(altered({ '2.bias': scalar }), SMALL_JOB)).toThrow(
      'Tensor "2.bias" is F32[], expected F32[2]',
    );
  });

  test('that is mutated throws a FormatError or a StateFileError, and nothing else', () => {
    const file = encode(contents());
    fc.assert(
      fc.property(
        fc.nat(file.length - 1),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(file.length),
        (at, value, cut) => {
          faultOf(file.with(at, value));
          if (cut < file.length) expect(faultOf(file.slice(0, cut))).toBeDefined();
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('is not written from a state that does not fit the job', () => {
    const written = contents();
    expect(() => encode({ ...written, state: { ...written.state, powers: new Float32Array(1) } })).toThrow(
      StateFileError,
    );
    expect(() => encode({ ...written, job: DEFAULT_JOB })).toThrow("The state's parameters have 14 elements");
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(() => encode({ ...written, notes: cycle })).toThrow(FormatError);
  });
});
