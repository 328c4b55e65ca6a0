// From one generation to the next: installing the chosen one, or finding oneself outside it.

import type { GenerationId, MemberId, SeatId } from '../ports/ids.ts';
import { sameGeneration } from '../ports/ids.ts';
import { clearTimer, peerOf, reconsider, report, send, setPhase, setTimer, type Context } from './context.ts';
import { committedHere } from './committed.ts';
import {
  apartFrom,
  departedFrom,
  isApart,
  isIn,
  memberSeats,
  membersOf,
  namesApart,
  ownerOf,
  type Generation,
} from './generation.ts';
import type { Message } from './messages.ts';
import { foundDelay, sendJoin } from './asking.ts';
import { overlayOf, type Overlay } from './overlay.ts';
import { sameExactness } from './provenance.ts';
import { afterVote } from './rollback.ts';
import { equalShares, FIXED_SHARES } from './shares.ts';
import type { Peer } from './peer.ts';
import { forgetPeer, setJoin, setSuspected, type Membership, type RankState } from './state.ts';
import { stop } from './stopping.ts';
import { announceStanding } from './syncing.ts';
import { endTeaching } from './teaching.ts';
import { emptyRecord } from './votes.ts';

/** A peer that is behind is told the generation in force again after this long. */
const TELL_AGAIN_MS = 500;

export function roomMessage(ctx: Context, generation: Generation): Message {
  const { job } = ctx.state;
  if (job === undefined) throw new Error('a member always knows its job');
  return { kind: 'room', generation, committed: committedHere(ctx, generation.id.incarnation), job };
}

/** Tells a peer which generation is in force, unless it was told just now. */
export function tellRoom(ctx: Context, member: MemberId): void {
  const { membership } = ctx.state;
  if (membership === undefined) return;
  const peer = peerOf(ctx, member);
  const { id } = membership.generation;
  if (
    peer.told !== undefined &&
    sameGeneration(peer.told.generation, id) &&
    ctx.now - peer.told.at < TELL_AGAIN_MS
  )
    return;
  peer.told = { generation: id, at: ctx.now };
  send(ctx, member, roomMessage(ctx, membership.generation));
}

const overlayFor = (ctx: Context, generation: Generation): Overlay | undefined => {
  const width = ctx.rules.rowWidth(generation.members.length);
  return width === undefined ? undefined : overlayOf(generation, ctx.state.self.member, width);
};

const newMembership = (
  ctx: Context,
  generation: Generation,
  overlay: Overlay | undefined,
  base: Generation | undefined,
): Membership => ({
  generation,
  overlay,
  reported: new Map(),
  offered: new Map(),
  heirs: new Set(),
  news: undefined,
  compared: ctx.rules.comparedMembers(ctx.state.self.member, base, generation),
  installedAt: ctx.now,
  silentAfter: -Infinity,
  frozen: false,
  frozenSince: ctx.now,
  proposal: undefined,
  proposeAt: undefined,
  highestRound: 0,
  selfReports: new Map(),
  target: undefined,
  verdict: undefined,
  synced: false,
  donorTurn: 0,
  donor: undefined,
  donorAskedAt: ctx.now,
  healRequests: new Map(),
  exportingFor: new Map(),
  running: generation.running,
  startWanted: ctx.state.membership?.startWanted ?? false,
  wasRunning: ctx.state.membership?.running ?? false,
  barrierDone: -1,
  round: undefined,
  lastRound: undefined,
  attempt: 0,
  exponents: undefined,
  quarantined: undefined,
  computing: undefined,
  shares: overlay === undefined ? equalShares(generation.members.length) : FIXED_SHARES,
  computeFailures: 0,
  regroupWanted: false,
});

