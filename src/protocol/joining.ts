// Meeting: links that come up, newcomers that ask, rooms that are heard of, and which of two incarnations dissolves.

import { canonicalJson, type Job } from '../job/job.ts';
import type { MemberId } from '../ports/ids.ts';
import { sameGeneration } from '../ports/ids.ts';
import { bestRoom, bestStanding, foundDelay, joinMessage, selfMember, sendJoin } from './asking.ts';
import {
  broadcast,
  clearTimer,
  isLinked,
  peerOf,
  reconsider,
  report,
  send,
  setPhase,
  setTimer,
  type Context,
} from './context.ts';
import { found } from './founding.ts';
import { ageOf, committedHere, noteCommitted } from './committed.ts';
import { isIn, membersOf, type Generation } from './generation.ts';
import { announceSeats, watchBestRoom } from './heirs.ts';
import { install, leave, roomMessage, tellRoom } from './installing.ts';
import type { Message, Standing } from './messages.ts';
import type { Peer } from './peer.ts';
import { setJoin, setSuspected } from './state.ts';
import { isFollowing } from './study.ts';
import { donorLinked } from './syncing.ts';
import { beatMessage } from './suspicion.ts';

type Of<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>;

/** A newcomer that still asks is told again of the room after so long. */
const TELL_ASKERS_MS = 2000;
/** Connections are set up in less, as a rule. */
const LINKS_TAKE_MS = 5000;

export function onLinkUp(ctx: Context, member: MemberId): void {
  const peer = peerOf(ctx, member);
  peer.linked = true;
  peer.lastHeard = ctx.now;
  peer.since = ctx.now;
  if (peer.suspected !== 'goodbye' && peer.suspected !== 'lock-released')
    setSuspected(ctx.state, member, peer, undefined);
  report(ctx, { kind: 'linkUp', peer: member });
  donorLinked(ctx, member);
  const { membership } = ctx.state;
  if (membership !== undefined) send(ctx, member, roomMessage(ctx, membership.generation));
  else if (ctx.state.stopped === undefined) {
    send(ctx, member, joinMessage(ctx));
    // Somebody is there after all: give it time to say which room this is.
    if (!ctx.state.fresh) setTimer(ctx, 'found', foundDelay(ctx));
  }
  reconsider(ctx);
}

export function onJoin(ctx: Context, from: MemberId, message: Of<'join'>): void {
  const peer = peerOf(ctx, from);
  if (message.member !== undefined && message.member.member !== from) {
    report(ctx, { kind: 'rejected', from, message: 'join', reason: 'unexpected' });
    return;
  }
  setJoin(ctx.state, from, peer, message, ctx.now);
  const wasIn = peer.room !== undefined;
  peer.room = undefined;
  const { membership, jobHash } = ctx.state;
  if (membership === undefined) {
    // It may have been the last that knew of a room: whoever has heard of none any more looks anew.
    if (wasIn) onRoomGone(ctx);
    return;
  }
  if (message.jobHash !== jobHash) {
    const told = peer.told;
    tellRoom(ctx, from);
    // It may not have heard yet what this room trains.
    if (told === undefined || message.member === undefined) return;
    send(ctx, from, {
      kind: 'refuse',
      reason: 'job-differs',
      detail: `this room trains job ${jobHash?.slice(0, 12) ?? '?'}, and the newcomer came with ${message.jobHash?.slice(0, 12) ?? 'none'}`,
    });
    return;
  }
  const { told } = peer;
  const isTold = told !== undefined && sameGeneration(told.generation, membership.generation.id);
  // It asks on: what it was told may have been lost.
  if (!isTold || ctx.now - told.at >= TELL_ASKERS_MS) tellRoom(ctx, from);
  if (isIn(membership.generation, from)) {
    const { incarnation, number } = membership.generation.id;
    // One that was in and asks to be taken in has given its place up; any other has not heard yet that it is in.
    if (!message.installed.some((g) => g.incarnation === incarnation && g.number >= number))
      tellRoom(ctx, from);
    else if (peer.suspected === undefined) {
      setSuspected(ctx.state, from, peer, 'leave');
      report(ctx, { kind: 'suspected', peer: from, evidence: 'leave' });
    }
  }
  // In a hierarchy heartbeats are for a few members: this shows the newcomer that it is heard.
  if (membership.overlay !== undefined && !isIn(membership.generation, from))
    send(ctx, from, beatMessage(ctx, membership));
  reconsider(ctx);
}

export function onRefuse(ctx: Context, from: MemberId, message: Of<'refuse'>): void {
  if (ctx.state.membership !== undefined) return;
  ctx.state.problem = `The room refused this page: ${message.detail}. Open the room's link anew.`;
  report(ctx, { kind: 'refused', by: from, reason: message.detail });
}

