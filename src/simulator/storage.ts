// Simulated storage: one a browser profile. Ballots land in order and strictly, unless a fault or a death comes between;
// checkpoints can tear, rot, be evicted, find no room, and come too late for their generation.

import type { IncarnationId, MemberId, SeatId } from '../ports/ids.ts';
import { compareCheckpoints, type CheckpointKey } from '../ports/store.ts';
import type { SeatRecord } from '../protocol/votes.ts';
import { createDisk, settleWrites, type Disk } from './disk.ts';
import { encodeHashState } from './hash-engine.ts';
import type { SavedState } from './sim-rank.ts';

/** Checkpoints kept in each profile. */
const KEPT = 3;

interface Checkpoint {
  readonly saved: SavedState;
  /** Torn or rotten: its bytes do not verify, and loading passes it over. */
  damaged: boolean;
}

/** A checkpoint on its way to the disk. */
interface Save {
  readonly by: MemberId;
  readonly saved: SavedState;
}

/** The records are ballots, by seat. */
export interface Profile extends Disk<SeatId, SeatRecord, MemberId> {
  readonly name: string;
  checkpoints: Checkpoint[];
  saves: Save[];
  /** The newest generation of each incarnation that has saved. Outlives its checkpoints: a zombie stays fenced. */
  readonly fences: Map<IncarnationId, number>;
  /** Faults in force: room for checkpoints, in bytes. The least counts. */
  readonly quotas: number[];
}

export const createProfile = (name: string): Profile => ({
  ...createDisk(),
  name,
  checkpoints: [],
  saves: [],
  fences: new Map(),
  quotas: [],
});

export function beginSave(profile: Profile, by: MemberId, saved: SavedState): Save {
  const save = { by, saved };
  profile.saves.push(save);
  return save;
}

/** Ends a save; true when its writer is told that it landed. One that death has settled already is passed over. */
export function endSave(profile: Profile, save: Save): boolean | 'settled' {
  const at = profile.saves.indexOf(save);
  if (at < 0) return 'settled';
  profile.saves.splice(at, 1);
  return land(profile, save.saved) && profile.ambiguous === 0;
}

/** What becomes of a checkpoint whose writer died: nothing, all of it unseen, or a torn one (its machine died with it). */
const FATES = ['lost', 'landed', 'torn'] as const;
export type Fate = (typeof FATES)[number];

/** A page dies with ballots and checkpoints in flight. */
export function settlePage(
  profile: Profile,
  dead: MemberId,
  landed: (count: number) => number,
  fateOf: (fates: readonly Fate[]) => Fate,
): void {
  settleWrites(profile, dead, landed);
  const saving = profile.saves.filter(({ by }) => by === dead);
  profile.saves = profile.saves.filter(({ by }) => by !== dead);
  for (const { saved } of saving) {
    const fate = fateOf(FATES);
    if (fate !== 'lost') land(profile, saved, fate === 'torn');
  }
}

const keyOf = ({ standing }: SavedState): CheckpointKey | undefined =>
  standing.lineage === undefined
    ? undefined
    : { room: '', generation: standing.lineage, step: standing.step };

function compareSaved(a: SavedState, b: SavedState): number {
  const [ka, kb] = [keyOf(a), keyOf(b)];
  return ka === undefined || kb === undefined ? 1 : compareCheckpoints(ka, kb);
}

/** Bytes that a checkpoint takes. */
const bytesOf = ({ state }: SavedState): number => encodeHashState(state).length;

/** Writes a checkpoint, unless storage refuses, it does not fit, or a newer generation of its line has saved (fencing). */
function land(profile: Profile, saved: SavedState, damaged = false): boolean {
  const { lineage } = saved.standing;
  if (profile.refusing > 0 || lineage === undefined) return false;
  if ((profile.fences.get(lineage.incarnation) ?? 0) > lineage.number) return false;
  if (profile.quotas.length > 0) {
    const taken = profile.checkpoints.reduce((sum, one) => sum + bytesOf(one.saved), 0);
    if (taken + bytesOf(saved) > Math.min(...profile.quotas)) return false;
  }
  profile.fences.set(lineage.incarnation, lineage.number);
  profile.checkpoints.push({ saved, damaged });
  profile.checkpoints.sort((a, b) => compareSaved(b.saved, a.saved));
  profile.checkpoints.splice(KEPT);
  return true;
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
