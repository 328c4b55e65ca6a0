// The training state of either engine: where it starts, how it is copied, checked and hashed.

import { digestHex, DIGEST_STREAMS, digestWords, type DigestStream } from '../collective/digest.ts';
import { INITIAL_EXPONENT, MAX_EXPONENT, MIN_EXPONENT } from '../collective/fixed-point.ts';
import type { Job } from '../job/job.ts';
import { optimizerMemory } from '../job/optimizer-schema.ts';
import { MAX_QUARANTINE } from '../job/recovery-schema.ts';
import { EngineError, type TrainingState } from '../ports/engine.ts';
import type { StateHash } from '../ports/ids.ts';
import { initialParameters } from './graph/initial-parameters.ts';
import { modelGraph } from './graph/model-graph.ts';

/** The state before step 0: a pure function of the job. */
export function initialState(job: Job): TrainingState {
  const parameters = initialParameters(job);
  const { moments, powers } = optimizerMemory(job.optimizer);
  return {
    step: 0,
    parameters,
    firstMoments: new Float32Array(parameters.length),
    secondMoments: new Float32Array(moments === 2 ? parameters.length : 0),
    exponents: new Int32Array(modelGraph(job.model).parameters.length).fill(INITIAL_EXPONENT),
    powers: new Float32Array(powers).fill(1),
    quarantine: new Int32Array(0),
  };
}

export const copyState = (state: TrainingState): TrainingState => ({
  step: state.step,
  parameters: state.parameters.slice(),
  firstMoments: state.firstMoments.slice(),
  secondMoments: state.secondMoments.slice(),
  exponents: state.exponents.slice(),
  powers: state.powers.slice(),
  quarantine: state.quarantine.slice(),
});

/** Refuses a state that does not fit the job, with an `EngineError` that names what does not. */
export function checkState(job: Job, state: TrainingState): void {
  const { parameterCount: count, parameters } = modelGraph(job.model);
  const { moments, powers } = optimizerMemory(job.optimizer);
  const refuse = (what: string, expected: string, found: number): never => {
    throw new EngineError(
      'bad-state',
      `The state does not fit the job: ${what} should be ${expected} and is ${found}. Import a state of the same job.`,
    );
  };
  const lengths = {
    parameters: count,
    firstMoments: count,
    secondMoments: moments === 2 ? count : 0,
    exponents: parameters.length,
    powers,
  } as const;
  for (const name of ['parameters', 'firstMoments', 'secondMoments', 'exponents', 'powers'] as const) {
    const { length } = state[name];
    if (length !== lengths[name]) refuse(`the length of ${name}`, String(lengths[name]), length);
  }
  if (!Number.isSafeInteger(state.step) || state.step < 0) refuse('the step', 'a count', state.step);
  const stray = state.exponents.find((exponent) => exponent < MIN_EXPONENT || exponent > MAX_EXPONENT);
  if (stray !== undefined) refuse('an exponent', `from ${MIN_EXPONENT} to ${MAX_EXPONENT}`, stray);
  const { quarantine } = state;
  const unordered = quarantine.find((row, i) => row < 0 || (i > 0 && row <= (quarantine[i - 1] ?? row)));
  if (unordered !== undefined) refuse('the quarantine', 'ascending rows', unordered);
  if (quarantine.length > MAX_QUARANTINE)
    refuse('the length of the quarantine', `at most ${MAX_QUARANTINE}`, quarantine.length);
}

const streamNumber = (name: DigestStream): number => DIGEST_STREAMS.indexOf(name);
const wordsOf = (array: Float32Array | Int32Array): Int32Array =>
  new Int32Array(array.buffer, array.byteOffset, array.length);

/** Adds the parts of the state that both engines keep on the CPU. */
export function digestSmallParts(
  sums: Int32Array,
  state: Pick<TrainingState, 'step' | 'exponents' | 'powers' | 'quarantine'>,
): void {
  digestWords(sums, state.exponents, streamNumber('exponents'));
  digestWords(sums, wordsOf(state.powers), streamNumber('powers'));
  digestWords(sums, Int32Array.of(state.step), streamNumber('step'));
  digestWords(sums, state.quarantine, streamNumber('quarantine'));
}

/** The 128-bit digest of a state: equal for equal bits. */
export function stateHash(state: TrainingState): StateHash {
  const sums = new Int32Array(4);
  for (const name of ['parameters', 'firstMoments', 'secondMoments'] as const) {
    digestWords(sums, wordsOf(state[name]), streamNumber(name));
  }
  digestSmallParts(sums, state);
  return digestHex(sums);
}