export function onRoom(ctx: Context, from: MemberId, message: Of<'room'>): void {
  const { state } = ctx;
  const peer = peerOf(ctx, from);
  peer.room = { generation: message.generation, committed: message.committed, job: message.job };
  setJoin(ctx.state, from, peer, undefined);
  if (state.stopped !== undefined) return;
  const { membership } = state;
  if (membership === undefined) {
    newcomerHears(ctx, message);
    return;
  }
  const mine = membership.generation.id;
  const theirs = message.generation.id;
  if (mine.incarnation === theirs.incarnation) {
    noteCommitted(ctx, mine.incarnation, message.committed);
    if (theirs.number < mine.number) tellRoom(ctx, from);
    else if (theirs.number > mine.number) {
      if (isIn(message.generation, state.self.member))
        install(ctx, message.generation, membership.generation);
      else leave(ctx, 'evicted');
    }
    return;
  }
  const ours = ageOf(membership.generation, committedHere(ctx, mine.incarnation));
  const other = ageOf(message.generation, message.committed);
  if (ctx.rules.outlives(other, ours)) {
    // Most members of a hierarchy have no link with the other room: whoever hears of it tells them.
    if (membership.overlay !== undefined) broadcast(ctx, membership, message);
    state.heardOf = message.generation;
    leave(ctx, 'dissolved');
  } else tellRoom(ctx, from);
}

function newcomerHears(ctx: Context, message: Of<'room'>): void {
  const { state } = ctx;
  const { generation } = message;
  state.heardOf = generation;
  state.fresh = false;
  clearTimer(ctx, 'found');
  state.founding = undefined;
  const replaced = (state.installed.get(generation.id.incarnation) ?? 0) >= generation.id.number;
  // One that dissolves into a room which outlives its own does not go back to those who have not heard of it yet.
  const best = bestRoom(ctx)?.generation.id.incarnation;
  const isBest = best === undefined || best === generation.id.incarnation;
  if (
    isIn(generation, state.self.member) &&
    !replaced &&
    isBest &&
    state.engine === 'ready' &&
    (state.changing === undefined || isFollowing(state))
  ) {
    install(ctx, generation, undefined);
    return;
  }
  watchBestRoom(ctx);
  adoptJob(ctx);
  // In a hierarchy a link with any member will do: nobody is asked again for each that tells of it, before the time for that has come.
  const isAsking =
    state.askingSince !== undefined && ctx.rules.rowWidth(generation.members.length) !== undefined;
  if (!isAsking) sendJoin(ctx);
}

const isSameJob = (a: Job, b: Job): boolean => a === b || canonicalJson(a) === canonicalJson(b);

/** A newcomer trains what the room trains. */
function adoptJob(ctx: Context): void {
  const { state } = ctx;
  const room = bestRoom(ctx);
  if (room === undefined) return;
  if (state.job !== undefined && isSameJob(state.job, room.job) && state.engine !== 'none') return;
  state.job = room.job;
  state.jobHash = undefined;
  state.engine = 'preparing';
  state.training = undefined;
  state.study = undefined;
  state.saved = undefined;
  ctx.effects.push({ kind: 'prepareEngine', job: room.job });
}

/** The `join` timer: ask again. */
export function onJoinTimer(ctx: Context): void {
  if (ctx.state.membership !== undefined) return;
  forgetSilentRooms(ctx);
  lookForRoom(ctx);
  const { askingSince } = ctx.state;
  if (askingSince !== undefined && ctx.rules.givesUpJoining(ctx.now - askingSince)) found(ctx, 'new');
  else {
    sendJoin(ctx);
    announceSeats(ctx);
    sayWhoIsMissing(ctx);
  }
}

/** Members that a newcomer tries to get a link with at a time. */
const LINKS_AT_ONCE = 4;

/**
 * Where pages have links with few others: a newcomer looks for somebody who knows of a room, and for links with the members of the
 * room that it knows of: all of them in a full mesh, any in a hierarchy.
 */
function lookForRoom(ctx: Context): void {
  const { state } = ctx;
  const generation = bestRoom(ctx)?.generation ?? state.heardOf;
  if (bestRoom(ctx) === undefined) ctx.effects.push({ kind: 'meet' });
  if (generation === undefined) return;
  const members = membersOf(generation);
  const isMesh = ctx.rules.rowWidth(members.length) === undefined;
  if (!isMesh && linkedMembers(ctx, generation) >= LINKS_AT_ONCE) return;
  state.looks += 1;
  const wanted = isMesh ? members.length : LINKS_AT_ONCE;
  let asked = 0;
  // Each look begins where the last one may have ended.
  for (let i = 0; i < members.length && asked < wanted; i++) {
    const member = members[(state.looks * LINKS_AT_ONCE + i) % members.length];
    if (member === undefined || member === state.self.member || isLinked(ctx, member)) continue;
    ctx.effects.push({ kind: 'connect', peer: member });
    asked += 1;
  }
}

