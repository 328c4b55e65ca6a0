// Who computes which micro-batches: shared out by the speed that each rank has shown, so that all are ready at about the same time.
//
// Whoever computes a micro-batch says in a lane of its own how long it took. The lanes are part of the sum, so that all ranks know the same
// paces and come to the same shares by the same rule, without a message. Shares never show in the bits: the counters prove that every
// micro-batch was computed once, whoever did it. Each generation begins with equal shares, and has measured after one step.

import type { LaneLayout } from '../collective/lanes.ts';

export interface Shares {
  /** How many micro-batches each rank computes, in ring order; undefined: as equal as they come. */
  readonly counts: readonly number[] | undefined;
  /** How long each rank takes for a micro-batch, in ticks; undefined: not known yet. */
  readonly paces: readonly (number | undefined)[];
  /** Steps that this generation has applied. */
  readonly steps: number;
}

/** As a generation begins. */
export const equalShares = (world: number): Shares => ({
  counts: undefined,
  paces: new Array<undefined>(world).fill(undefined),
  steps: 0,
});

/** Dealing shares out takes every rank time in the number of ranks, at every step: a hierarchy keeps equal ones, and learns no paces. */
export const FIXED_SHARES: Shares = { counts: undefined, paces: [], steps: 0 };

/** A tick is an eighth of a millisecond. */
const TICKS_PER_MS = 8;
const MOST_TICKS = 0x3fffffff;
/**
 * Added before rounding down: so far from what clocks show, in tenths or hundredths of a millisecond, that a replay, whose times differ
 * in their last bit, rounds alike (unless a rank computes a multiple of six).
 */
const ROUNDING = 5 / 6;

/** Ticks of one micro-batch where `count` of them took so many milliseconds: at least one. */
export const ticksOf = (ms: number, count: number): number =>
  Math.max(1, Math.min(MOST_TICKS, Math.floor((ms * TICKS_PER_MS) / count + ROUNDING)));

/** A rank can be held up, and cannot hurry: a shorter time counts at once, a longer one for a quarter. */
const blend = (before: number | undefined, measured: number): number =>
  before === undefined || measured < before ? measured : Math.floor((3 * before + measured) / 4);

/** The rules that decide them (see rules/training.ts). */
interface ShareRules {
  share(rank: number, world: number, microBatches: number, counts: Shares['counts']): readonly number[];
  shareOut(
    paces: Shares['paces'],
    microBatches: number,
    before: Shares['counts'],
    steps: number,
  ): Shares['counts'];
}

/** The shares of the next step, from the sum of this one. */
export function nextShares(rules: ShareRules, shares: Shares, layout: LaneLayout, lanes: Int32Array): Shares {
  const world = shares.paces.length;
  const steps = shares.steps + 1;
  const paces = shares.paces.map((before, rank) => {
    for (const microBatch of rules.share(rank, world, layout.microBatches, shares.counts)) {
      const ticks = lanes[layout.paces + microBatch] ?? 0;
      if (ticks > 0) return blend(before, ticks);
    }
    return before;
  });
  return { counts: rules.shareOut(paces, layout.microBatches, shares.counts, steps), paces, steps };
}
