// What every part of the core works with: the state, the time, the rules, and the effects gathered so far.

import type { GenerationId, MemberId } from '../ports/ids.ts';
import type { Phase, TraceEvent } from '../trace/events.ts';
import type { Effect, Send, TimerName } from './effects.ts';
import { membersOf } from './generation.ts';
import { isHeard } from './hearing.ts';
import type { Message } from './messages.ts';
import { hasWay, route, type Via } from './routing.ts';
import type { Rules } from './rules.ts';
import { Peer } from './peer.ts';
import type { Membership, RankState } from './state.ts';
import { noted } from './usual.ts';

export interface Context {
  readonly state: RankState;
  readonly now: number;
  readonly rules: Rules;
  readonly effects: Effect[];
  /** The link over which a relayed message came, and whose it is: answers go back the same way. */
  via: Via | undefined;
  /** Messages to handle right after the current event: those that came before their generation was known here. Mostly there are none. */
  again: { readonly from: MemberId; readonly message: Message }[] | undefined;
}

/** Something changed that may call for a regroup, or let a proposal go on. */
export const reconsider = (ctx: Context): void => {
  ctx.state.reconsider = true;
};

export const send = (ctx: Context, to: MemberId, message: Message): void => {
  const hop = routed(ctx, to, message);
  ctx.effects.push({ kind: 'send', to: hop.to, message: hop.message });
};

/** A message on its way: directly where there is a link that works, else over a member that has links with both. */
export const routed = (ctx: Context, to: MemberId, message: Message): Send =>
  route(ctx, ctx.via, to, message);

export const report = (ctx: Context, event: TraceEvent): void => {
  ctx.effects.push({ kind: 'report', event });
};

export const setTimer = (ctx: Context, name: TimerName, ms: number): void => {
  ctx.effects.push({ kind: 'setTimer', name, ms });
};

export const clearTimer = (ctx: Context, name: TimerName): void => {
  ctx.effects.push({ kind: 'clearTimer', name });
};

export function setPhase(ctx: Context, phase: Phase): void {
  const { state } = ctx;
  if (state.phase === phase) return;
  if (isWhole(state.phase, phase))
    state.usual = {
      ...state.usual,
      [state.phase]: noted(state.usual[state.phase], ctx.now - state.phaseSince),
    };
  state.phase = phase;
  state.phaseSince = ctx.now;
  report(ctx, { kind: 'phase', phase });
}

/** Parts of a step, and what follows each that has come to its end: what was aborted says nothing of how long it takes. */
const FOLLOWERS: Readonly<Partial<Record<Phase, readonly Phase[]>>> = {
  computing: ['reducing'],
  reducing: ['applying', 'computing', 'idle', 'done'],
  applying: ['computing', 'reducing', 'idle', 'done'],
};
const isWhole = (phase: Phase, next: Phase): boolean => FOLLOWERS[phase]?.includes(next) ?? false;

export function peerOf(ctx: Context, member: MemberId): Peer {
  let peer = ctx.state.peers.get(member);
  if (peer === undefined) {
    peer = new Peer(ctx.now);
    ctx.state.peers.set(member, peer);
  }
  return peer;
}

export const isLinked = (ctx: Context, member: MemberId): boolean =>
  ctx.state.peers.get(member)?.linked === true;

export const linkedPeers = (ctx: Context): readonly MemberId[] =>
  [...ctx.state.peers].filter(([, peer]) => peer.linked).map(([member]) => member);

/** Linked peers that were heard of lately: a link that lets nothing through is no link. */
export function provenLinks(ctx: Context): MemberId[] {
  return [...ctx.state.peers]
    .filter(([, peer]) => peer.linked && isHeard(ctx, peer))
    .map(([member]) => member);
}

/** The members of the generation in force, without oneself, in ring order. */
export const otherMembers = (ctx: Context, membership: Membership): readonly MemberId[] =>
  membersOf(membership.generation).filter((member) => member !== ctx.state.self.member);

/** To every member of the generation that can be reached, and to oneself when `includeSelf`. */
export function broadcast(ctx: Context, membership: Membership, message: Message, includeSelf = false): void {
  for (const member of membership.generation.members) {
    if (
      member.member === ctx.state.self.member
        ? includeSelf
        : membership.overlay !== undefined || hasWay(ctx, member.member)
    )
      send(ctx, member.member, message);
  }
}

/** The generation in force, for a message that acts on it; undefined when it is fenced off. */
export function membershipInForce(ctx: Context, generation: GenerationId): Membership | undefined {
  const membership = ctx.state.membership;
  return membership !== undefined && ctx.rules.inForce(generation, membership.generation.id)
    ? membership
    : undefined;
}
