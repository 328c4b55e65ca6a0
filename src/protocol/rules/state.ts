// Rules of the state: which one a generation goes on from, how a rank gets it, and what is saved.

import { PIECE_BYTES, type KeepsPiece } from '../../collective/state-transfer.ts';
import type { GenerationId, IncarnationId, MemberId, StateHash } from '../../ports/ids.ts';
import type { Effect } from '../effects.ts';
import { membersOf, type Generation } from '../generation.ts';
import type { Standing } from '../messages.ts';
import { compareSaved, type Saved } from '../saved.ts';
import type { RankState, Training } from '../state.ts';
import type { Target } from '../target.ts';

export interface StateRules {
  /** Whether nothing is in flight that changes this rank's state: only then can it be told, or be healed. */
  isSettled(changing: RankState['changing']): boolean;
  /** What a rank says of its state: all that it has applied. */
  standingOf(training: Training): Standing;
  /** Whose states are compared before a member of a new generation goes on: all members', whoever came or went. */
  comparedMembers(self: MemberId, base: Generation | undefined, next: Generation): readonly MemberId[];
  /**
   * The standings that can be believed. Where states of one step differ and no hash has more holders than every other, nobody can tell
   * which of them is right: none is, and what is older counts.
   */
  believed(
    standings: readonly (readonly [MemberId, Standing | undefined])[],
    incarnation: IncarnationId,
  ): readonly (readonly [MemberId, Standing | undefined])[];
  /** The state that a generation of `incarnation` goes on from, given all standings in ring order; undefined when nobody has one. */
  target(
    standings: readonly (readonly [MemberId, Standing | undefined])[],
    incarnation: IncarnationId,
  ): Target | undefined;
  /** Whether every state at hand is older than one that may have been committed: then it died with its last holder. */
  isLost(target: Target, floor: number): boolean;
  /** Whether the retained gradient brings a rank with this standing to the donor's state. */
  gradientHeals(donor: Training, have: Standing | undefined): boolean;
  /** Whether a piece that is held is the one that a donor lists: it is, whoever sent it, if it has the same bytes. */
  readonly keepsPiece: KeepsPiece;
  /** Into how many pieces a state with so many parameters may be cut at most: a longer list is refused. */
  mostPieces(parameters: number): number;
  /** Whether a rank has the generation's state, to the bit. */
  hasTarget(training: Training, target: Target): boolean;
  /** Positive when the first of two saved states is the newer: by generation, then step, since a step number can be redone. */
  orderSaved(a: Saved, b: Saved): number;
  /** Who founds a new incarnation when the newest state is lost, given the best that each has, in ring order. */
  founder(best: readonly (readonly [MemberId, Standing | undefined])[]): MemberId | undefined;
  /** The state to found an incarnation from: the newer of the one in memory and the one saved. */
  preferred(inMemory: Saved, saved: Saved): 'memory' | 'saved';
  /** Whether a state is saved at this moment: once it is committed, so that no checkpoint is ever taken back. */
  savesWhen(moment: 'committed' | 'applied'): boolean;
  /** What saving asks of the world. It is acknowledged when storage says that it is durable, and not before. */
  saveState(place: {
    readonly generation: GenerationId;
    readonly step: number;
    readonly hash: StateHash;
  }): readonly Effect[];
}

/** A parameter and its two moments. */
export const STATE_BYTES = 12;
/** For what goes with them: names of tensors, the job, the history of the run. */
const SPARE_PIECES = 16;

/** Standings of another line, or of none, are older than any that a generation of this incarnation has vouched for. */
function lineageOrder(standing: Standing, incarnation: IncarnationId): number {
  const lineage = standing.lineage;
  return lineage !== undefined && lineage.incarnation === incarnation ? lineage.number : 0;
}

/** A state that no generation has vouched for is older than any other; among such, steps count. */
function isNewer(a: Standing, b: Standing): boolean {
  if (a.lineage !== undefined && b.lineage !== undefined)
    return compareSaved({ lineage: a.lineage, step: a.step }, { lineage: b.lineage, step: b.step }) > 0;
  return a.lineage === b.lineage ? a.step > b.step : a.lineage !== undefined;
}

