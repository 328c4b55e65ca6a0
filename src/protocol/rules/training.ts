// Rules of the step: who computes what, when a sum is whole, and what is kept of it.

import type { MemberId } from '../../ports/ids.ts';
import { rankOf, type Generation } from '../generation.ts';
import type { Membership, Round, Training } from '../state.ts';

export interface TrainingRules {
  /** The micro-batches of one rank: contiguous shares, of so many each where `counts` says so, else as equal as they come. */
  share(
    rank: number,
    world: number,
    microBatches: number,
    counts: readonly number[] | undefined,
  ): readonly number[];
  /** How many micro-batches each rank computes in the next step, given how long each takes for one; undefined: equal shares. */
  shareOut(
    paces: readonly (number | undefined)[],
    microBatches: number,
    before: readonly number[] | undefined,
    steps: number,
  ): readonly number[] | undefined;
  /** Whether a member contributes to the generation's steps: when it has the state that they build on. */
  mayContribute(membership: Membership): boolean;
  /** The step whose batch a rank computes: the one after all that are in its state, however it came by that state. */
  batchOf(training: Training): number;
  /** Whose contribution a part is: its sender's place in the generation; -1 for no member. */
  contributor(generation: Generation, sender: MemberId, part: number): number;
  /** Whether the sum is whole: every part of every bucket is in. */
  readyToApply(round: Round): boolean;
  /** The largest exponents by which an overflowed step is redone: those that all ranks agreed on in the sum. */
  redoExponents(agreed: Int32Array<ArrayBuffer>, own: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer>;
  /** Samples that a step is redone without: those before, and the bad one that all have heard of. `own`: the one that this rank found. */
  leftOut(before: readonly number[], agreed: number, own: number | undefined): readonly number[];
  /** What is kept of a reduced gradient, for those that have not applied it: all of it, until everyone has. */
  retain(reduced: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer>;
  /** Whether a completed all-reduce is kept for peers that ask for a lost part again: until the next one completes. */
  keepsRound(completed: Round): boolean;
}

/** In every so many steps of a generation, each rank gets at least one micro-batch. */
const PROBE_STEPS = 32;
/** Shares change where the slowest rank is done in less than nine tenths of the time: what is measured always wavers a little. */
const WORTH = 10 / 9;

const wasProbe = (steps: number): boolean => steps > 1 && steps % PROBE_STEPS === 1;

/** When the last rank is done. */
const slowest = (counts: readonly number[], paces: readonly number[]): number =>
  counts.reduce((most, count, rank) => Math.max(most, count * (paces[rank] ?? 0)), 0);

/** Deals micro-batches one by one, each to the rank that is done first with it; of equals to the one before. */
function dealt(paces: readonly number[], microBatches: number, least: number): readonly number[] {
  const counts = paces.map(() => least);
  for (let dealt = least * paces.length; dealt < microBatches; dealt++) {
    let first = 0;
    let soonest = Infinity;
    for (let rank = 0; rank < paces.length; rank++) {
      const done = ((counts[rank] ?? 0) + 1) * (paces[rank] ?? 0);
      if (done >= soonest) continue;
      first = rank;
      soonest = done;
    }
    counts[first] = (counts[first] ?? 0) + 1;
  }
  return counts;
}

/** The first micro-batch of a rank. */
function startOf(
  rank: number,
  world: number,
  microBatches: number,
  counts: readonly number[] | undefined,
): number {
  if (counts === undefined) return Math.floor((rank * microBatches) / world);
  let start = 0;
  for (let before = 0; before < rank; before++) start += counts[before] ?? 0;
  return start;
}

export const TRAINING_RULES: TrainingRules = {
  share(rank, world, microBatches, counts) {
    const mine: number[] = [];
    const end = startOf(rank + 1, world, microBatches, counts);
    for (let i = startOf(rank, world, microBatches, counts); i < end; i++) mine.push(i);
    return mine;
  },

  shareOut(paces, microBatches, before, steps) {
    const known = paces.filter((pace) => pace !== undefined);
    if (known.length === 0) return before;
    // A rank without work is not measured: now and then each gets one micro-batch, so that one that has become faster is seen.
    const least = steps % PROBE_STEPS === 0 && microBatches >= paces.length ? 1 : 0;
    const usual = known.reduce((sum, pace) => sum + pace, 0) / known.length;
    const each = paces.map((pace) => pace ?? usual);
    const counts = dealt(each, microBatches, least);
    if (least === 1 || wasProbe(steps)) return counts;
    const current =
      before ??
      paces.map((_, rank) => TRAINING_RULES.share(rank, paces.length, microBatches, undefined).length);
    return slowest(counts, each) * WORTH < slowest(current, each) ? counts : before;
  },

  mayContribute: (membership) => membership.synced,

  batchOf: (training) => training.step,

  contributor: (generation, sender) => rankOf(generation, sender),

  readyToApply: ({ layout, buckets }) =>
    buckets.length === layout.buckets.length && buckets.every(({ complete }) => complete),

  redoExponents: (agreed) => agreed,

  leftOut: (before, agreed) => [...before, agreed],

  retain: (reduced) => reduced,

  keepsRound: () => true,
};
