// Evidence: heartbeats, links that close, locks that are released, work that does not come. It decides when to propose a
// regroup; it never votes.

import type { Evidence } from '../ports/network.ts';
import type { MemberId } from '../ports/ids.ts';
import {
  isLinked,
  membershipInForce,
  peerOf,
  reconsider,
  report,
  send,
  setTimer,
  type Context,
} from './context.ts';
import { deadlineOf } from './deadlines.ts';
import { apartFrom, isApart, isIn, membersOf, NOBODY, type Generation } from './generation.ts';
import { isHeard } from './hearing.ts';
import type { Message } from './messages.ts';
import { silenceAllowed } from './patience.ts';
import { nameStall } from './stalls.ts';
import { hasWay, reaches } from './routing.ts';
import type { Peer } from './peer.ts';
import { setJoin, setSuspected, type Membership } from './state.ts';
import { donorGone } from './syncing.ts';
import { piecesHeld } from '../collective/state-transfer.ts';
import { teachAtBeat } from './teaching.ts';
import { onProgressTimer, waitingFor } from './training.ts';
import { holderOf } from './witnessing.ts';

type Of<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>;

/** A heartbeat of its own that is more than so many intervals late: this rank was held up. */
const OWN_LAG_BEATS = 1;

/** Proof that the page is gone, not only silent. */
const isProof = (evidence: Evidence): boolean => evidence === 'goodbye' || evidence === 'lock-released';

/** Whether this says that nothing comes from there, for whatever reason. */
const isOfLink = (evidence: Evidence | undefined): boolean =>
  evidence !== undefined &&
  (isProof(evidence) || evidence === 'heartbeat' || evidence === 'ice' || evidence === 'channel-closed');

/** Whether there is proof that this page is gone. */
export function isGone(ctx: Context, member: MemberId): boolean {
  const evidence = ctx.state.peers.get(member)?.suspected;
  return evidence !== undefined && isProof(evidence);
}

export function suspect(ctx: Context, member: MemberId, evidence: Evidence): void {
  if (!ctx.rules.countsAsEvidence(evidence)) return;
  const peer = peerOf(ctx, member);
  if (peer.suspected !== undefined && (isProof(peer.suspected) || !isProof(evidence))) return;
  setSuspected(ctx.state, member, peer, evidence);
  const { membership } = ctx.state;
  if (membership !== undefined && isIn(membership.generation, member))
    report(ctx, { kind: 'suspected', peer: member, evidence });
  donorGone(ctx, member);
  reconsider(ctx);
}

/** Any message shows that the sender lives, except one whose page has said goodbye. */
export function heard(ctx: Context, member: MemberId): void {
  const peer = ctx.state.peers.get(member);
  if (peer === undefined) return;
  peer.lastHeard = ctx.now;
  peer.lastWord = ctx.now;
  if (peer.suspected === 'heartbeat') {
    // It was taken for dead meanwhile: a silence like that is to teach nobody to bear with the next.
    peer.beatAt = -Infinity;
    setSuspected(ctx.state, member, peer, undefined);
    reconsider(ctx);
  }
}

export function onLinkDown(ctx: Context, member: MemberId, evidence: Evidence): void {
  const peer = peerOf(ctx, member);
  peer.linked = false;
  peer.beatAt = -Infinity;
  peer.room = undefined;
  setJoin(ctx.state, member, peer, undefined);
  peer.since = ctx.now;
  report(ctx, { kind: 'linkDown', peer: member, evidence });
  if (ctx.state.membership !== undefined) ctx.state.membership.silentAfter = -Infinity;
  const { membership } = ctx.state;
  // In a hierarchy most links only carry messages, and there are others; and of a bad link all know.
  const isWatched =
    membership?.overlay?.watched.has(member) ??
    (membership === undefined || !isApart(membership.generation, ctx.state.self.member, member));
  if (isWatched || isProof(evidence)) suspect(ctx, member, evidence);
  else donorGone(ctx, member);
}