/** The standings of the greatest (lineage, step). */
function newestOf(
  standings: readonly (readonly [MemberId, Standing | undefined])[],
  incarnation: IncarnationId,
): readonly Standing[] | undefined {
  let newest: Standing[] | undefined;
  for (const [, standing] of standings) {
    if (standing === undefined) continue;
    const [first] = newest ?? [];
    const order =
      first === undefined
        ? 1
        : lineageOrder(standing, incarnation) - lineageOrder(first, incarnation) ||
          standing.step - first.step;
    if (newest === undefined || order > 0) newest = [standing];
    else if (order === 0) newest.push(standing);
  }
  return newest;
}

/** Whether two hashes share the first place by their number of holders. */
function isTied(standings: readonly Standing[]): boolean {
  const holders = new Map<StateHash, number>();
  for (const { hash } of standings) holders.set(hash, (holders.get(hash) ?? 0) + 1);
  if (holders.size < 2) return false;
  const [first = 0, second = 0] = [...holders.values()].sort((a, b) => b - a);
  return first === second;
}

export const STATE_RULES: StateRules = {
  isSettled: (changing) => changing === undefined,

  standingOf: ({ lineage, step, hash }) => ({ lineage, step, hash }),

  comparedMembers: (_self, _base, next) => membersOf(next),

  believed(standings, incarnation) {
    let rest = standings;
    for (;;) {
      const newest = newestOf(rest, incarnation);
      if (newest === undefined || !isTied(newest)) return rest;
      const doubted = new Set(newest);
      rest = rest.map(([member, standing]) =>
        standing !== undefined && doubted.has(standing) ? [member, undefined] : [member, standing],
      );
    }
  },

  target(standings, incarnation) {
    const known = standings.flatMap(([, standing]) => (standing === undefined ? [] : [standing]));
    const heads = new Map<StateHash, number>();
    for (const { hash } of known) heads.set(hash, (heads.get(hash) ?? 0) + 1);
    let best: Standing | undefined;
    for (const standing of known) {
      if (best === undefined) {
        best = standing;
        continue;
      }
      const order =
        lineageOrder(standing, incarnation) - lineageOrder(best, incarnation) ||
        standing.step - best.step ||
        (heads.get(standing.hash) ?? 0) - (heads.get(best.hash) ?? 0);
      if (order > 0) best = standing;
    }
    if (best === undefined) return undefined;
    const { step, hash } = best;
    const donors = standings.flatMap(([member, s]) => (s?.step === step && s.hash === hash ? [member] : []));
    return { step, hash, lineage: lineageOrder(best, incarnation), donors };
  },

  isLost: (target, floor) => target.lineage < floor,

  gradientHeals: (donor, have) =>
    have !== undefined &&
    donor.retained !== undefined &&
    donor.previousHash !== undefined &&
    have.step === donor.retained.step &&
    have.hash === donor.previousHash,

  keepsPiece: (held, listed) => held === listed,

  mostPieces: (parameters) => Math.ceil((parameters * STATE_BYTES) / PIECE_BYTES) + SPARE_PIECES,

  hasTarget: (training, target) => training.step === target.step && training.hash === target.hash,

  orderSaved: compareSaved,

  founder(best) {
    let founder: { readonly member: MemberId; readonly standing: Standing } | undefined;
    for (const [member, standing] of best)
      if (standing !== undefined && (founder === undefined || isNewer(standing, founder.standing)))
        founder = { member, standing };
    return founder?.member;
  },

  preferred: (inMemory, saved) => (compareSaved(saved, inMemory) > 0 ? 'saved' : 'memory'),

  savesWhen: (moment) => moment === 'committed',

  saveState: ({ generation, step, hash }) => [{ kind: 'checkpoint', generation, step, hash }],
};
