// The room as one picture, drawn from what this page's ranks say of themselves and of each other. Pure.

import type { EngineDescription, EngineMemory } from '../../ports/engine.ts';
import type { GenerationId, MemberId, StateHash } from '../../ports/ids.ts';
import type { Exactness, Phase, Stall } from '../../trace/events.ts';
import type { MemberView, RankHandle, RankStatus } from '../../live/api.ts';
import type { Job } from '../../job/job.ts';
import type { Agreement, HashBook } from './hash-book.ts';

/** A rank in a frame of this page, and its newest word. Times are in milliseconds since the epoch. */
export interface LocalRank {
  readonly member: MemberId;
  readonly handle: RankHandle;
  readonly status: RankStatus | undefined;
  readonly answeredAt: number;
}

/** A rank that this page has removed. */
export interface Departure {
  readonly member: MemberId;
  readonly how: 'killed' | 'closed' | 'left';
  /** The last that it said. */
  readonly status: RankStatus | undefined;
  readonly at: number;
}

/** What a rank does, in words coarse enough not to flicker: a step's three phases are one. */
export type Activity = Exclude<Phase, 'computing' | 'reducing' | 'applying'> | 'training' | 'gone' | 'silent';

export interface RankView {
  readonly member: MemberId;
  /** The palette's slot. */
  readonly slot: number;
  /** Its number in the generation in force; undefined where it is no member. */
  readonly rank: number | undefined;
  readonly local: boolean;
  readonly activity: Activity;
  readonly step: number;
  readonly hash: StateHash | undefined;
  /** Undefined where this page has no other rank to compare with. */
  readonly agreement: Agreement | undefined;
  readonly silentMs: number;
  readonly suspected: boolean;
  /** Its tab is in the background. */
  readonly hidden: boolean;
  readonly departure: Departure | undefined;
  readonly engine: EngineDescription | undefined;
  readonly memory: EngineMemory | undefined;
  readonly preflight: RankStatus['preflight'];
  /** Of a state on its way here. */
  readonly incoming: RankStatus['incoming'];
  readonly links: number | undefined;
  /** Links that are not direct. */
  readonly carried: RankStatus['carried'];
  readonly refusals: RankStatus['refusals'];
  readonly sent: RankStatus['sent'] | undefined;
  /** Which micro-batches it computed last; known for this page's ranks. */
  readonly microBatches: readonly number[] | undefined;
  readonly faults: RankStatus['faults'];
}

/** Two members without a working link between them. */
export interface PairApart {
  readonly ranks: readonly [number, number];
  /** The ring had to place them side by side all the same: others carry what goes between them. */
  readonly carried: boolean;
}

export type RoomState =
  | 'opening'
  | 'joining'
  | 'ready'
  | 'paused'
  | 'training'
  | 'regrouping'
  | 'done'
  | 'stuck'
  | 'stopped'
  | 'empty';

export interface RoomView {
  readonly state: RoomState;
  /** In ring order; then those that are no members yet. */
  readonly ranks: readonly RankView[];
  readonly members: number;
  readonly generation: GenerationId | undefined;
  /** Updates applied by all. */
  readonly step: number;
  readonly job: Job;
  readonly exactness: Exactness;
  /** Members without a working link between them, as ranks. */
  readonly apart: readonly PairApart[];
  readonly running: boolean;
  readonly resumedFromStep: number | undefined;
  readonly waitingFor: readonly MemberId[];
  readonly witness: RankStatus['witness'];
  /** The wait that holds the step up, and which of this page's ranks says so. */
  readonly stall: { readonly by: MemberId; readonly stall: Stall } | undefined;
  /** The local rank whose word the picture rests on. */
  readonly observer: LocalRank | undefined;
}

export interface RoomSources {
  readonly locals: readonly LocalRank[];
  readonly departures: readonly Departure[];
  /** Frames that have not announced themselves. */
  readonly opening: number;
  readonly now: number;
  readonly job: Job;
  /** Whose colour a rank wears. */
  readonly slot: (member: MemberId) => number;
  readonly compare: HashBook['compare'];
  readonly microBatches: (member: MemberId) => readonly number[] | undefined;
}

/** A local rank that has not answered for this long is shown as silent: its worker is frozen or very busy. */
const SILENT_MS = 1500;
/** How long a rank that this page removed stays in the picture after its peers have gone on without it. */
const GHOST_MS = 2500;

export function drawRoom(sources: RoomSources): RoomView {
  const { locals, departures, now } = sources;
  const observer = chooseObserver(locals, now);
  const status = observer?.status;
  const members = status?.members ?? [];
  const inGeneration = new Set(members.map((member) => member.member));

  const ranks = members.map((member) => drawMember(sources, member));
  for (const local of locals) {
    if (!inGeneration.has(local.member)) ranks.push(drawLocal(sources, local, undefined));
  }
  for (const departure of departures) {
    const shown = inGeneration.has(departure.member) || now - departure.at > GHOST_MS;
    if (!shown) ranks.push(drawGhost(sources, departure));
  }
  const compared = sources.compare(
    locals.map((local) => local.member).filter((member) => inGeneration.has(member)),
  );
  return {
    state: stateOf(sources, status),
    ranks: ranks.map((rank) => ({ ...rank, agreement: compared.get(rank.member) })),
    members: members.length,
    generation: status?.generation,
    step: status?.committed ?? 0,
    job: status?.job ?? sources.job,
    exactness: status?.exactness ?? { kind: 'exact' },
    apart: status === undefined ? [] : apartIn(status),
    running: status?.running ?? false,
    resumedFromStep: status?.resumedFromStep,
    waitingFor: status?.waitingFor ?? [],
    witness: status?.witness,
    stall: stallOf(locals, now),
    observer,
  };
}

