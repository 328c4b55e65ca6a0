// What the merged logs of all ranks say about a run: how each loss was found and survived, and whether all ranks agreed.
// Pure: records in, findings out, so that hand-written logs test it.

import type { Evidence } from '../../ports/network.ts';
import type { GenerationId, MemberId, StateHash } from '../../ports/ids.ts';
import type { TraceEvent, TraceRecord } from '../../trace/events.ts';
import { findRepeats } from './repeats.ts';

type EventOf<Kind extends TraceEvent['kind']> = Extract<TraceEvent, { kind: Kind }>;
type RecordOf<Kind extends TraceEvent['kind']> = TraceRecord & { readonly event: EventOf<Kind> };

/** Something done to the room from outside. */
export interface Disturbance {
  readonly cause: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** When what acts by itself was to end; absent: it is over at once. */
  readonly until?: number;
  /** Whom it was done to. */
  readonly members: readonly MemberId[];
}

/** A generation that goes on without somebody. */
export interface Recovery {
  /** The last disturbance of those who are gone, before they were missed; `unexplained` when there was none. */
  readonly cause: string;
  /** By which the first of the survivors knew; null when no log says so. */
  readonly evidence: Evidence | null;
  /**
   * From the disturbance (or from being taken back in spite of it) to the first suspicion; of several lost members, the one
   * that took longest.
   */
  readonly detectMs: number | null;
  /** From the first proposal to the last survivor's installing the new generation. */
  readonly regroupMs: number | null;
  /** Committed steps that were executed again after this one and before the next, although a rank that had them lived on. */
  readonly lostSteps: number;
  /** Micro-batches of the interrupted step that had been contributed, and were contributed again. */
  readonly redoneMicroBatches: number;
  readonly generation: GenerationId;
  readonly lost: readonly MemberId[];
  /** Updates committed when the new generation was installed. */
  readonly committed: number;
  /** When the first survivor had the new generation, and when the last had it. */
  readonly firstInstalledAt: number;
  readonly installedAt: number;
}

export interface Admission {
  readonly member: MemberId;
  readonly generation: GenerationId;
  readonly installedAt: number;
  /** How it got the state, when it had to: in its generation, or else beside the ring before. */
  readonly healed:
    { readonly donor: MemberId; readonly step: number; readonly by: 'gradient' | 'state' } | undefined;
  /** The first step to which it contributed micro-batches. */
  readonly firstContribution: number | undefined;
}

export interface Parity {
  readonly equal: boolean;
  /** Steps at which two or more ranks' hashes could be compared. */
  readonly compared: number;
  /** The first step at which they differ. */
  readonly conflict: { readonly step: number; readonly hashes: readonly StateHash[] } | undefined;
}

interface Generation {
  readonly id: GenerationId;
  readonly base: GenerationId | undefined;
  readonly members: readonly MemberId[];
  readonly installs: readonly RecordOf<'installed'>[];
}

const keyOf = (id: GenerationId): string => `${id.incarnation}/${id.number}`;

const isKind =
  <Kind extends TraceEvent['kind']>(kind: Kind) =>
  (record: TraceRecord): record is RecordOf<Kind> =>
    record.event.kind === kind;

const maximum = (values: readonly number[]): number | null =>
  values.length === 0 ? null : Math.max(...values);
const minimum = (values: readonly number[]): number | null =>
  values.length === 0 ? null : Math.min(...values);

/** Every generation that any rank installed, oldest first. */
function generations(records: readonly TraceRecord[]): readonly Generation[] {
  const byKey = new Map<string, RecordOf<'installed'>[]>();
  for (const record of records.filter(isKind('installed'))) {
    const key = keyOf(record.event.generation);
    byKey.set(key, [...(byKey.get(key) ?? []), record]);
  }
  const found = [...byKey.values()].flatMap((installs): Generation[] => {
    const [first] = installs;
    if (first === undefined) return [];
    return [{ id: first.event.generation, base: first.event.base, members: first.event.members, installs }];
  });
  return found.sort((a, b) =>
    a.id.incarnation === b.id.incarnation
      ? a.id.number - b.id.number
      : a.id.incarnation < b.id.incarnation
        ? -1
        : 1,
  );
}

/** A recovery before it is known what it cost. */
type Move = Omit<Recovery, 'lostSteps'>;

