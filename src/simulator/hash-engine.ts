// An engine that is nearly free: the state is a hash chain, and a step's gradient is a few mixed words. What a rank computes,
// exchanges and applies has the shape of training, so that the protocol cannot tell, and every mistake changes the hash.

import { emptyLanes, laneLayout, type LaneLayout } from '../collective/lanes.ts';
import { digestHex, mix32 } from '../collective/digest.ts';
import { isSpoiled, type Compute, type Spoiled } from './compute.ts';
import { I32, type Wire } from '../job/wire-schema.ts';
import { isStateHash, type GenerationId, type MemberId, type StateHash } from '../ports/ids.ts';

/** Gradient lanes; enough for each word of the hash to depend on the sum. They make one tensor. */
const GRADIENT = 4;
const HASH_TENSORS: readonly string[] = ['weight'];

/**
 * `uniform`: contributions depend on the job alone, so that the run must end in the fault-free run's hash (exactness).
 * `salted`: they also depend on who computes in which generation, so that whatever crosses a fence shows (agreement).
 */
export type Salt = 'uniform' | 'salted';

interface HashState {
  readonly step: number;
  readonly words: readonly [number, number, number, number];
  /** Samples that are left out, ascending. */
  readonly quarantine: readonly number[];
}

/** Each micro-batch of each step is one sample. */
export const hashSample = (step: number, microBatch: number): number => step * 64 + microBatch;

/** Where the gradient is cut when buckets are exchanged one by one. */
const CUTS: readonly number[] = [2];

const hashLayout = (microBatches: number, wire: Wire, overlap: boolean): LaneLayout =>
  laneLayout(GRADIENT, HASH_TENSORS.length, microBatches, wire, overlap ? CUTS : []);

/** Of the chain, and of the quarantine, which is empty as a rule. */
const hashOf = ({ words, quarantine }: HashState): StateHash => {
  const left = quarantine.reduce((word, sample) => mix32(word ^ mix32(sample + 1)), 0);
  return digestHex(Int32Array.from(words, (word) => word ^ left));
};

const initialHashState = (seed: number): HashState => ({
  step: 0,
  words: [mix32(seed + 1), mix32(seed + 2), mix32(seed + 3), mix32(seed + 4)],
  quarantine: [],
});

function saltOf(salt: Salt, member: MemberId, generation: GenerationId): number {
  if (salt === 'uniform') return 0;
  let word = mix32(generation.number);
  for (const text of [member, generation.incarnation])
    for (let i = 0; i < text.length; i++) word = mix32(word + text.charCodeAt(i));
  return word;
}

/** Every so many steps, one micro-batch has a gradient that does not fit the scale at hand: the step is redone at another. */
const OVERFLOW_EVERY = 8;
const OVERFLOW_AT = 5;
/** Biased exponents of the largest gradient in a micro-batch: as a rule, and where it overflows. */
const USUAL_EXPONENT = 100;
const LARGE_EXPONENT = 120;

const isLarge = (step: number, microBatch: number, microBatches: number): boolean =>
  step % OVERFLOW_EVERY === OVERFLOW_AT && microBatch === step % microBatches;

const scaleOf = (exponents: Int32Array | undefined): number => exponents?.[0] ?? 0;

function contributeHash(
  state: HashState,
  microBatches: readonly number[],
  layout: LaneLayout,
  salt: Salt,
  member: MemberId,
  generation: GenerationId,
  exponents: Int32Array | undefined,
  quarantined: readonly number[] | undefined,
  spoiled: Spoiled,
): Int32Array<ArrayBuffer> {
  const lanes = emptyLanes(layout);
  const salted = saltOf(salt, member, generation);
  /** In the narrow format a contribution has few bits. */
  const unused = layout.wire.format === 'narrow' ? 32 - layout.wire.bits : 0;
  for (const microBatch of microBatches) {
    lanes[layout.counters + microBatch] = 1;
    const sample = hashSample(state.step, microBatch);
    if (state.quarantine.includes(sample) || quarantined?.includes(sample) === true) continue;
    if (isSpoiled(spoiled, sample, state.step)) {
      lanes[layout.badSample] = Math.max(lanes[layout.badSample] ?? 0, sample + 1);
      continue;
    }
    const large = isLarge(state.step, microBatch, layout.microBatches);
    const exponent = large ? LARGE_EXPONENT : USUAL_EXPONENT;
    lanes[layout.exponents] = Math.max(lanes[layout.exponents] ?? 0, exponent);
    if (large && exponents === undefined) lanes[layout.overflows] = 1;
    const scaled = salted + scaleOf(exponents);
    for (let i = 0; i < GRADIENT; i++)
      lanes[i] = ((lanes[i] ?? 0) + (mix32(mix32(sample) + i + scaled) >> unused)) | 0;
    lanes[layout.predictions] = (lanes[layout.predictions] ?? 0) + 1;
  }
  return lanes;
}

function applyHash(
  state: HashState,
  reduced: Int32Array,
  exponents: Int32Array | undefined,
  quarantined: readonly number[] = [],
): HashState {
  const place = state.step * 4 + scaleOf(exponents);
  const word = (i: number): number =>
    mix32((state.words[i % 4] ?? 0) ^ mix32((reduced[i % GRADIENT] ?? 0) + place + i));
  const quarantine =
    quarantined.length === 0
      ? state.quarantine
      : [...new Set([...state.quarantine, ...quarantined])].sort((a, b) => a - b);
  return { step: state.step + 1, words: [word(0), word(1), word(2), word(3)], quarantine };
}

/** Digits of a step, so that states of all steps are equally long and can be cut at the same places. */
const STEP_DIGITS = 6;

/** The state as it travels to a rank that heals, or rests in a checkpoint: ASCII. */
function encodeHashState(state: HashState): Uint8Array<ArrayBuffer> {
  const { step, words, quarantine } = state;
  const left = quarantine.length === 0 ? '' : `:${quarantine.join()}`;
  const text = `${String(step).padStart(STEP_DIGITS, '0')}:${digestHex(Int32Array.from(words))}${left}`;
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

function decodeHashState(bytes: Uint8Array): HashState {
  const [step, hash, left] = String.fromCharCode(...bytes).split(':');
  if (step === undefined || !/^\d+$/.test(step) || hash === undefined || !isStateHash(hash))
    throw new Error('A simulated state is "step:hash", or "step:hash:samples" where some are left out.');
  const word = (i: number): number => Number.parseInt(hash.slice(i * 8, i * 8 + 8), 16) | 0;
  const quarantine = left === undefined ? [] : left.split(',').map(Number);
  return { step: Number(step), words: [word(0), word(1), word(2), word(3)], quarantine };
}

export const hashCompute = (
  seed: number,
  microBatches: number,
  salt: Salt,
  wire: Wire = I32,
  overlap = false,
  spoiled: Spoiled = new Map(),
): Compute<HashState> => {
  const layout = hashLayout(microBatches, wire, overlap);
  return {
    layout,
    tensors: HASH_TENSORS,
    initial: initialHashState(seed),
    pieces: 1,
    contribute: (state, { member, generation, microBatches, exponents, quarantined }) =>
      contributeHash(state, microBatches, layout, salt, member, generation, exponents, quarantined, spoiled),
    apply: applyHash,
    spoil: (step, microBatch) => void spoiled.set(hashSample(step, microBatch), step),
    hashOf,
    stepOf: ({ step }) => step,
    encode: encodeHashState,
    decode: decodeHashState,
  };
};