function apartIn({ apart, members }: RankStatus): readonly PairApart[] {
  const rankOf = (wanted: MemberId): number => members.findIndex(({ member }) => member === wanted);
  return apart.flatMap(([one, other]): readonly PairApart[] => {
    const [low, high] = [rankOf(one), rankOf(other)].sort((a, b) => a - b);
    if (low === undefined || high === undefined || low < 0) return [];
    const carried = high - low === 1 || high - low === members.length - 1;
    return [{ ranks: [low, high], carried }];
  });
}

/** Of what the ranks of this page say that are answering: the one that has waited longest, which sees furthest. */
function stallOf(locals: readonly LocalRank[], now: number): RoomView['stall'] {
  let longest: RoomView['stall'];
  for (const { member, status, answeredAt } of locals) {
    if (status?.stall === undefined || now - answeredAt > SILENT_MS) continue;
    if (longest === undefined || status.stall.forMs > longest.stall.forMs)
      longest = { by: member, stall: status.stall };
  }
  return longest;
}

/** The best informed: in a generation, of the deepest incarnation, the newest number, the furthest step; and answering. */
function chooseObserver(locals: readonly LocalRank[], now: number): LocalRank | undefined {
  const score = (rank: LocalRank): readonly [number, string, number, number] => {
    const { status } = rank;
    if (status === undefined) return [-1, '', 0, 0];
    const answering = now - rank.answeredAt < SILENT_MS ? 1 : 0;
    const { generation } = status;
    return [answering, generation?.incarnation ?? '', generation?.number ?? 0, status.committed];
  };
  let best: LocalRank | undefined;
  for (const rank of locals) {
    if (best === undefined || isGreater(score(rank), score(best))) best = rank;
  }
  return best;
}

function isGreater(a: readonly (number | string)[], b: readonly (number | string)[]): boolean {
  for (const [i, x] of a.entries()) {
    const y = b[i];
    if (y !== undefined && x !== y) return x > y;
  }
  return false;
}

function stateOf(sources: RoomSources, status: RankStatus | undefined): RoomState {
  if (status === undefined) return sources.locals.length > 0 || sources.opening > 0 ? 'opening' : 'empty';
  switch (status.phase) {
    case 'starting':
      return 'opening';
    case 'joining':
      return 'joining';
    case 'regrouping':
    case 'healing':
      return 'regrouping';
    case 'computing':
    case 'reducing':
    case 'applying':
      return 'training';
    case 'idle':
      if (status.running) return 'training';
      return status.committed === 0 ? 'ready' : 'paused';
    case 'done':
      return 'done';
    case 'stuck':
      return 'stuck';
    case 'stopped':
      return 'stopped';
  }
}

function activityOf(phase: Phase): Activity {
  switch (phase) {
    case 'computing':
    case 'reducing':
    case 'applying':
      return 'training';
    case 'starting':
    case 'joining':
    case 'regrouping':
    case 'healing':
    case 'idle':
    case 'done':
    case 'stuck':
    case 'stopped':
      return phase;
  }
}

function drawMember(sources: RoomSources, member: MemberView): RankView {
  const local = sources.locals.find((rank) => rank.member === member.member);
  if (local !== undefined) return drawLocal(sources, local, member);
  const departure = sources.departures.find((gone) => gone.member === member.member);
  return {
    ...nothingKnown(member.member, sources.slot(member.member)),
    rank: member.rank,
    activity: departure === undefined ? activityOf(member.phase) : 'gone',
    step: member.step,
    silentMs: departure === undefined ? member.silentMs : sources.now - departure.at,
    suspected: member.suspected,
    hidden: member.hidden,
    engine: departure?.status?.engine,
    departure,
  };
}

function drawLocal(sources: RoomSources, local: LocalRank, member: MemberView | undefined): RankView {
  const { status } = local;
  const silentMs = local.answeredAt === 0 ? 0 : sources.now - local.answeredAt;
  return {
    ...nothingKnown(local.member, sources.slot(local.member)),
    local: true,
    rank: member?.rank,
    activity: silentMs > SILENT_MS ? 'silent' : activityOf(status?.phase ?? 'starting'),
    step: status?.step ?? 0,
    hash: status?.committedHash ?? status?.stateHash,
    silentMs,
    suspected: member?.suspected ?? false,
    hidden: member?.hidden ?? false,
    engine: status?.engine,
    memory: status?.memory,
    preflight: status?.preflight,
    incoming: status?.incoming,
    links: status?.links.length,
    carried: status?.carried ?? [],
    refusals: status?.refusals ?? [],
    sent: status?.sent,
    microBatches: sources.microBatches(local.member),
    faults: status?.faults ?? [],
  };
}

const drawGhost = (sources: RoomSources, departure: Departure): RankView => ({
  ...nothingKnown(departure.member, sources.slot(departure.member)),
  activity: 'gone',
  step: departure.status?.step ?? 0,
  silentMs: sources.now - departure.at,
  engine: departure.status?.engine,
  departure,
});

/** A rank of which no more is known than that it is there, and where it stands. */
export const nothingKnown = (member: MemberId, slot: RankView['slot']): RankView => ({
  member,
  slot,
  rank: undefined,
  local: false,
  activity: 'starting',
  step: 0,
  hash: undefined,
  agreement: undefined,
  silentMs: 0,
  suspected: false,
  hidden: false,
  departure: undefined,
  engine: undefined,
  memory: undefined,
  preflight: undefined,
  incoming: undefined,
  links: undefined,
  carried: [],
  refusals: [],
  sent: undefined,
  microBatches: undefined,
  faults: [],
});
