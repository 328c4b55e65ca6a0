// Everything a rank knows, as data: it can be cloned, hashed and compared, which exploration and replay rely on.

import { cloneAllReduce, type AllReduce } from '../collective/all-reduce.ts';
import type { LaneLayout } from '../collective/lanes.ts';
import type { Incoming, PieceList } from '../collective/state-transfer.ts';
import type { Job } from '../job/job.ts';
import type { UpdateMode } from '../ports/engine.ts';
import type { Evidence } from '../ports/network.ts';
import type { GenerationId, IncarnationId, JobHash, MemberId, SeatId, StateHash } from '../ports/ids.ts';
import type { Ballot, Exactness, Founding, Phase, StopReason } from '../trace/events.ts';
import type { Generation, Member, SavedPlace } from './generation.ts';
import type { Message, RoundId, SelfReport, Standing, Verdict } from './messages.ts';
import type { Overlay } from './overlay.ts';
import type { Peer } from './peer.ts';
import type { Shares } from './shares.ts';
import type { Target } from './target.ts';
import type { Usual } from './usual.ts';
import type { Accepted, SeatRecord } from './votes.ts';

export interface Training {
  /** Updates applied by this rank. */
  step: number;
  hash: StateHash;
  /** Hash of the state one step before, where this rank applied the last step itself. */
  previousHash: StateHash | undefined;
  /** The generation that last vouched for this state. */
  lineage: GenerationId | undefined;
  /** The step that made this state asked for a pause, and the room was not started since. */
  paused: boolean;
  /** The reduced lanes of the last applied step, kept until all are known to have applied it. */
  retained: Reduced | undefined;
  committed: number;
  committedHash: StateHash | undefined;
}

/** A proposer's attempt to have a successor chosen. */
export interface Proposal {
  readonly ballot: Ballot;
  /** By seat: who answered, and what it reported. */
  readonly promises: Map<SeatId, Promise_>;
  /** Set when the second phase has begun. */
  value: Generation | undefined;
  readonly accepted: Set<SeatId>;
  /** Times that those who have not answered were asked again, in a hierarchy. */
  repeats: number;
}

export interface Promise_ {
  readonly by: MemberId;
  readonly accepted: Accepted | undefined;
  readonly links: readonly MemberId[];
  readonly vouched: number;
  readonly leaving: boolean;
  readonly joiners: readonly Member[];
  readonly suspects: readonly MemberId[];
}

/** What has a deadline that is learned; `reducing`: the all-reduce. */
export type Collective = 'reducing' | 'standings' | 'verdict' | 'transfer';

/** The all-reduces of one step in flight, or those of the last one that was completed (for sending parts again). */
export interface Round {
  readonly id: RoundId;
  readonly layout: LaneLayout;
  /** Those buckets, the first ones in order, that this rank has contributed to. */
  readonly buckets: AllReduce[];
  readonly exponents: Int32Array<ArrayBuffer> | undefined;
  readonly quarantined: readonly number[] | undefined;
  /** The exponent lanes of this rank's own contribution, once the last bucket is in. */
  ownLargest: Int32Array<ArrayBuffer>;
  /** The sample that this rank itself found to be bad. */
  ownBad: number | undefined;
  resendRequests: number;
  /** Whose parts had another size than this rank's layout gives them. */
  readonly misfits: MemberId[];
}

/** What the engine computes, and since when. */
export interface Computing extends RoundId {
  readonly since: number;
  readonly microBatches: readonly number[];
}

/** What a rank that is behind has said: where it stands, and the first piece of the whole state that it lacks. */
export interface HealRequest {
  readonly have: Standing | undefined;
  readonly piece: number;
}

/** Which state. */
export interface Place {
  readonly step: number;
  readonly hash: StateHash;
}

/** The whole state in pieces, and which one it is. */
export interface Donation extends PieceList, Place {}

/** What leads from the state at `step` to the next. */
export interface Reduced {
  readonly step: number;
  readonly reduced: Int32Array<ArrayBuffer>;
  readonly exponents: Int32Array<ArrayBuffer> | undefined;
  readonly quarantined: readonly number[] | undefined;
}