/**
 * Every move to a generation that lacks a member of the one before, oldest first, as far as it `counts`. Each is charged with the
 * committed steps that were executed again after it and before the next.
 */
export function findRecoveries(
  records: readonly TraceRecord[],
  disturbances: readonly Disturbance[],
  counts: (move: Move) => boolean = () => true,
): readonly Recovery[] {
  const moves = findMoves(records, disturbances).filter(counts);
  const lost = new Map<Move, Set<number>>(moves.map((move) => [move, new Set()]));
  for (const { at, step } of findRepeats(records)) {
    const cause = lastBefore(moves, at);
    if (cause !== undefined) lost.get(cause)?.add(step);
  }
  return moves.map((move) => ({ ...move, lostSteps: lost.get(move)?.size ?? 0 }));
}

/** Committed steps that were executed again before any of these recoveries: nothing explains them. */
export const unexplainedRepeats = (
  records: readonly TraceRecord[],
  recoveries: readonly Recovery[],
): number =>
  new Set(
    findRepeats(records).flatMap(({ at, step }) => (lastBefore(recoveries, at) === undefined ? [step] : [])),
  ).size;

const lastBefore = (moves: readonly Move[], at: number): Move | undefined =>
  moves.findLast(({ firstInstalledAt }) => firstInstalledAt <= at);

function findMoves(records: readonly TraceRecord[], disturbances: readonly Disturbance[]): readonly Move[] {
  const all = generations(records);
  const known = new Map(all.map((generation) => [keyOf(generation.id), generation]));
  const found = all.flatMap((generation, index): Move[] => {
    const base = generation.base === undefined ? undefined : known.get(keyOf(generation.base));
    if (base?.id.incarnation !== generation.id.incarnation) return [];
    const lost = base.members.filter((member) => !generation.members.includes(member));
    if (lost.length === 0) return [];
    const next = all[index + 1];
    const until =
      next?.id.incarnation === generation.id.incarnation ? next.id.number : Number.POSITIVE_INFINITY;
    const earlier = all.slice(0, index);
    return [moveOf(records, disturbances, earlier, generation, base, lost, until)];
  });
  return found.sort((a, b) => a.firstInstalledAt - b.firstInstalledAt);
}

/** When this member was taken in for the last time, of these generations of one incarnation. */
function takenInAt(earlier: readonly Generation[], incarnation: string, member: MemberId): number {
  const line = earlier.filter((generation) => generation.id.incarnation === incarnation);
  const without = line.findLastIndex((generation) => !generation.members.includes(member));
  return minimum(line[without + 1]?.installs.map((record) => record.at) ?? []) ?? 0;
}

function moveOf(
  records: readonly TraceRecord[],
  disturbances: readonly Disturbance[],
  earlier: readonly Generation[],
  generation: Generation,
  base: Generation,
  lost: readonly MemberId[],
  /** The number of the generation after it. */
  until: number,
): Move {
  const survivors = base.members.filter((member) => generation.members.includes(member));
  const bySurvivors = generation.installs.filter((record) => survivors.includes(record.member));
  const installs = bySurvivors.length === 0 ? generation.installs : bySurvivors;
  const installedAt = Math.max(...installs.map((record) => record.at));
  const firstInstall = Math.min(...installs.map((record) => record.at));

  const done = disturbances.filter(
    (item) => item.at <= installedAt && item.members.some((member) => lost.includes(member)),
  );
  const disturbance = done.toSorted((a, b) => a.at - b.at).at(-1);
  const found = lost.flatMap((peer) => {
    // A member that was taken back while it was still disturbed is found anew.
    const from = Math.max(disturbance?.at ?? 0, takenInAt(earlier, generation.id.incarnation, peer));
    const [first] = records
      .filter(isKind('suspected'))
      .filter(
        ({ member, at, event }) =>
          event.peer === peer && !lost.includes(member) && at <= installedAt && at >= from,
      )
      .toSorted((x, y) => x.at - y.at);
    return first === undefined ? [] : [{ at: first.at, ms: first.at - from, evidence: first.event.evidence }];
  });
  const [first] = found.toSorted((x, y) => x.at - y.at);

  // The ballots for a generation name the one that it succeeds.
  const proposedAt = minimum(
    records
      .filter(isKind('prepared'))
      .filter((record) => keyOf(record.event.generation) === keyOf(base.id) && record.at <= installedAt)
      .filter((record) => record.at >= (first?.at ?? 0))
      .map((record) => record.at),
  );

  const within = (id: GenerationId, from: number, to: number): boolean =>
    id.incarnation === generation.id.incarnation && id.number >= from && id.number < to;
  const number = generation.id.number;
  const committed =
    maximum(
      records
        .filter(isKind('committed'))
        .filter((record) => within(record.event.generation, 0, number) && record.at <= firstInstall)
        .map((record) => record.event.step),
    ) ?? 0;
  return {
    cause: disturbance?.cause ?? 'unexplained',
    evidence: first?.evidence ?? null,
    detectMs: disturbance === undefined ? null : maximum(found.map((item) => item.ms)),
    regroupMs: proposedAt === null ? null : installedAt - proposedAt,
    redoneMicroBatches: redone(records, generation.id, until),
    generation: generation.id,
    lost,
    committed,
    firstInstalledAt: firstInstall,
    installedAt,
  };
}