function linkedMembers(ctx: Context, generation: Generation): number {
  let count = 0;
  for (const [member, { linked }] of ctx.state.peers) if (linked && isIn(generation, member)) count += 1;
  return count;
}

/** A newcomer is taken in at once when it has a link with every member: says whom it waits for when that takes long. */
function sayWhoIsMissing(ctx: Context): void {
  const { state } = ctx;
  const room = bestRoom(ctx);
  const waits = state.askingSince !== undefined && ctx.now - state.askingSince > LINKS_TAKE_MS;
  if (room === undefined || !waits) return;
  if (ctx.rules.rowWidth(room.generation.members.length) !== undefined) return;
  const missing = membersOf(room.generation).filter(
    (member) => member !== state.self.member && !isLinked(ctx, member),
  );
  if (missing.length > 0)
    state.problem = `No link to ${missing.map((member) => member.slice(0, 4)).join(', ')} yet: a rank is taken in once it has one with every member.`;
}

/** Members say something at every heartbeat, newcomers at every asking: so long without a word means that nobody is there. */
const isSilent = (ctx: Context, peer: Peer): boolean =>
  ctx.now - peer.lastHeard > (ctx.state.job?.policies.joinMs ?? 8000);

/** A frozen tab keeps its links for ever: a newcomer must not wait as long for the room that it told of. */
function forgetSilentRooms(ctx: Context): void {
  let forgotten = false;
  for (const peer of ctx.state.peers.values()) {
    if (!peer.linked || peer.room === undefined || !isSilent(ctx, peer)) continue;
    peer.room = undefined;
    forgotten = true;
  }
  if (forgotten) onRoomGone(ctx);
}

/** The last member of a room that a newcomer has heard of may have gone: then it looks anew, and may found. */
export function onRoomGone(ctx: Context): void {
  if (ctx.state.membership !== undefined || bestRoom(ctx) !== undefined) return;
  watchBestRoom(ctx);
  setTimer(ctx, 'found', foundDelay(ctx));
}

/** The `found` timer: nobody has told of a room. The newcomer with the best state founds; the others wait for it. */
export function onFoundTimer(ctx: Context): void {
  const { state } = ctx;
  if (state.membership !== undefined || state.stopped !== undefined) return;
  if (bestRoom(ctx) !== undefined) return;
  if (selfMember(state) === undefined || state.changing !== undefined) {
    setTimer(ctx, 'found', foundDelay(ctx));
    return;
  }
  if (isFirstToFound(ctx)) found(ctx, 'new');
  else setTimer(ctx, 'found', foundDelay(ctx));
}

/**
 * Whether no other newcomer that is heard has a better state, or as good a one and the lower id. One whose engine is not ready cannot
 * found yet: for a state that is newer than its own this rank waits a while, since a room that goes on from an older one does those steps
 * again.
 */
export function isFirstToFound(ctx: Context): boolean {
  const mine = bestStanding(ctx);
  for (const [member, peer] of ctx.state.peers) {
    if (!peer.linked || peer.join === undefined || isSilent(ctx, peer)) continue;
    const isReady = peer.join.member !== undefined;
    if (!isReady && ctx.now - peer.since > (ctx.state.job?.policies.joinMs ?? 8000)) continue;
    const order = orderOfStates(ctx, mine, peer.join.standing);
    if (order < 0 || (order === 0 && isReady && ctx.state.self.member > member)) return false;
  }
  return true;
}

/** Positive when the first is the newer to found from; a state that no generation has vouched for is no better than none. */
function orderOfStates(ctx: Context, one: Standing | undefined, other: Standing | undefined): number {
  const place = (s: Standing | undefined) =>
    s?.lineage === undefined ? undefined : { lineage: s.lineage, step: s.step };
  const [a, b] = [place(one), place(other)];
  if (a !== undefined && b !== undefined) return ctx.rules.orderSaved(a, b);
  return Number(a !== undefined) - Number(b !== undefined);
}

/** Ready to be a member: found, or ask. */
export function onReady(ctx: Context): void {
  if (ctx.state.membership !== undefined) return;
  setPhase(ctx, 'joining');
  if (ctx.state.fresh) found(ctx, 'new');
  else if (bestRoom(ctx) !== undefined) sendJoin(ctx);
  else {
    sendJoin(ctx);
    setTimer(ctx, 'found', foundDelay(ctx));
  }
}
