// Training states for tests: real jobs, values that are easy to tell apart, no engine.

import { DEFAULT_JOB } from '../../../src/job/job.ts';
import type { Job } from '../../../src/job/job.ts';
import { parameterCount, parameterTensors } from '../../../src/engine/graph/parameters.ts';
import type { TrainingState } from '../../../src/ports/engine.ts';
import type { IncarnationId, JobHash, StateHash } from '../../../src/ports/ids.ts';

export const SMALL_JOB: Job = {
  ...DEFAULT_JOB,
  model: { kind: 'mlp', layers: [3, 2, 2], activation: 'relu' },
};

export function stateOf(job: Job, step: number): TrainingState {
  const count = parameterCount(job.model);
  const ramp = (scale: number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: count }, (_, i) => (i - step) * scale);
  return {
    step,
    parameters: ramp(0.5),
    firstMoments: ramp(0.25),
    secondMoments: ramp(0.125),
    exponents: Int32Array.from(parameterTensors(job.model), (_, i) => -i),
    powers: Float32Array.of(0.9 ** step, 0.999 ** step),
    quarantine: step % 2 === 0 ? new Int32Array(0) : Int32Array.of(3, step + 4),
  };
}

/** `bytes` bytes that differ from one `seed` to another, and from place to place. */
export function noise(bytes: number, seed: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(bytes);
  let word = seed + 1;
  for (let i = 0; i < bytes; i++) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    data[i] = word >>> 24;
  }
  return data;
}

export const incarnation = (depth: number, digit = 'a'): IncarnationId =>
  `${String(depth).padStart(8, '0')}-${digit.repeat(32)}` as IncarnationId;
export const stateHash = (digit: string): StateHash => digit.repeat(32) as StateHash;
export const JOB_HASH = 'a'.repeat(64) as JobHash;
export const OTHER_JOB_HASH = 'b'.repeat(64) as JobHash;
