// Simulated storage: one a browser profile. Ballots land in order and strictly, unless a fault or a death comes between;
// checkpoints can tear, rot, be evicted, find no room, and come too late for their generation.

import type { FaultOf } from '../faults/vocabulary.ts';
import type { IncarnationId, MemberId, SeatId } from '../ports/ids.ts';
import { compareCheckpoints, type CheckpointKey } from '../ports/store.ts';
import type { SeatRecord } from '../protocol/votes.ts';
import type { Standing } from '../protocol/messages.ts';
import { isWanted, type Wanted } from '../protocol/saved.ts';
import { emptyBook, withRecord, type WitnessBook } from '../protocol/witness-book.ts';
import { createDisk, settleWrites, type Disk } from './disk.ts';
import type { SavedState, SaveOutcome } from './sim-rank.ts';

/** Checkpoints kept in each profile. */
const KEPT = 3;

interface Checkpoint<S> {
  readonly saved: S;
  /** Torn or rotten: its bytes do not verify, and loading passes it over. */
  damaged: boolean;
}

/** A checkpoint on its way to the disk. */
interface Save<S> {
  readonly by: MemberId;
  readonly saved: S;
}

/** Checkpoints of a browser profile, newest first. */
export interface Shelf<S extends SavedState> {
  checkpoints: Checkpoint<S>[];
  saves: Save<S>[];
  /** The newest generation of each incarnation that has saved. Outlives its checkpoints: a zombie stays fenced. */
  readonly fences: Map<IncarnationId, number>;
  /** Faults in force: room for checkpoints, in bytes. The least counts. */
  readonly quotas: number[];
  /** Faults in force, as for records. */
  refusing: number;
  ambiguous: number;
}

/** The records are ballots: a page's by seat, those of a witness by seat and incarnation. */
export interface Profile extends Disk<string, SeatRecord, MemberId>, Shelf<SavedState> {
  readonly name: string;
}

export const createShelf = <S extends SavedState>(): Shelf<S> => ({
  checkpoints: [],
  saves: [],
  fences: new Map(),
  quotas: [],
  refusing: 0,
  ambiguous: 0,
});

export const createProfile = (name: string): Profile => ({ ...createShelf(), ...createDisk(), name });

export function beginSave<S extends SavedState>(shelf: Shelf<S>, by: MemberId, saved: S): Save<S> {
  const save = { by, saved };
  shelf.saves.push(save);
  return save;
}

/** Ends a save. One that death has settled already is passed over. */
export function endSave<S extends SavedState>(shelf: Shelf<S>, save: Save<S>): SaveOutcome | 'settled' {
  const at = shelf.saves.indexOf(save);
  if (at < 0) return 'settled';
  shelf.saves.splice(at, 1);
  const came = land(shelf, save.saved);
  return came === 'stored' && shelf.ambiguous > 0 ? 'unanswered' : came;
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

/** Writes a checkpoint, unless storage refuses, it does not fit, or a newer generation of its line has saved (fencing). */
function land<S extends SavedState>(shelf: Shelf<S>, saved: S, damaged = false): SaveOutcome {
  const { lineage } = saved.standing;
  if (shelf.refusing > 0 || lineage === undefined) return 'refused';
  if ((shelf.fences.get(lineage.incarnation) ?? 0) > lineage.number) return 'fenced';
  if (shelf.quotas.length > 0) {
    const taken = shelf.checkpoints.reduce((sum, one) => sum + one.saved.bytes.length, 0);
    if (taken + saved.bytes.length > Math.min(...shelf.quotas)) return 'quota';
  }
  shelf.fences.set(lineage.incarnation, lineage.number);
  shelf.checkpoints.push({ saved, damaged });
  shelf.checkpoints.sort((a, b) => compareSaved(b.saved, a.saved));
  shelf.checkpoints.splice(KEPT);
  return 'stored';
}

/** The key of a record in a witness's file. */
export const witnessKey = ({ seat, base }: SeatRecord): string => `${seat}/${base?.id.incarnation ?? ''}`;

/** What a witness's file holds. */
export function loadBook(profile: Profile, seat: SeatId): WitnessBook {
  let book = emptyBook(seat);
  for (const [key, record] of profile.records)
    if (key.startsWith(`${seat}/`)) book = withRecord(book, record) ?? book;
  return book;
}

/** The newest checkpoint that verifies, of those that are wanted. */
export const loadCheckpoint = (profile: Profile, wanted?: Wanted): SavedState | undefined =>
  profile.checkpoints.find(
    ({ damaged, saved: { standing } }) => !damaged && (wanted === undefined || isLookedFor(wanted, standing)),
  )?.saved;

export const intactCheckpoints = ({ checkpoints }: Profile): readonly Standing[] =>
  checkpoints.flatMap(({ damaged, saved }) => (damaged ? [] : saved.standing));

function isLookedFor(wanted: Wanted, { lineage, step, hash }: Standing): boolean {
  if (wanted.kind === 'chosen') return step === wanted.place.step && hash === wanted.place.hash;
  return lineage !== undefined && isWanted(wanted, { lineage, step });
}

/** The newest checkpoint's bytes no longer verify. */
export function damageCheckpoint(profile: Profile, how: FaultOf<'damage-checkpoint'>['how']): void {
  const [newest, ...older] = profile.checkpoints;
  if (how === 'stale') profile.checkpoints = older;
  else if (newest !== undefined) newest.damaged = true;
}

/** The browser cleared what the room had saved, as it may when the disk is full. The ballots live in a database of their own. */
export function evictCheckpoints(profile: Profile): void {
  profile.checkpoints = [];
}
