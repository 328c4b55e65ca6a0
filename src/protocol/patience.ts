// How long a rank is patient with another: what it has seen of it, held between bounds that the job states. Pure functions of a few
// numbers, after memberlist's `suspicion.go` (A. Dadgar et al., "Lifeguard", 2017) and the φ accrual failure detector.

import type { Job } from '../job/job.ts';
import { unusual, type Usual } from './usual.ts';

type Policies = Job['policies'];

/** What decides how long a silence, or work that does not come, is borne with. In milliseconds. */
export interface Evidence {
  /** What was seen before; undefined: nothing yet. */
  readonly usual: Usual | undefined;
  /** No sooner than this, however regular it was; and no later, however irregular. */
  readonly least: number;
  readonly most: number;
  /** Others that wait for the same rank, each of its own knowledge. */
  readonly confirmations: number;
}

/**
 * The longest that is borne with. Each confirmation takes from what lies above the least: half of it is left with one, a third with two
 * (Lifeguard takes a logarithm there, whose bits JavaScript leaves to the engine).
 */
export function patience({ usual, least, most, confirmations }: Evidence): number {
  const seen = usual === undefined ? least : Math.max(least, Math.min(most, unusual(usual)));
  return Math.min(most, least + (seen - least) / (1 + confirmations));
}

/** What is seen of a peer's heartbeats. */
export interface Pulse {
  /** Of the times between two heartbeats. */
  readonly usual: Usual | undefined;
  /** Its tab is in the background, where browsers slow pages down: it gets the longest that there is. */
  readonly hidden: boolean;
}

/** Of the suspicion deadline: how much longer the longest learned patience is. With 1.5 s, a peer that dies silently is missed within 2 s. */
const LONGEST_SILENCE = 1.2;

/** The longest silence of a peer that is no evidence: from the suspicion deadline up to a fifth more, as irregular as its heartbeats are. */
export const silenceAllowed = (
  { usual, hidden }: Pulse,
  { suspicionMs, collectiveMs }: Policies,
  confirmations: number,
): number => {
  if (hidden) return collectiveMs;
  const most = Math.min(collectiveMs, LONGEST_SILENCE * suspicionMs);
  return patience({ usual, least: suspicionMs, most, confirmations });
};

/**
 * How long a collective may stand still, for one that is neither busy nor waits for another: from half the deadline up to it, by how long
 * it has taken before.
 */
export const standstillAllowed = (
  usual: Usual | undefined,
  { collectiveMs }: Policies,
  confirmations: number,
): number => {
  // Until some were seen, the job's word counts.
  if (usual === undefined) return collectiveMs;
  return patience({ usual, least: collectiveMs / 2, most: collectiveMs, confirmations });
};

/**
 * How long a member's standing, or the verdict on all of them, may be missing while nothing else speaks against the member: from the
 * deadline of a collective up to that of a regroup, since an engine that applies a step first is no fault.
 */
export const standingAllowed = (
  usual: readonly (Usual | undefined)[],
  { collectiveMs, regroupMs }: Policies,
): number =>
  Math.max(
    ...usual.map((of) =>
      of === undefined
        ? regroupMs
        : patience({ usual: of, least: collectiveMs, most: regroupMs, confirmations: 0 }),
    ),
  );

/** So much longer than usual a wait must be before it is a stall: what is shorter, nobody would see. */
const STALL_MS = 500;

/** What is shorter is no stall, whatever is usual. */
export const surelyNoStall = ({ collectiveMs }: Policies): number => Math.min(STALL_MS, collectiveMs);

/** When a wait is called a stall, and somebody named for it. One that is as long as a deadline always is. */
export const stallAfter = (usual: Usual | undefined, { collectiveMs }: Policies): number =>
  patience({ usual, least: (usual?.median ?? 0) + STALL_MS, most: collectiveMs, confirmations: 0 });