/** A newcomer that learns beside the ring: who teaches it, and what is on its way. */
export interface Study {
  readonly teacher: MemberId;
  /** The teacher's, when the lesson began; and how its updates are applied. */
  readonly generation: GenerationId;
  readonly mode: UpdateMode;
  /** Steps that the room has committed, as far as the teacher has said. */
  committed: number;
  /** The state whose pieces are on their way. */
  copy: Place | undefined;
  /** Those that have come and are not applied: the hash is of the state that each leads to. */
  readonly gradients: (Reduced & { readonly generation: GenerationId; readonly hash: StateHash })[];
  /** Since when it has a state that the room has committed; undefined: it has none yet. */
  followsSince: number | undefined;
  /** It has caught up, or was told to: it asks for its place. */
  asksIn: boolean;
  /** The teacher has said that nothing more comes. */
  isOver: boolean;
  /** Times that the teacher was asked since it last answered, and when it did. */
  asks: number;
  askedAt: number;
}

/** A gradient that all have applied, and the states that it lies between. */
export interface Passed extends Reduced {
  readonly before: StateHash;
  readonly hash: StateHash;
}

/** What the engine is about to come to by a heal. */
export interface Heal {
  readonly generation: GenerationId;
  readonly donor: MemberId;
  readonly by: 'gradient' | 'state';
  readonly bytes: number;
  readonly paused: boolean;
}

/** One that learns from this rank. */
export interface Pupil {
  /** The piece that it asked for, while it waits for the copy. */
  awaits: number | undefined;
  /** It takes the pieces of the copy. */
  copies: boolean;
  /** The step of its own state, as it said last, once that is one from which gradients lead on; and the next one to be sent. */
  at: number | undefined;
  next: number;
  /** It was told that nothing more comes. What it lacks is kept until it has its place. */
  isOver: boolean;
}

/** What this rank teaches newcomers while it trains: a copy of a committed state, and all gradients since. */
export interface Teaching {
  readonly pupils: Map<MemberId, Pupil>;
  copy: Donation | undefined;
  /** The state that the engine makes a copy of. */
  copying: Place | undefined;
  /** One after the other, up to the last that was committed. */
  readonly gradients: Passed[];
  /** Applied here, and not yet known to be applied by all. */
  latest: (Reduced & { readonly before: StateHash }) | undefined;
  /** Pieces that were asked for and wait for their turn. */
  readonly due: { readonly to: MemberId; readonly piece: number }[];
}

export interface Membership {
  readonly generation: Generation;
  /** Undefined: every member has links with all others. */
  readonly overlay: Overlay | undefined;
  /** In a hierarchy, what others have said: whom they suspect, whom they vouch for, who leaves. */
  readonly reported: Map<MemberId, Evidence>;
  readonly offered: Map<MemberId, Member>;
  /** Pages that are no members and answer for dead members' seats. */
  readonly heirs: Set<MemberId>;
  /** What was last told to whoever proposes. */
  news: { readonly to: MemberId; readonly about: string; readonly at: number } | undefined;
  /** Members whose states are compared before this rank goes on. */
  readonly compared: readonly MemberId[];
  readonly installedAt: number;
  /** No peer that this rank watches can have been silent for too long before then: until a link ends, looking is of no use. */
  silentAfter: number;
  /** A seat held here has promised: no further step in this generation. */
  frozen: boolean;
  frozenSince: number;
  proposal: Proposal | undefined;
  /** When the `propose` timer is due; undefined when it is not armed. */
  proposeAt: number | undefined;
  highestRound: number;
  /** What the members have said of themselves at the start of the generation. */
  readonly selfReports: Map<MemberId, SelfReport>;
  /** The state that this generation goes on from, once all standings are known. */
  target: Target | undefined;
  /** The verdict of which it is part. */
  verdict: Verdict | undefined;
  synced: boolean;
  donorTurn: number;
  /** Whom this rank, which is behind, asked last: there was a link. */
  donor: MemberId | undefined;
  /** When it asked, or when something came for the last time since. */
  donorAskedAt: number;
  /** Peers that asked to be healed before this rank was synced. */
  readonly healRequests: Map<MemberId, HealRequest>;
  /** Those that wait for the engine's copy of the state, and the piece that each wants first. */
  readonly exportingFor: Map<MemberId, number>;
  /** Whether the members have agreed to train. */
  running: boolean;
  /** Told to start, not yet acted on. */
  startWanted: boolean;
  /** The generation before this one trained, as far as this rank knew. */
  readonly wasRunning: boolean;
  /** The barrier for the state at this step is through. */
  barrierDone: number;
  round: Round | undefined;
  lastRound: Round | undefined;
  /** Of the step being computed: its attempt, and what the attempts before it have agreed on: exponents, and bad samples. */
  attempt: number;
  exponents: Int32Array<ArrayBuffer> | undefined;
  quarantined: readonly number[] | undefined;
  computing: Computing | undefined;
  shares: Shares;
  computeFailures: number;
  /** Reasons to regroup besides suspects, joiners and leavers. */
  regroupWanted: boolean;
}

