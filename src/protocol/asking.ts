// A newcomer's voice: it says who it is and what it has, to members that may take it in and to other newcomers.

import { ageOf } from './committed.ts';
import { linkedPeers, provenLinks, send, setTimer, type Context } from './context.ts';
import type { Member } from './generation.ts';
import type { Standing } from './messages.ts';
import type { Peer } from './peer.ts';
import type { RankState } from './state.ts';
import { considerStudy, isFollowing, isLearning } from './study.ts';

/** Incarnations whose newest installed generation a newcomer tells; a page seldom sees more than two. */
const REMEMBERED = 16;
/** A newcomer asks again this often (in heartbeats); asking also shows that its links work. */
const ASK_BEATS = 5;

/** How long a newcomer looks for members before it thinks of founding. */
export const foundDelay = (ctx: Context): number => ctx.state.job?.policies.suspicionMs ?? 1500;

/** Oneself as a member, once the engine has shown its fingerprint. */
export function selfMember(state: RankState): Member | undefined {
  if (state.engine !== 'ready' || state.fingerprint === undefined) return undefined;
  return { member: state.self.member, seat: state.self.seat, fingerprint: state.fingerprint };
}

/** The best state at hand, in memory or saved. */
export function bestStanding(ctx: Context): Standing | undefined {
  const { training, saved } = ctx.state;
  const inMemory = training === undefined ? undefined : ctx.rules.standingOf(training);
  if (saved?.lineage === undefined) return inMemory;
  if (inMemory?.lineage === undefined) return saved;
  const choice = ctx.rules.preferred(
    { lineage: inMemory.lineage, step: inMemory.step },
    { lineage: saved.lineage, step: saved.step },
  );
  return choice === 'saved' ? saved : inMemory;
}

/** The room to ask: the one that would outlive the others that are heard of. */
export function bestRoom(ctx: Context): NonNullable<Peer['room']> | undefined {
  let best: NonNullable<Peer['room']> | undefined;
  for (const peer of ctx.state.peers.values()) {
    if (!peer.linked || peer.room === undefined) continue;
    const age = ageOf(peer.room.generation, peer.room.committed);
    if (best === undefined || ctx.rules.outlives(age, ageOf(best.generation, best.committed)))
      best = peer.room;
  }
  return best;
}

/** Asks all linked peers of the best room (or, where no room is known, tells everybody). */
export function sendJoin(ctx: Context): void {
  const { state } = ctx;
  if (state.membership !== undefined || state.stopped !== undefined) return;
  const room = bestRoom(ctx);
  considerStudy(ctx, room);
  state.askingSince = room === undefined ? undefined : (state.askingSince ?? ctx.now);
  const message = joinMessage(ctx);
  for (const peer of linkedPeers(ctx)) {
    const theirs = state.peers.get(peer)?.room?.generation.id.incarnation;
    if (room !== undefined && theirs !== undefined && theirs !== room.generation.id.incarnation) continue;
    send(ctx, peer, message);
  }
  setTimer(ctx, 'join', ASK_BEATS * (state.job?.policies.heartbeatMs ?? 100));
}

export function joinMessage(ctx: Context): Parameters<typeof send>[2] {
  const { state } = ctx;
  // While the engine is busy with a step that was aborted, this rank could not take part.
  const isFree = state.changing === undefined || isFollowing(state);
  const ready = isFree && !isLearning(state) && ctx.now >= state.restUntil;
  return {
    kind: 'join',
    member: ready ? selfMember(state) : undefined,
    jobHash: state.jobHash,
    standing: bestStanding(ctx),
    links: provenLinks(ctx),
    installed: [...state.installed]
      .slice(-REMEMBERED)
      .map(([incarnation, number]) => ({ incarnation, number })),
  };
}