/** Makes a chosen generation the one in force. The caller has made sure that this rank is a member. */
export function install(ctx: Context, generation: Generation, base: Generation | undefined): void {
  const { state } = ctx;
  if (!isIn(generation, state.self.member)) {
    leave(ctx, 'evicted');
    return;
  }
  if (base !== undefined) noteEvictions(ctx, base, generation);
  const membership = newMembership(ctx, generation, overlayFor(ctx, generation), base);
  state.membership = membership;
  if (base?.id.incarnation !== generation.id.incarnation) endTeaching(ctx);
  if (state.study?.generation.incarnation !== generation.id.incarnation) state.study = undefined;
  state.asksIn = undefined;
  state.lessons = 0;
  if (generation.running) state.autostart = true;
  state.fresh = false;
  state.askingSince = undefined;
  state.heirIn = undefined;
  state.installed.set(generation.id.incarnation, generation.id.number);
  state.stuck = false;
  state.problem = undefined;
  state.founding = undefined;
  for (const name of ['propose', 'retry', 'progress', 'heal', 'found', 'join'] as const)
    clearTimer(ctx, name);
  for (const seat of [...state.seats.keys()]) {
    if (ownerOf(generation, seat) !== undefined) continue;
    state.seats.delete(seat);
    if (seat !== state.self.seat) ctx.effects.push({ kind: 'releaseSeat', seat });
  }
  const own = state.seats.get(state.self.seat);
  const record = emptyRecord(state.self.seat, generation);
  // Ballots of another incarnation would keep whoever inherits this seat from voting here.
  if (own?.base !== undefined && own.base.id.incarnation !== generation.id.incarnation)
    ctx.effects.push({ kind: 'store', record, thenSend: [], thenReport: undefined });
  state.seats.set(state.self.seat, record);
  // A witness's seat has no lock in any browser.
  ctx.effects.push({ kind: 'watchSeats', seats: memberSeats(generation) });
  const { overlay } = membership;
  for (const member of overlay?.links ?? membersOf(generation)) {
    if (member === state.self.member) continue;
    const peer = peerOf(ctx, member);
    // Every end asks: the other may not have heard yet that there is a generation.
    if (!peer.linked) ctx.effects.push({ kind: 'connect', peer: member });
    const apart = isApart(generation, state.self.member, member);
    // In a hierarchy a link may be new.
    if (peer.linked || overlay !== undefined || apart) {
      forgive(state, member, peer);
    }
    if (peer.suspected === undefined && !apart) peer.lastHeard = ctx.now;
    peer.unheard = apartFrom(generation, member);
    setJoin(state, member, peer, undefined);
    // A newcomer has no pulse yet: since it was a member for the last time, it had no reason to be heard.
    if (base === undefined || !isIn(base, member)) peer.beatAt = -Infinity;
    peer.waiting = undefined;
    peer.attempt = 0;
    peer.phase = 'regrouping';
    peer.since = ctx.now;
  }
  if (!sameExactness(state.exactness, generation.exactness)) {
    state.exactness = generation.exactness;
    report(ctx, { kind: 'exactness', promise: generation.exactness });
  }
  report(ctx, {
    kind: 'installed',
    generation: generation.id,
    base: base?.id,
    members: membersOf(generation),
    seats: memberSeats(generation),
    ...(generation.witness === undefined ? {} : { witness: generation.witness }),
    ...(generation.apart === undefined ? {} : { apart: namesApart(generation) }),
    ...(generation.back === undefined ? {} : { back: generation.back.step }),
  });
  if (overlay === undefined) forgetGone(ctx, generation);
  if (overlay !== undefined) welcome(ctx, generation, base);
  else if (generation.apart !== undefined) tellNewcomers(ctx, generation, base);
  setPhase(ctx, 'regrouping');
  setTimer(ctx, 'beat', state.job?.policies.heartbeatMs ?? 100);
  state.lastBeat = ctx.now;
  // Somebody in it may be known to be gone, or may have gone since it was proposed.
  reconsider(ctx);
  afterVote(ctx, generation);
  announceStanding(ctx);
  replayEarly(ctx, generation.id);
}

/** Chosen members were alive when they promised; a page that is gone for good stays suspected. */
function forgive(state: RankState, member: MemberId, peer: Peer): void {
  if (peer.suspected !== 'goodbye' && peer.suspected !== 'lock-released')
    setSuspected(state, member, peer, undefined);
}

/** The proposer may have no link with a newcomer: whoever has one tells it that it is in. */
function tellNewcomers(ctx: Context, generation: Generation, base: Generation | undefined): void {
  for (const member of membersOf(generation))
    if (base !== undefined && !isIn(base, member) && ctx.state.peers.get(member)?.linked === true)
      send(ctx, member, roomMessage(ctx, generation));
}