export interface RankState {
  readonly self: { readonly member: MemberId; readonly seat: SeatId };
  job: Job | undefined;
  jobHash: JobHash | undefined;
  engine: 'none' | 'preparing' | 'ready' | 'failed';
  fingerprint: string | undefined;
  layout: LaneLayout | undefined;
  /** Names of the model's tensors, in the layout's order. */
  tensors: readonly string[];
  fresh: boolean;
  /** Whether a room that this rank founds trains at once: as its page was asked to, then as its last room did. */
  autostart: boolean;
  /** Asked to pause, and no step has carried the word yet. It outlives generations. */
  pauseWanted: boolean;
  saved: Standing | undefined;
  training: Training | undefined;
  /** Engine work in flight that changes the state: the standing is not known until it is back. */
  changing: 'apply' | 'import' | 'restore' | undefined;
  /** What to report when the apply in flight is back. */
  pendingApplied:
    | {
        readonly counts: readonly number[];
        readonly loss: number;
        readonly correct: number;
        readonly samples: number;
        readonly pause: boolean;
        readonly quarantined: readonly number[] | undefined;
      }
    | undefined;
  healing: Heal | undefined;
  /** The state as this rank gives it to those that heal; until all have it. */
  donation: Donation | undefined;
  /** What has come of the state that this rank is to heal with. It outlives its donor and the generation. */
  incoming: Incoming | undefined;
  /** A newcomer learns beside the ring. In the generation that takes it in, until it is synced: who gives what it may still lack. */
  study: Study | undefined;
  /** What the engine is about to come to by a lesson, whatever has become of the lesson. */
  learned: (Place & Omit<Heal, 'donor'> & { readonly teacher: MemberId }) | undefined;
  /** Lessons in a row that came to nothing. */
  lessons: number;
  /** The line that this newcomer asks for a place in without learning first. */
  asksIn: IncarnationId | undefined;
  /** This rank teaches newcomers. */
  teaching: Teaching | undefined;
  /** The last generation that this rank has heard of and is not in: where a newcomer without links looks for some. */
  heardOf: Generation | undefined;
  /** A newcomer: the generation whose dead seats it votes for, where it holds their locks. */
  heirIn: Generation | undefined;
  /** How often it has looked. */
  looks: number;
  /** Undefined: a newcomer. */
  membership: Membership | undefined;
  /** The generation has lost its state: this rank is to found a new incarnation from the best one left. */
  foundWanted: boolean;
  /** The states of this generation's members differ, and nobody can tell which is right: this rank is to forget its own. */
  forgetWanted: boolean;
  /** Founding is under way: the checkpoint is being restored. */
  founding: Founding | undefined;
  /** Somebody here wants the room to go back to that state; not asked for any more after `until`. */
  rollback: { readonly to: SavedPlace; readonly until: number } | undefined;
  /** Places given up because computing failed, since it last succeeded. */
  givenUp: number;
  /** Until then this rank could only fail again: it does not ask to be taken in. */
  restUntil: number;
  stopped: { readonly reason: StopReason; readonly detail: string } | undefined;
  leaving: boolean;
  /** Since when this newcomer has asked a room that it knows of. */
  askingSince: number | undefined;
  /** The newest generation in which this rank had the agreed state; it outlives the loss of that state. */
  vouched: GenerationId | undefined;
  /** Of each incarnation that this rank was in, the newest generation that it has installed: it never goes back behind it. */
  readonly installed: Map<IncarnationId, number>;
  /** Electorate of the last generation this rank was in: it may still be asked to vote there. */
  readonly peers: Map<MemberId, Peer>;
  /** Those among them that are suspected, and those that have asked to join: who is looked for at every turn is not looked for among all. */
  readonly suspects: Set<MemberId>;
  readonly askers: Set<MemberId>;
  readonly seats: Map<SeatId, SeatRecord>;
  /** Messages of a generation that this rank has not installed yet. */
  early: { readonly from: MemberId; readonly message: Message }[];
  checkpointWanted: boolean;
  stuck: boolean;
  /** Evidence, newcomers or promises have changed since a regroup was last considered. */
  reconsider: boolean;
  /** When the own heartbeat was last due or sent: later than it should be, this rank was held up. */
  lastBeat: number;
  /** Heartbeats so far. */
  beats: number;
  phase: Phase;
  phaseSince: number;
  /** How long each part of a step, and whatever else ranks do together, takes as a rule. */
  usual: Readonly<Partial<Record<Phase | Collective, Usual>>>;
  /** The stall that was reported last, and is not over: whom it names and why. */
  stalled: string | undefined;
  /** This rank's own tab is in the background. */
  hidden: boolean;
  problem: string | undefined;
  /** Of a founder: what its restored state was computed with. */
  updateMode: UpdateMode;
  exactness: Exactness;
  /** The incarnation whose newest state has died with its last holder, as far as this rank knows. */
  lost: IncarnationId | undefined;
  /** The most steps that this rank knows its incarnation to have committed: it never sinks while the rank heals. */
  roomCommitted: { readonly incarnation: IncarnationId; readonly committed: number } | undefined;
}

