// Rules of the step: who computes what, when a sum is whole, and what is kept of it.

import type { MemberId } from '../../ports/ids.ts';
import { rankOf, type Generation } from '../generation.ts';
import type { Membership, Round, Training } from '../state.ts';

export interface TrainingRules {
  /** The micro-batches of one rank: contiguous shares, as equal as they come. */
  share(rank: number, world: number, microBatches: number): readonly number[];
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
  /** What is kept of a reduced gradient, for those that have not applied it: all of it, until everyone has. */
  retain(reduced: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer>;
  /** Whether a completed all-reduce is kept for peers that ask for a lost part again: until the next one completes. */
  keepsRound(completed: Round): boolean;
}

export const TRAINING_RULES: TrainingRules = {
  share(rank, world, microBatches) {
    const mine: number[] = [];
    const end = Math.floor(((rank + 1) * microBatches) / world);
    for (let m = Math.floor((rank * microBatches) / world); m < end; m++) mine.push(m);
    return mine;
  },

  mayContribute: (membership) => membership.synced,

  batchOf: (training) => training.step,

  contributor: (generation, sender) => rankOf(generation, sender),

  readyToApply: ({ layout, buckets }) =>
    buckets.length === layout.buckets.length && buckets.every(({ complete }) => complete),

  redoExponents: (agreed) => agreed,

  retain: (reduced) => reduced,

  keepsRound: () => true,
};
