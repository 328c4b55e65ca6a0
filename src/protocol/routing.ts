// The way of a message: directly where there is a link that works, else over a member that has links with both ends. A relay changes
// only how a message travels: generations fence it, and votes are stored before it leaves, as ever.

import type { MemberId } from '../ports/ids.ts';
import type { Evidence } from '../ports/network.ts';
import { carriersFor } from './carriers.ts';
import type { Send } from './effects.ts';
import { isApart, isIn, membersOf, rankOf } from './generation.ts';
import { isHeard } from './hearing.ts';
import type { CarriedKind, Message, Relay, RelayedKind } from './messages.ts';
import { crossings, type Overlay } from './overlay.ts';
import type { Peer } from './peer.ts';
import type { Membership, RankState } from './state.ts';

/** Two links suffice; the others go round a member that is not there. */
const HOPS = 4;

export interface Via {
  readonly origin: MemberId;
  readonly link: MemberId;
}

/** What a rank knows when it chooses a way. */
interface Knowing {
  readonly state: RankState;
  readonly now: number;
}

const RELAYED: ReadonlySet<Message['kind']> = new Set<RelayedKind>([
  'room',
  'prepare',
  'promise',
  'reject',
  'accept',
  'accepted',
  'news',
  'seatHeld',
  'standing',
  'target',
  'start',
]);
const CARRIED: ReadonlySet<Message['kind']> = new Set<CarriedKind>([
  'beat',
  'part',
  'resend',
  'heal',
  'gradient',
  'state',
  'want',
  'piece',
]);

const isRelayed = ({ state }: Knowing, to: MemberId, message: Message): message is Relay['message'] => {
  if (RELAYED.has(message.kind)) return true;
  const { membership, self, peers } = state;
  if (membership === undefined || !CARRIED.has(message.kind)) return false;
  const { generation, overlay } = membership;
  // In a mesh a link may not be up yet.
  const isUnlinked = overlay === undefined && isIn(generation, to) && peers.get(to)?.linked === false;
  return isUnlinked || isApart(generation, self.member, to);
};

export function route(knowing: Knowing, via: Via | undefined, to: MemberId, message: Message): Send {
  const origin = knowing.state.self.member;
  if (to === origin || !isRelayed(knowing, to, message)) return { to, message };
  const hop = nextHop(knowing, via, to, undefined);
  if (hop === undefined || hop === to) return { to, message };
  return { to: hop, message: { kind: 'relay', origin, to, hops: HOPS - 1, message } };
}

/** Whether there is a way to a member, over a link or over another member. */
export const hasWay = (knowing: Knowing, to: MemberId): boolean =>
  nextHop(knowing, undefined, to, undefined) !== undefined;

/** The next link of a relayed message that is not for this rank; undefined where there is none. */
export function forward(knowing: Knowing, from: MemberId, relay: Relay): Send | undefined {
  if (relay.hops < 1) return undefined;
  const hop = nextHop(knowing, undefined, relay.to, from);
  if (hop === undefined) return undefined;
  return { to: hop, message: { ...relay, hops: relay.hops - 1 } };
}

function nextHop(
  knowing: Knowing,
  via: Via | undefined,
  to: MemberId,
  from: MemberId | undefined,
): MemberId | undefined {
  const { state } = knowing;
  const { membership } = state;
  const overlay = membership?.overlay;
  if (membership !== undefined && overlay === undefined) return hopInMesh(knowing, membership, via, to, from);
  const direct = state.peers.get(to);
  if (direct?.linked === true && direct.suspected === undefined) return to;
  if (via?.origin === to && isUsable(state, via.link, from)) return via.link;
  const fallback = direct?.linked === true ? to : undefined;
  if (membership === undefined || overlay === undefined) return fallback;
  return hopInHierarchy(state, membership, overlay, to, from) ?? fallback;
}

function hopInHierarchy(
  state: RankState,
  { generation }: Membership,
  overlay: Overlay,
  to: MemberId,
  from: MemberId | undefined,
): MemberId | undefined {
  const members = membersOf(generation);
  const [here, there] = [rankOf(generation, state.self.member), rankOf(generation, to)];
  if (here < 0 || there < 0) return undefined;
  const ways = crossings(here, there, members.length, overlay.width);
  // Half of the traffic each way.
  for (const rank of (here + there) % 2 === 0 ? ways : [...ways].reverse()) {
    const member = members[rank];
    if (member !== undefined && isUsable(state, member, from)) return member;
  }
  if (state.peers.get(to)?.linked === true) return undefined;
  // Neither is there: round them, over any other in the row or the column.
  for (const member of overlay.links) if (isUsable(state, member, from)) return member;
  return undefined;
}

function isUsable(state: RankState, member: MemberId, from: MemberId | undefined): boolean {
  const peer = state.peers.get(member);
  return member !== from && peer?.linked === true && peer.suspected === undefined;
}

/** What says that nothing comes over a link; the page behind it may be gone, or not. */
const OF_LINKS: ReadonlySet<Evidence> = new Set<Evidence>(['heartbeat', 'ice', 'channel-closed']);
/** What says that the page is gone. */
const OF_PAGES: ReadonlySet<Evidence> = new Set<Evidence>(['goodbye', 'lock-released']);

/** In a mesh: over the own link, unless that is bad; then over a member that hears both ends. */
function hopInMesh(
  knowing: Knowing,
  { generation }: Membership,
  via: Via | undefined,
  to: MemberId,
  from: MemberId | undefined,
): MemberId | undefined {
  const { state } = knowing;
  const peer = state.peers.get(to);
  const fallback = peer?.linked === true ? to : undefined;
  if (reaches(knowing, to)) return to;
  if (!isIn(generation, to) || !mayBeThere(peer)) return fallback;
  if (via?.origin === to && via.link !== from && reaches(knowing, via.link)) return via.link;
  return carrier(knowing, to, from) ?? fallback;
}

/** Whether a page may be there although its link is bad. */
export const mayBeThere = (peer: Peer | undefined): boolean =>
  peer?.suspected === undefined || !OF_PAGES.has(peer.suspected);

/** Whether there is a link over which nothing is known to get lost, as far as both ends have said. */
export function reaches({ state, now }: Knowing, member: MemberId): boolean {
  const peer = state.peers.get(member);
  const { membership, self } = state;
  if (peer?.linked !== true || peer.unheard.includes(self.member)) return false;
  if (peer.suspected !== undefined && (OF_LINKS.has(peer.suspected) || OF_PAGES.has(peer.suspected)))
    return false;
  // A link that was bad when the generation was chosen has to prove itself.
  const isProven = membership === undefined || !isApart(membership.generation, self.member, member);
  return isProven || isHeard({ state, now }, peer);
}

/** Another member that both reaches this rank and hears that one; pairs that are apart use different ones (see carriers.ts). */
export function carrier(
  { state, now }: Knowing,
  to: MemberId,
  from: MemberId | undefined,
): MemberId | undefined {
  const generation = state.membership?.generation;
  if (generation === undefined) return undefined;
  for (const member of carriersFor(generation, state.self.member, to)) {
    if (member === from) continue;
    const peer = state.peers.get(member);
    if (
      peer?.suspected === undefined &&
      peer?.unheard.includes(to) === false &&
      reaches({ state, now }, member)
    )
      return member;
  }
  return undefined;
}