export interface RankConfig {
  readonly member: MemberId;
  readonly seat: SeatId;
}

/** What speaks against a peer; undefined: nothing does. */
export function setSuspected(
  state: RankState,
  member: MemberId,
  peer: Peer,
  evidence: Evidence | undefined,
): void {
  // In a large room most are told again and again that nothing speaks against them.
  if (evidence === peer.suspected) return;
  peer.suspected = evidence;
  if (evidence === undefined) state.suspects.delete(member);
  else state.suspects.add(member);
}

/** A newcomer's last `join`; undefined: it is none, or was answered. */
export function setJoin(state: RankState, member: MemberId, peer: Peer, join: Peer['join'], now = 0): void {
  if (join === peer.join) return;
  peer.join = join;
  peer.asksSince = join === undefined ? undefined : (peer.asksSince ?? now);
  if (join === undefined) state.askers.delete(member);
  else state.askers.add(member);
}

export function forgetPeer(state: RankState, member: MemberId): void {
  state.peers.delete(member);
  state.suspects.delete(member);
  state.askers.delete(member);
}

/** A copy that shares what is never changed in place: generations, jobs, messages, records, payloads that were sent. */
export function cloneRank(state: RankState): RankState {
  return {
    ...state,
    training: state.training === undefined ? undefined : { ...state.training },
    membership: state.membership === undefined ? undefined : cloneMembership(state.membership),
    installed: new Map(state.installed),
    peers: new Map([...state.peers].map(([member, peer]) => [member, peer.clone()])),
    suspects: new Set(state.suspects),
    askers: new Set(state.askers),
    seats: new Map(state.seats),
    early: [...state.early],
    incoming:
      state.incoming === undefined
        ? undefined
        : { ...state.incoming, pieces: [...state.incoming.pieces], asked: [...state.incoming.asked] },
    study: state.study && { ...state.study, gradients: [...state.study.gradients] },
    teaching: state.teaching && cloneTeaching(state.teaching),
  };
}

const cloneTeaching = (teaching: Teaching): Teaching => ({
  ...teaching,
  pupils: new Map([...teaching.pupils].map(([member, pupil]) => [member, { ...pupil }])),
  gradients: [...teaching.gradients],
  due: [...teaching.due],
});

const cloneMembership = (membership: Membership): Membership => ({
  ...membership,
  proposal:
    membership.proposal === undefined
      ? undefined
      : {
          ...membership.proposal,
          promises: new Map(membership.proposal.promises),
          accepted: new Set(membership.proposal.accepted),
        },
  heirs: new Set(membership.heirs),
  selfReports: new Map(membership.selfReports),
  healRequests: new Map(membership.healRequests),
  exportingFor: new Map(membership.exportingFor),
  reported: new Map(membership.reported),
  offered: new Map(membership.offered),
  round: membership.round === undefined ? undefined : cloneRound(membership.round),
});

const cloneRound = (round: Round): Round => ({
  ...round,
  misfits: [...round.misfits],
  buckets: round.buckets.map(cloneAllReduce),
});
