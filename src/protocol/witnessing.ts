// A rank and the witness: whether there is one, whether it is reached, and whether the next generation gives it a vote.

import type { MemberId, SeatId } from '../ports/ids.ts';
import { sameGeneration } from '../ports/ids.ts';
import { peerOf, reconsider, report, type Context } from './context.ts';
import { isIn, memberSeats, membersOf, ownerOf, type Generation } from './generation.ts';
import { tellRoom } from './installing.ts';
import type { Message } from './messages.ts';
import type { Membership, RankState } from './state.ts';

type Of<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>;

/** All that a witness has to say: anything else from it is refused. */
const SAID: ReadonlySet<Message['kind']> = new Set(['witness', 'promise', 'reject', 'accepted']);

export const isOutOfPlace = (ctx: Context, from: MemberId, kind: Message['kind']): boolean =>
  ctx.state.peers.get(from)?.witness !== undefined && !SAID.has(kind);

export function onWitness(ctx: Context, from: MemberId, message: Of<'witness'>): void {
  const peer = peerOf(ctx, from);
  const { membership } = ctx.state;
  const isRank = peer.join?.member !== undefined || peer.room !== undefined;
  if (isRank || (membership !== undefined && isIn(membership.generation, from))) {
    report(ctx, { kind: 'rejected', from, message: 'witness', reason: 'unexpected' });
    return;
  }
  peer.witness = message;
  if (membership === undefined) return;
  if (message.knows === undefined || !sameGeneration(message.knows, membership.generation.id))
    tellRoom(ctx, from);
  reconsider(ctx);
}

/** Who answers for a witness's seat: a peer that offers it, and was heard lately. */
export function holderOf(ctx: Pick<Context, 'state' | 'now'>, seat: SeatId): MemberId | undefined {
  const fresh = ctx.state.job?.policies.suspicionMs ?? 1500;
  for (const [member, peer] of ctx.state.peers)
    if (peer.witness?.seat === seat && peer.linked && ctx.now - peer.lastHeard <= fresh) return member;
  return undefined;
}

/** A witness as a rank sees it. */
export interface WitnessView {
  readonly seat: SeatId;
  /** The generation in force counts its seat among those that decide on the next one. */
  readonly votes: boolean;
  /** This rank has a link with it, and has heard it lately. */
  readonly reached: boolean;
}

/** The one of the generation in force; else one that is reached. */
export function viewWitness(state: RankState, now: number): WitnessView | undefined {
  const isReached = (seat: SeatId): boolean => holderOf({ state, now }, seat) !== undefined;
  const own = state.membership?.generation.witness;
  if (own !== undefined) return { seat: own, votes: true, reached: isReached(own) };
  const seats = [...state.peers.values()].flatMap(({ witness }) => witness?.seat ?? []).sort();
  const seat = seats.find(isReached);
  return seat === undefined ? undefined : { seat, votes: false, reached: true };
}

/** A vote of a member's seat may come from any rank: its heir's. One of the witness's comes from whoever offers it, and from no rank. */
export function speaksFor(ctx: Context, generation: Generation, from: MemberId, seat: SeatId): boolean {
  const offered = ctx.state.peers.get(from)?.witness?.seat;
  if (seat === generation.witness) return offered === seat;
  return offered === undefined && ownerOf(generation, seat) !== undefined;
}

/** Seats that are offered, the one of the generation in force first. */
function offered(ctx: Context, { generation }: Membership): readonly SeatId[] {
  const seats = new Set<SeatId>();
  for (const peer of ctx.state.peers.values())
    if (peer.witness !== undefined && ctx.now >= peer.readmitAt) seats.add(peer.witness.seat);
  const own = generation.witness;
  return [...(own === undefined ? [] : [own]), ...[...seats].filter((seat) => seat !== own).sort()];
}

/** The witness of a generation of these members: one that has a link with each of them, where `hasLink` and its own word agree. */
export function witnessFor(
  ctx: Context,
  membership: Membership,
  members: readonly MemberId[],
  hasLink: (member: MemberId, witness: MemberId) => boolean,
): SeatId | undefined {
  if (!ctx.rules.takesWitness(members.length)) return undefined;
  const taken = memberSeats(membership.generation);
  return offered(ctx, membership).find((seat) => {
    const holder = taken.includes(seat) ? undefined : holderOf(ctx, seat);
    const links = holder === undefined ? undefined : ctx.state.peers.get(holder)?.witness?.links;
    if (holder === undefined || links === undefined) return false;
    return members.every((member) => ctx.rules.linkWorks(hasLink(member, holder), links.includes(member)));
  });
}

/** Whether the next generation would have another witness than this one, as far as this rank knows; newcomers come in the same way. */
export function wantsWitness(ctx: Context, membership: Membership): boolean {
  const { generation, overlay } = membership;
  if (overlay !== undefined) return false;
  if (generation.witness !== undefined) return holderOf(ctx, generation.witness) === undefined;
  // What links the others have is theirs to say, when they are asked.
  return witnessFor(ctx, membership, membersOf(generation), () => true) !== undefined;
}