/** Micro-batches contributed in the generations of [`id`, `until`) that had been contributed to the same step before it. */
function redone(records: readonly TraceRecord[], id: GenerationId, until: number): number {
  const before = new Set<string>();
  const after = new Set<string>();
  for (const { event } of records.filter(isKind('contributed'))) {
    if (event.generation.incarnation !== id.incarnation || event.generation.number >= until) continue;
    const side = event.generation.number < id.number ? before : after;
    for (const microBatch of event.microBatches) side.add(`${event.step}/${microBatch}`);
  }
  return [...after].filter((item) => before.has(item)).length;
}

/** How each of these members came in and became useful. Members that never came in are not in it. */
export function findAdmissions(
  records: readonly TraceRecord[],
  members: readonly MemberId[],
): readonly Admission[] {
  const all = generations(records);
  return members.flatMap((member): Admission[] => {
    const generation = all.find((item) => item.members.includes(member));
    if (generation === undefined) return [];
    const own = records.filter((record) => record.member === member);
    const learned = own.filter(isKind('learned')).at(-1)?.event;
    const healed =
      own.filter(isKind('healed'))[0]?.event ?? (learned && { ...learned, donor: learned.teacher });
    const contributions = own
      .filter(isKind('contributed'))
      .filter((record) => record.event.microBatches.length > 0);
    return [
      {
        member,
        generation: generation.id,
        installedAt: Math.min(...generation.installs.map((record) => record.at)),
        healed: healed && { donor: healed.donor, step: healed.step, by: healed.by },
        firstContribution: contributions[0]?.event.step,
      },
    ];
  });
}

/** Whether all ranks that committed a step hold the same state there. Incarnations are compared each on its own. */
export function compareHashes(records: readonly TraceRecord[]): Parity {
  const steps = new Map<string, { readonly step: number; readonly byMember: Map<MemberId, StateHash> }>();
  const conflicts = new Map<string, { readonly step: number; readonly hashes: Set<StateHash> }>();
  for (const { member, event } of records.filter(isKind('committed'))) {
    const key = `${event.generation.incarnation}/${event.step}`;
    const entry = steps.get(key) ?? { step: event.step, byMember: new Map<MemberId, StateHash>() };
    steps.set(key, entry);
    for (const hash of [...entry.byMember.values()].filter((other) => other !== event.hash)) {
      const conflict = conflicts.get(key) ?? { step: event.step, hashes: new Set([hash]) };
      conflicts.set(key, conflict);
      conflict.hashes.add(event.hash);
    }
    entry.byMember.set(member, event.hash);
  }
  const [first] = [...conflicts.values()].sort((a, b) => a.step - b.step);
  return {
    equal: first === undefined,
    compared: [...steps.values()].filter((entry) => entry.byMember.size > 1).length,
    conflict: first && { step: first.step, hashes: [...first.hashes] },
  };
}

/** Everything that a rank itself called wrong, as sentences. */
export function findComplaints(records: readonly TraceRecord[]): readonly string[] {
  const sentences = records.flatMap(({ event }): string[] => {
    if (event.kind === 'violated') return [`Invariant ${event.invariant} was violated: ${event.sentence}`];
    if (event.kind === 'stopped' && event.reason !== 'left')
      return [`A rank stopped (${event.reason}): ${event.detail}`];
    return [];
  });
  return [...new Set(sentences)];
}