export function beatMessage(ctx: Context, membership: Membership): Of<'beat'> {
  const { state } = ctx;
  const silent = unheard(ctx, membership);
  const attempt = membership.round?.id.attempt ?? membership.attempt;
  return {
    kind: 'beat',
    generation: membership.generation.id,
    phase: state.phase,
    step: state.training?.step ?? 0,
    waiting: waitingFor(membership),
    attempt: attempt === 0 ? undefined : attempt,
    hidden: state.hidden ? true : undefined,
    pieces: state.incoming && piecesHeld(state.incoming),
    unheard: silent.length === 0 ? undefined : silent,
  };
}

/** Members that this rank does not hear itself: at almost every turn none. In a hierarchy nobody asks. */
function unheard(ctx: Context, { generation, overlay, silentAfter }: Membership): readonly MemberId[] {
  if (overlay !== undefined) return NOBODY;
  if (ctx.now <= silentAfter && generation.apart === undefined && ctx.state.suspects.size === 0)
    return NOBODY;
  let list: MemberId[] | undefined;
  for (const member of membersOf(generation)) {
    const peer = ctx.state.peers.get(member);
    if (member === ctx.state.self.member || peer === undefined) continue;
    if (peer.linked && isHeard(ctx, peer) && !isOfLink(peer.suspected)) continue;
    if (isAwaited(ctx, generation, member)) continue;
    (list ??= []).push(member);
  }
  return list ?? NOBODY;
}

/**
 * At every event, before anything else: a rank that was held up, or whose clock has jumped, doubts itself before others. What it did not
 * listen to is no silence, so that one which is held up again and again still finds out who is gone.
 */
export function doubtOneself({ state, now }: Context): void {
  const { membership, job } = state;
  if (membership === undefined || job === undefined) return;
  const { heartbeatMs } = job.policies;
  const lag = now - state.lastBeat - heartbeatMs;
  if (lag <= OWN_LAG_BEATS * heartbeatMs) return;
  state.lastBeat += lag;
  membership.silentAfter = -Infinity;
  for (const peer of state.peers.values()) {
    peer.lastHeard = Math.min(now, peer.lastHeard + lag);
    peer.lastWord = Math.min(now, peer.lastWord + lag);
    peer.beatAt = -Infinity;
  }
}

export function onBeatTimer(ctx: Context): void {
  const { state } = ctx;
  const { membership, job } = state;
  if (membership === undefined || job === undefined) return;
  const { heartbeatMs, suspicionMs } = job.policies;
  setTimer(ctx, 'beat', heartbeatMs);
  state.lastBeat = ctx.now;
  state.beats += 1;
  lookAround(ctx, membership);
  if (ctx.now > membership.silentAfter) watchPeers(ctx, membership, suspicionMs);
  // After it has looked: what a rank that was held up says of the others is not of the time in which it did not listen.
  sendBeats(ctx, membership);
  teachAtBeat(ctx);
  nameStall(ctx, membership);
  watchWitness(ctx, membership);
}

function sendBeats(ctx: Context, membership: Membership): void {
  const { overlay, generation } = membership;
  if (overlay !== undefined && !isEvery(ctx, BEATS_APART)) return;
  const message = beatMessage(ctx, membership);
  if (overlay !== undefined) {
    // None of these is sent over another member.
    for (const to of overlay.watching) if (isLinked(ctx, to)) ctx.effects.push({ kind: 'send', to, message });
    return;
  }
  // Over every link, also one that is bad: so it is noticed when it works again.
  for (const [to, peer] of ctx.state.peers) if (peer.linked) ctx.effects.push({ kind: 'send', to, message });
  for (const member of apartFrom(generation, ctx.state.self.member))
    if (!reaches(ctx, member) && hasWay(ctx, member)) send(ctx, member, message);
  for (const member of awaitedLinks(ctx, membership)) if (hasWay(ctx, member)) send(ctx, member, message);
}

