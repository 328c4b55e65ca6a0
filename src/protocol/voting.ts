// A rank as acceptor: what the seats held here answer to a proposer, and what follows for its steps. A vote is one effect, stored
// before it is sent.

import type { GenerationId, IncarnationId, MemberId, SeatId } from '../ports/ids.ts';
import { accept, ballotsOn, castAccepted, castPromise, promise, rejection } from './acceptor.ts';
import {
  clearTimer,
  membershipInForce,
  provenLinks,
  report,
  routed,
  send,
  setPhase,
  setTimer,
  type Context,
} from './context.ts';
import { isIn, memberSeats, ownerOf, rankOf, type Generation, type Member } from './generation.ts';
import { isHeard } from './hearing.ts';
import { sameGeneration } from '../ports/ids.ts';
import type { Message } from './messages.ts';
import type { Membership, RankState } from './state.ts';
import type { SeatRecord } from './votes.ts';

type Of<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>;

/** Pause before a voter that has seen no successor proposes one itself, and what each place in line adds. */
const RETRY_MS = 700;
const RETRY_STAGGER_MS = 250;

/** The seats held here that vote on the successor of `generation`, with their ballots there. */
function votingSeats(ctx: Context, base: Generation): readonly SeatRecord[] {
  const records: SeatRecord[] = [];
  for (const record of ctx.state.seats.values()) {
    const ballots = ownerOf(base, record.seat) === undefined ? undefined : ballotsOn(base, record);
    if (ballots !== undefined) records.push(ballots);
  }
  return records;
}

/** The generation whose dead seats this newcomer votes for, if the message is about it. */
export function heirOf({ membership, heirIn }: RankState, generation: GenerationId): Generation | undefined {
  const isMine = membership === undefined && heirIn !== undefined && sameGeneration(heirIn.id, generation);
  return isMine ? heirIn : undefined;
}

/** The generation that a vote is about: the one in force, or the last one this rank was in and may still vote for. */
function votingBase(ctx: Context, message: Of<'prepare' | 'accept'>): Generation | undefined {
  const membership = membershipInForce(ctx, message.generation);
  if (membership !== undefined) return membership.generation;
  if (ctx.state.membership !== undefined) return undefined;
  const base = ctx.state.seats.get(ctx.state.self.seat)?.base;
  if (base !== undefined && sameGeneration(base.id, message.generation)) return base;
  return heirOf(ctx.state, message.generation);
}

export function onPrepare(ctx: Context, from: MemberId, message: Of<'prepare'>): void {
  const base = votingBase(ctx, message);
  if (base === undefined) return;
  const membership = ctx.state.membership;
  if (membership !== undefined)
    membership.highestRound = Math.max(membership.highestRound, message.ballot.round);
  for (const record of votingSeats(ctx, base)) {
    const next = promise(ctx.rules, record, message.ballot);
    if (next === undefined) {
      for (const reject of rejection(base, record, message.ballot)) send(ctx, from, reject);
      continue;
    }
    ctx.state.seats.set(record.seat, next);
    if (membership !== undefined) {
      freeze(ctx, membership, next);
      // A proposer is at work: it gets its time.
      if (membership.overlay !== undefined && membership.proposal === undefined)
        setTimer(ctx, 'retry', retryDelay(ctx, membership));
    }
    const answer: Message = {
      kind: 'promise',
      generation: base.id,
      ballot: message.ballot,
      seat: record.seat,
      accepted: next.accepted,
      links: provenLinks(ctx),
      vouched: vouchedIn(ctx, base.id.incarnation),
      leaving: ctx.state.leaving || membership === undefined,
      joiners: membership === undefined ? [] : knownJoiners(ctx),
      suspects: membership === undefined ? [] : badLinks(ctx, membership),
    };
    ctx.effects.push(...castPromise(ctx.rules, base, next, message.ballot, routed(ctx, from, answer)));
  }
}

export function onAccept(ctx: Context, from: MemberId, message: Of<'accept'>): void {
  const base = votingBase(ctx, message);
  if (base === undefined) return;
  const membership = ctx.state.membership;
  for (const record of votingSeats(ctx, base)) {
    const next = accept(ctx.rules, record, message.ballot, message.value);
    if (next === undefined) {
      for (const reject of rejection(base, record, message.ballot)) send(ctx, from, reject);
      continue;
    }
    ctx.state.seats.set(record.seat, next);
    if (membership !== undefined) freeze(ctx, membership, next);
    const answer: Message = {
      kind: 'accepted',
      generation: base.id,
      ballot: message.ballot,
      seat: record.seat,
    };
    ctx.effects.push(
      ...castAccepted(ctx.rules, base, next, message.ballot, message.value, routed(ctx, from, answer)),
    );
  }
}

