// Simulated storage: one a browser profile. Ballots are written in order and strictly; checkpoints can tear, rot and be evicted.

import type { MemberId, SeatId } from '../ports/ids.ts';
import { compareCheckpoints, type CheckpointKey } from '../ports/store.ts';
import type { SeatRecord } from '../protocol/votes.ts';
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

/** A ballot on its way to the disk. */
interface Write {
  readonly by: MemberId;
  readonly record: SeatRecord;
}

export interface Profile {
  readonly name: string;
  readonly ballots: Map<SeatId, SeatRecord>;
  checkpoints: Checkpoint[];
  writes: Write[];
  /** Faults in force: nothing can be written; or it lands, and the writer is told that it failed. */
  refusing: number;
  ambiguous: number;
  /** Transactions on one store complete in the order in which they were begun. */
  busyUntil: number;
}

export const createProfile = (name: string): Profile => ({
  name,
  ballots: new Map(),
  checkpoints: [],
  writes: [],
  refusing: 0,
  ambiguous: 0,
  busyUntil: 0,
});

export const beginWrite = (profile: Profile, by: MemberId, record: SeatRecord): Write => {
  const write: Write = { by, record };
  profile.writes.push(write);
  return write;
};

/** Ends a write; true when its writer is told that it landed. A write that death has settled already is passed over. */
export function endWrite(profile: Profile, write: Write): boolean | 'settled' {
  const at = profile.writes.indexOf(write);
  if (at < 0) return 'settled';
  profile.writes.splice(at, 1);
  if (profile.refusing > 0) return false;
  profile.ballots.set(write.record.seat, write.record);
  return profile.ambiguous === 0;
}

/** A page dies with writes in flight: some first ones land though nobody hears of it, the others never do. */
export function settleWrites(profile: Profile, dead: MemberId, landed: (count: number) => number): void {
  const inFlight = profile.writes.filter((write) => write.by === dead);
  profile.writes = profile.writes.filter((write) => write.by !== dead);
  const count = profile.refusing > 0 || inFlight.length === 0 ? 0 : landed(inFlight.length);
  for (const { record } of inFlight.slice(0, count)) profile.ballots.set(record.seat, record);
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