/** In a mesh: members whose link is not up yet since the generation began, as when it follows a hierarchy. Mostly there are none. */
function awaitedLinks(ctx: Context, { generation, overlay, silentAfter }: Membership): readonly MemberId[] {
  if (overlay !== undefined || silentAfter > -Infinity) return NOBODY;
  return membersOf(generation).filter((member) => isAwaited(ctx, generation, member));
}

const isAwaited = ({ state }: Context, generation: Generation, member: MemberId): boolean => {
  const peer = member === state.self.member ? undefined : state.peers.get(member);
  return (
    peer?.linked === false && peer.suspected === undefined && !isApart(generation, state.self.member, member)
  );
};

/** Looks for silent peers, and works out until when there can be none: what is heard in the meantime only puts that off. */
function watchPeers(ctx: Context, membership: Membership, suspicionMs: number): void {
  const { overlay } = membership;
  let leastHeard = ctx.now;
  for (const member of overlay?.watching ?? membersOf(membership.generation)) {
    if (member === ctx.state.self.member || isApart(membership.generation, ctx.state.self.member, member))
      continue;
    const peer = peerOf(ctx, member);
    // Below the least that is borne with there is nothing to weigh.
    if (peer.linked && ctx.now - peer.lastHeard > suspicionMs) weighSilence(ctx, membership, member, peer);
    else if (!peer.linked && (overlay !== undefined || peer.suspected === undefined))
      awaitLink(ctx, membership, member, peer);
    // One without a link is looked at every time.
    leastHeard = Math.min(leastHeard, peer.linked ? peer.lastHeard : -Infinity);
  }
  // A millisecond too early costs a look; a rounding too late would cost a heartbeat.
  membership.silentAfter = leastHeard + suspicionMs - 1;
}

/** Of one without a link, what others pass on counts. */
const silenceOf = ({ now }: Context, { linked, lastHeard, lastWord }: Peer): number =>
  now - (linked ? lastHeard : Math.max(lastHeard, lastWord));

function weighSilence(ctx: Context, membership: Membership, member: MemberId, peer: Peer): void {
  const { job } = ctx.state;
  if (job === undefined) return;
  const allowed = silenceAllowed(
    { usual: peer.pulse, hidden: peer.hidden },
    job.policies,
    confirmations(ctx, membership, member),
  );
  if (silenceOf(ctx, peer) > allowed) suspect(ctx, member, 'heartbeat');
}

/** Other members that say that they wait for this one: in a hierarchy, of those that this rank watches. */
function confirmations(ctx: Context, { generation, overlay }: Membership, member: MemberId): number {
  let count = 0;
  for (const other of overlay?.watching ?? membersOf(generation))
    if (other !== member && ctx.state.peers.get(other)?.waiting === member) count += 1;
  return count;
}

/** Its silence is no evidence against a member, and costs it its vote in the next generation. */
function watchWitness(ctx: Context, { generation }: Membership): void {
  if (generation.witness !== undefined && holderOf(ctx, generation.witness) === undefined) reconsider(ctx);
}

/** In a hierarchy every so many turns are enough: several watch each rank, and silence is still noticed at every turn. */
const BEATS_APART = 3;
/** Heartbeats between two looks for somebody who is not of this generation, and between two tries to get a link that must be. */
const LOOK_BEATS = 20;
const LINK_BEATS = 10;

const isEvery = (ctx: Context, beats: number): boolean => ctx.state.beats % beats === 0;

/**
 * A link that must be, and is not up yet: asked for again and again, and in the end evidence. In a mesh its member is heard meanwhile over
 * others, or is missed like any other.
 */
function awaitLink(ctx: Context, membership: Membership, member: MemberId, peer: Peer): void {
  if (isEvery(ctx, LINK_BEATS)) ctx.effects.push({ kind: 'connect', peer: member });
  const { overlay } = membership;
  // Over a link that is not up nothing was heard since the generation began.
  const since = overlay === undefined ? peer.lastHeard : peer.since;
  if (ctx.now - since > (ctx.state.job?.policies.regroupMs ?? 6000)) suspect(ctx, member, 'heartbeat');
  else if (overlay === undefined) weighSilence(ctx, membership, member, peer);
}

