// Simulated storage: one a browser profile. Ballots are written in order and strictly; checkpoints can tear, rot and be evicted.

import type { MemberId, SeatId } from '../ports/ids.ts';
import { compareCheckpoints, type CheckpointKey } from '../ports/store.ts';
import type { SeatRecord } from '../protocol/votes.ts';
import { createDisk, settleWrites, type Disk } from './disk.ts';
import type { SavedState } from './sim-rank.ts';

/** Checkpoints kept in each profile. */
const KEPT = 3;

interface Checkpoint {
  readonly saved: SavedState;
  readonly by: MemberId;
  acknowledged: boolean;
  /** Torn or rotten: its bytes do not verify, and loading passes it over. */
  damaged: boolean;
}

/** The records are ballots, by seat. */
export interface Profile extends Disk<SeatId, SeatRecord, MemberId> {
  readonly name: string;
  checkpoints: Checkpoint[];
}

export const createProfile = (name: string): Profile => ({ ...createDisk(), name, checkpoints: [] });

/** A page dies: its ballots in flight are settled, and of its checkpoints those are left that were acknowledged. */
export function settlePage(profile: Profile, dead: MemberId, landed: (count: number) => number): void {
  settleWrites(profile, dead, landed);
  profile.checkpoints = profile.checkpoints.filter((c) => c.acknowledged || c.by !== dead);
}

const keyOf = ({ standing }: SavedState): CheckpointKey | undefined =>
  standing.lineage === undefined
    ? undefined
    : { room: '', generation: standing.lineage, step: standing.step };

function compareSaved(a: SavedState, b: SavedState): number {
  const [ka, kb] = [keyOf(a), keyOf(b)];
  return ka === undefined || kb === undefined ? 1 : compareCheckpoints(ka, kb);
}

export function saveCheckpoint(profile: Profile, by: MemberId, saved: SavedState): boolean {
  if (profile.refusing > 0) return false;
  profile.checkpoints.push({ saved, by, acknowledged: false, damaged: false });
  profile.checkpoints.sort((a, b) => compareSaved(b.saved, a.saved));
  profile.checkpoints.splice(KEPT);
  return true;
}

export function acknowledgeCheckpoints(profile: Profile, by: MemberId): void {
  for (const checkpoint of profile.checkpoints) if (checkpoint.by === by) checkpoint.acknowledged = true;
}

/** The newest checkpoint that verifies. */
export const loadCheckpoint = (profile: Profile): SavedState | undefined =>
  profile.checkpoints.find((checkpoint) => !checkpoint.damaged)?.saved;

/** The newest checkpoint's bytes no longer verify. */
export function damageCheckpoint(profile: Profile): void {
  const newest = profile.checkpoints[0];
  if (newest !== undefined) newest.damaged = true;
}

/** The browser cleared what the room had saved, as it may when the disk is full. The ballots live in a database of their own. */
export function evictCheckpoints(profile: Profile): void {
  profile.checkpoints = [];
}
