// Reasons to regroup: whom a rank suspects, who wants in, and who wants out; in a hierarchy also what others have told of it, since
// no rank sees all of the others there.

import type { MemberId } from '../ports/ids.ts';
import { reconsider, send, type Context } from './context.ts';
import { isApart, isIn, membersOf, rankOf, type Generation } from './generation.ts';
import { planMesh } from './mesh.ts';
import type { Message } from './messages.ts';
import { carrier, mayBeThere, reaches } from './routing.ts';
import type { Peer } from './peer.ts';
import type { Membership } from './state.ts';
import { isGone } from './suspicion.ts';
import { knownJoiners, knowsJoiner } from './voting.ts';

type Of<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>;

/** News that nobody has acted on is told again after this long. */
const TELL_AGAIN_MS = 500;

/** Whether an answer of this member cannot be counted on. */
export function isSuspected(ctx: Context, membership: Membership, member: MemberId): boolean {
  const peer = ctx.state.peers.get(member);
  const { overlay } = membership;
  if (overlay === undefined) return isSilent(ctx, member, peer);
  return peer?.suspected !== undefined || membership.reported.has(member);
}

/** In a mesh: a member that another hears has only a bad link, and answers by another way. */
function isSilent(ctx: Context, member: MemberId, peer: Peer | undefined): boolean {
  if (reaches(ctx, member)) return peer?.suspected !== undefined;
  return !mayBeThere(peer) || carrier(ctx, member, undefined) === undefined;
}

export function suspects(ctx: Context, membership: Membership): readonly MemberId[] {
  const { generation, reported } = membership;
  const found = new Set<MemberId>(reported.keys());
  for (const member of ctx.state.suspects) if (isIn(generation, member)) found.add(member);
  return [...found];
}

/** Whether somebody wants in that is worth a regroup: has a link with every member that is not suspected; in a hierarchy with any. */
export function hasNewcomer(ctx: Context, membership: Membership): boolean {
  const { generation, overlay, offered } = membership;
  if (overlay !== undefined) return offered.size > 0 || knowsJoiner(ctx, generation);
  const known = knownJoiners(ctx).filter(({ member }) => !isIn(generation, member));
  const isLarge = ctx.rules.rowWidth(generation.members.length + known.length) !== undefined;
  if (isLarge) return known.length > 0;
  return known.some(({ member }) => {
    const links = ctx.state.peers.get(member)?.join?.links ?? [];
    const others = membersOf(generation).filter(
      (other) => other === ctx.state.self.member || !isSuspected(ctx, membership, other),
    );
    return others.every((other) => links.includes(other)) || fitsIn(ctx, generation, member, others);
  });
}

/** So long a newcomer has to get links with all members, before it is taken in without those that are missing. */
const LINKS_TAKE_MS = 10_000;

/** Whether a newcomer has had the time to get all the links that it will. */
export const isSettled = (ctx: Context, newcomer: MemberId): boolean =>
  ctx.now - (ctx.state.peers.get(newcomer)?.asksSince ?? Infinity) >= LINKS_TAKE_MS;

/** Whether one without a link with some of the members would be taken in, if all other links are as they were. */
function fitsIn(
  ctx: Context,
  generation: Generation,
  newcomer: MemberId,
  members: readonly MemberId[],
): boolean {
  if (!isSettled(ctx, newcomer)) return false;
  const reported = new Set(ctx.state.peers.get(newcomer)?.join?.links);
  const links = new Map<MemberId, ReadonlySet<MemberId>>([[newcomer, reported]]);
  for (const member of members) {
    const others = members.filter((other) => other !== member && !isApart(generation, member, other));
    links.set(member, new Set(reported.has(member) ? [...others, newcomer] : others));
  }
  const settled = new Set([newcomer]);
  const { order } = planMesh(
    { members, newcomers: [newcomer], settled, links, keep: ctx.state.self.member },
    ctx.rules.linkWorks,
  );
  return order.includes(newcomer);
}

function hasSuspect(ctx: Context, { generation, reported }: Membership): boolean {
  if (reported.size > 0) return true;
  for (const member of ctx.state.suspects) if (isIn(generation, member)) return true;
  return false;
}

/** Whether a member that is heard says that it does not hear another, of which the generation does not know yet. */
function hasBadLink(ctx: Context, { generation, overlay }: Membership): boolean {
  if (overlay !== undefined) return false;
  for (const [member, { unheard }] of ctx.state.peers) {
    if (unheard.length === 0 || !isIn(generation, member)) continue;
    if (unheard.some((other) => isIn(generation, other) && !isApart(generation, member, other))) return true;
  }
  return false;
}

/** Whether something is wrong that a regroup mends; newcomers can wait for each other. */
export const isUrgent = (ctx: Context, membership: Membership): boolean =>
  ctx.state.leaving || membership.regroupWanted || hasSuspect(ctx, membership) || hasBadLink(ctx, membership);

/** Who proposes first in a hierarchy: the first in ring order that this rank does not suspect. */
function proposer(ctx: Context, membership: Membership): MemberId | undefined {
  const { self } = ctx.state;
  return membersOf(membership.generation).find(
    (member) => member === self.member || !isSuspected(ctx, membership, member),
  );
}

/** How many living members come before this rank when a successor is to be proposed. */
export function placeInLine(ctx: Context, membership: Membership): number {
  const { self } = ctx.state;
  const { generation, overlay } = membership;
  if (overlay !== undefined) {
    const own = rankOf(generation, self.member);
    return own - suspects(ctx, membership).filter((member) => rankOf(generation, member) < own).length;
  }
  return generation.members
    .filter((m) => m.member === self.member || !isSuspected(ctx, membership, m.member))
    .map((m) => m.seat)
    .sort()
    .indexOf(self.seat);
}

/** In a hierarchy: tells whoever proposes first what this rank knows, unless it was told just now. */
export function tellNews(ctx: Context, membership: Membership): void {
  const to = membership.overlay === undefined ? undefined : proposer(ctx, membership);
  if (to === undefined || to === ctx.state.self.member) return;
  const { generation, news } = membership;
  const seen: Of<'news'>['suspects'][number][] = [];
  for (const member of ctx.state.suspects) {
    const evidence = ctx.state.peers.get(member)?.suspected;
    if (evidence !== undefined && isIn(generation, member)) seen.push({ member, evidence });
  }
  const joiners = knownJoiners(ctx).filter(({ member }) => !isIn(generation, member));
  if (seen.length + joiners.length === 0 && !ctx.state.leaving) return;
  const about = [...seen, ...joiners].map(({ member }) => member).join();
  if (news?.to === to && news.about === about && ctx.now - news.at < TELL_AGAIN_MS) return;
  membership.news = { to, about, at: ctx.now };
  send(ctx, to, {
    kind: 'news',
    generation: generation.id,
    suspects: seen,
    joiners,
    leaving: ctx.state.leaving,
  });
}

/** What another member knows. It is a reason to propose, and no vote. */
export function onNews(ctx: Context, from: MemberId, message: Of<'news'>): void {
  const { membership, self } = ctx.state;
  if (membership?.overlay === undefined || !isIn(membership.generation, from)) return;
  for (const { member, evidence } of message.suspects)
    if (member !== self.member && isIn(membership.generation, member))
      membership.reported.set(member, evidence);
  for (const joiner of message.joiners)
    if (!isIn(membership.generation, joiner.member)) membership.offered.set(joiner.member, joiner);
  if (message.leaving && !isGone(ctx, from)) membership.regroupWanted = true;
  reconsider(ctx);
}