/** Rooms that know nothing of each other do not unite: one of each looks for others, and so does whoever waits for a quorum. */
function lookAround(ctx: Context, { generation }: Membership): void {
  const looks = ctx.state.stuck || generation.members[0]?.member === ctx.state.self.member;
  if (looks && isEvery(ctx, LOOK_BEATS)) ctx.effects.push({ kind: 'meet' });
}

/** `'room-gone'`: the sender has gone over to another line since it told of its room, and what is known of that one is out of date. */
export function onBeat(ctx: Context, from: MemberId, message: Of<'beat'>): 'room-gone' | undefined {
  const peer = peerOf(ctx, from);
  if (ctx.via === undefined) feelPulse(ctx, from, peer, message);
  const isGone =
    peer.room !== undefined && peer.room.generation.id.incarnation !== message.generation.incarnation;
  if (isGone) peer.room = undefined;
  if (membershipInForce(ctx, message.generation) !== undefined) noteProgress(ctx, peer, message);
  return isGone ? 'room-gone' : undefined;
}

/** What a member of this generation is at. */
function noteProgress(ctx: Context, peer: Peer, message: Of<'beat'>): void {
  const { phase, step, attempt = 0, pieces } = message;
  // A step that is done again is another piece of work, whether or not a heartbeat fell between the two.
  const isAsBefore =
    peer.phase === phase && peer.step === step && peer.attempt === attempt && peer.pieces === pieces;
  if (!isAsBefore) peer.since = ctx.now;
  peer.phase = phase;
  peer.step = step;
  peer.attempt = attempt;
  peer.waiting = message.waiting;
  peer.pieces = pieces;
  if (peer.unheard.length === 0 && message.unheard === undefined) return;
  peer.unheard = message.unheard ?? NOBODY;
  reconsider(ctx);
}

/**
 * How a member's heartbeats come. Only what passes between two of a member that nobody has put out counts: a pause that ended in life
 * makes patient, one that was a death does not.
 */
function feelPulse(ctx: Context, member: MemberId, peer: Peer, message: Of<'beat'>): void {
  const { membership } = ctx.state;
  const counts = membership !== undefined && isIn(membership.generation, member);
  if (counts && peer.beatAt > -Infinity) peer.feel(ctx.now - peer.beatAt);
  peer.beatAt = counts ? ctx.now : -Infinity;
  peer.hidden = message.hidden === true;
}

/**
 * Nothing has come for a whole deadline although it was asked for again. Blame goes to those who owe and wait for nobody
 * themselves; a rank that heals or computes, or is in the background, gets the longer regroup deadline before it is blamed.
 */
export function onStall(ctx: Context): void {
  const owing = onProgressTimer(ctx);
  const { membership, job } = ctx.state;
  if (membership === undefined || job === undefined) return;
  for (const member of owing) if (isToBlame(ctx, membership, member)) suspect(ctx, member, 'progress');
}

function isToBlame(ctx: Context, membership: Membership, member: MemberId): boolean {
  const peer = peerOf(ctx, member);
  const { policies } = ctx.state.job ?? {};
  // To one that does not hear this rank, nothing comes from here: that is its link's fault.
  if (policies === undefined || peer.unheard.includes(ctx.state.self.member)) return false;
  const waiting = peer.waiting;
  const waitsForAnother =
    waiting !== undefined && waiting !== ctx.state.self.member && isIn(membership.generation, waiting);
  if (waitsForAnother && hasWay(ctx, member)) return false;
  const busy = peer.phase === 'healing' || peer.phase === 'computing' || peer.phase === 'applying';
  const allowed =
    busy || peer.hidden
      ? policies.regroupMs
      : deadlineOf(ctx, 'reducing', confirmations(ctx, membership, member));
  return ctx.now - peer.since >= allowed;
}