/** The newest generation of an incarnation in which this rank had the agreed state; 0 for none. */
export const vouchedIn = (ctx: Context, incarnation: IncarnationId): number =>
  ctx.state.vouched?.incarnation === incarnation ? ctx.state.vouched.number : 0;

/** Newcomers that this rank can vouch for: linked, ready, and not members. */
export function knownJoiners(ctx: Context): readonly Member[] {
  const joiners: Member[] = [];
  for (const asker of ctx.state.askers) {
    const joiner = joinerIn(ctx, asker);
    if (joiner !== undefined) joiners.push(joiner);
  }
  return joiners;
}

/** Whether there is one that is not of this generation: where many ask at once, the first says so. */
export function knowsJoiner(ctx: Context, generation: Generation): boolean {
  for (const asker of ctx.state.askers) {
    const joiner = joinerIn(ctx, asker);
    if (joiner !== undefined && !isIn(generation, joiner.member)) return true;
  }
  return false;
}

function joinerIn(ctx: Context, asker: MemberId): Member | undefined {
  const peer = ctx.state.peers.get(asker);
  const join = peer?.join;
  if (peer?.linked !== true || peer.witness !== undefined || join?.jobHash !== ctx.state.jobHash)
    return undefined;
  // A tab that froze while it asked would be proposed, and left out, for ever.
  return isHeard(ctx, peer) && ctx.now >= peer.readmitAt ? join?.member : undefined;
}

/** In a hierarchy: members that this rank must have a link with, and has none that works. */
const badLinks = (ctx: Context, { overlay }: Membership): readonly MemberId[] =>
  [...(overlay?.watched ?? [])].filter((member) => {
    const evidence = ctx.state.peers.get(member)?.suspected;
    // One that gave its place up, or does not come along, is no bad link.
    return evidence !== undefined && evidence !== 'leave' && evidence !== 'progress';
  });

/** A seat that promised takes no further step in the base generation. */
function freeze(ctx: Context, membership: Membership, vote: SeatRecord): void {
  if (membership.frozen || ctx.rules.stepsOn(vote)) return;
  membership.frozen = true;
  membership.frozenSince = ctx.now;
  if (membership.round !== undefined || membership.computing !== undefined)
    report(ctx, {
      kind: 'aborted',
      generation: membership.generation.id,
      step: membership.round?.id.step ?? membership.computing?.step ?? 0,
    });
  membership.round = undefined;
  membership.computing = undefined;
  clearTimer(ctx, 'progress');
  clearTimer(ctx, 'heal');
  setPhase(ctx, 'regrouping');
  setTimer(ctx, 'retry', retryDelay(ctx, membership));
}

/** Places beyond these follow each other closely: nobody waits for a thousand turns. */
const EARLY_PLACES = 8;
const LATER_PLACES = 1 / 64;

/** Turns that a place in line waits. */
export const turnsOf = (place: number): number =>
  place <= EARLY_PLACES ? place : EARLY_PLACES + (place - EARLY_PLACES) * LATER_PLACES;

/** Staggered by place in the electorate, and longer with each round, so that rival proposers give way to each other. */
export function retryDelay(ctx: Context, membership: Membership): number {
  const { generation, overlay, highestRound } = membership;
  if (overlay !== undefined) return overlayRetryDelay(ctx, membership);
  const place = Math.max(0, memberSeats(generation).indexOf(ctx.state.self.seat));
  return RETRY_MS + place * RETRY_STAGGER_MS + Math.min(highestRound, 8) * RETRY_STAGGER_MS;
}

/** In a hierarchy: how often a proposer asks again those who have not answered, and after how long. */
export const REPEATS = 3;
const REPEAT_MS = 300;
const SLOWEST = 12;
/** What the answers to its last question take, over others. */
const ANSWERS_MS = 450;

/** Votes may be slow to store: each ballot waits longer for them than the one before. */
export const repeatAfter = (round: number): number => REPEAT_MS * Math.min(round, SLOWEST);

/** How long a proposer is about a ballot: it asks, asks again, and then waits for the votes of those that have answered. */
const ballotTakes = (round: number): number => 2 * RETRY_MS + REPEATS * repeatAfter(round) + ANSWERS_MS;

/** The proposer asks again soon; the others wait until it must have come to an end, else two that live stop each other for ever. */
function overlayRetryDelay(ctx: Context, { generation, proposal, highestRound }: Membership): number {
  if (proposal !== undefined) return RETRY_MS;
  const turns = turnsOf(rankOf(generation, ctx.state.self.member));
  return ballotTakes(highestRound) + turns * RETRY_STAGGER_MS;
}

/** A seat's record as this rank knows it, for a dead page's seat that came here. */
export function adoptSeat(
  ctx: Context,
  base: Generation,
  seat: SeatId,
  stored: SeatRecord | undefined,
): void {
  ctx.state.seats.set(seat, ctx.rules.heirBallots(seat, stored, base));
}