/**
 * A peer without a link is remembered this long, in milliseconds: as long as a readmission is put off. Links come and go, and whoever said
 * goodbye may be heard once more; a page that comes back is another peer.
 */
const REMEMBERED_MS = 30_000;

/** In a mesh: pages come and go for as long as a room lives, and none of those that went is of use to anybody. */
function forgetGone({ state, now }: Context, generation: Generation): void {
  for (const [member, { linked, since, readmitAt }] of state.peers) {
    if (linked || isIn(generation, member)) continue;
    if (now - since >= REMEMBERED_MS && now >= readmitAt) forgetPeer(state, member);
  }
}

/** In a hierarchy the proposer has no link with newcomers: whoever vouched for them tells them that they are in. */
function welcome(ctx: Context, generation: Generation, base: Generation | undefined): void {
  const { state } = ctx;
  tellNewcomers(ctx, generation, base);
  for (const [member, peer] of state.peers) {
    if (isIn(generation, member)) {
      forgive(state, member, peer);
      // It has what it asked for. A page that has gone since, or leaves, must not be taken for a newcomer once more.
      setJoin(state, member, peer, undefined);
    }
    // What is known of those that have gone is forgotten.
    if (!peer.linked && !isIn(generation, member) && ctx.now >= peer.readmitAt) forgetPeer(state, member);
  }
}

/**
 * Readmission waits longer each time, so that two ranks with a bad link never evict each other for ever, and a newcomer that was
 * proposed and left out does not abort step after step.
 */
function noteEvictions(ctx: Context, base: Generation, next: Generation): void {
  const isLarge = ctx.rules.rowWidth(base.members.length) !== undefined;
  for (const member of departedFrom(base, next))
    if (!isLarge || ctx.state.peers.has(member)) putOff(ctx, peerOf(ctx, member));
  for (const [member, peer] of ctx.state.peers)
    if (peer.linked && peer.join?.member !== undefined && !isIn(next, member) && !isIn(base, member))
      putOff(ctx, peer);
    // A witness that is not there for everybody is no reason to regroup again and again.
    else if (peer.witness !== undefined && isLeftOut(ctx, base, next, peer.witness.seat)) putOff(ctx, peer);
}

/** It lost its vote, or was offered and not taken, though there was one to give. */
function isLeftOut(ctx: Context, base: Generation, next: Generation, seat: SeatId): boolean {
  if (next.witness !== undefined || !ctx.rules.takesWitness(next.members.length)) return false;
  return base.witness === seat || base.witness === undefined;
}

function putOff(ctx: Context, peer: Peer): void {
  peer.evictions += 1;
  peer.readmitAt = ctx.now + ctx.rules.readmissionMs(peer.evictions);
}

/** Hands over what arrived for this generation before it was known here, and forgets the rest. */
function replayEarly(ctx: Context, id: GenerationId): void {
  const held = ctx.state.early;
  ctx.state.early = [];
  for (const { from, message } of held)
    if ('generation' in message && message.kind !== 'room' && sameGeneration(message.generation, id))
      (ctx.again ??= []).push({ from, message });
}

/** No longer a member: a newcomer again, which keeps its seat's vote in the generation that it left. */
export function leave(ctx: Context, why: 'evicted' | 'dissolved'): void {
  const { state } = ctx;
  const { membership } = state;
  if (membership === undefined) return;
  report(ctx, { kind: 'left', generation: membership.generation.id, why: state.leaving ? 'leave' : why });
  state.membership = undefined;
  state.heirIn = undefined;
  state.study = undefined;
  endTeaching(ctx);
  // Where it dissolves into another room, there is nothing to found any more.
  state.founding = undefined;
  state.stuck = false;
  for (const name of ['propose', 'retry', 'progress', 'heal', 'beat'] as const) clearTimer(ctx, name);
  for (const seat of [...state.seats.keys()]) {
    if (seat === state.self.seat) continue;
    state.seats.delete(seat);
    ctx.effects.push({ kind: 'releaseSeat', seat });
  }
  ctx.effects.push({ kind: 'watchSeats', seats: [] });
  if (state.leaving) {
    stop(ctx, 'left', 'This rank has left the room.');
    return;
  }
  if (state.stopped !== undefined) return;
  setPhase(ctx, 'joining');
  setTimer(ctx, 'found', foundDelay(ctx));
  sendJoin(ctx);
}
