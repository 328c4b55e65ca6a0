// The way of a message: directly where there is a link; in a hierarchy, else over a member that has links with both ends. A relay
// changes only how a message travels: generations fence it, and votes are stored before it leaves, as ever.

import type { MemberId } from '../ports/ids.ts';
import type { Send } from './effects.ts';
import { membersOf, rankOf } from './generation.ts';
import type { Message, Relay, RelayedKind } from './messages.ts';
import { crossings } from './overlay.ts';
import type { RankState } from './state.ts';

/** Two links suffice; the others go round a member that is not there. */
const HOPS = 4;

export interface Via {
  readonly origin: MemberId;
  readonly link: MemberId;
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

const isRelayed = (message: Message): message is Relay['message'] => RELAYED.has(message.kind);

export function route(state: RankState, via: Via | undefined, to: MemberId, message: Message): Send {
  const origin = state.self.member;
  if (to === origin || !isRelayed(message)) return { to, message };
  const hop = nextHop(state, via, to, undefined);
  if (hop === undefined || hop === to) return { to, message };
  return { to: hop, message: { kind: 'relay', origin, to, hops: HOPS - 1, message } };
}

/** The next link of a relayed message that is not for this rank; undefined where there is none. */
export function forward(state: RankState, from: MemberId, relay: Relay): Send | undefined {
  if (relay.hops < 1) return undefined;
  const hop = nextHop(state, undefined, relay.to, from);
  if (hop === undefined) return undefined;
  return { to: hop, message: { ...relay, hops: relay.hops - 1 } };
}

function nextHop(
  state: RankState,
  via: Via | undefined,
  to: MemberId,
  from: MemberId | undefined,
): MemberId | undefined {
  const direct = state.peers.get(to);
  if (direct?.linked === true && direct.suspected === undefined) return to;
  if (via?.origin === to && isUsable(state, via.link, from)) return via.link;
  const { membership } = state;
  const overlay = membership?.overlay;
  const fallback = direct?.linked === true ? to : undefined;
  if (membership === undefined || overlay === undefined) return fallback;
  const members = membersOf(membership.generation);
  const [here, there] = [rankOf(membership.generation, state.self.member), rankOf(membership.generation, to)];
  if (here < 0 || there < 0) return fallback;
  const ways = crossings(here, there, members.length, overlay.width);
  // Half of the traffic each way.
  for (const rank of (here + there) % 2 === 0 ? ways : [...ways].reverse()) {
    const member = members[rank];
    if (member !== undefined && isUsable(state, member, from)) return member;
  }
  if (fallback !== undefined) return fallback;
  // Neither is there: round them, over any other in the row or the column.
  for (const member of overlay.links) if (isUsable(state, member, from)) return member;
  return undefined;
}

function isUsable(state: RankState, member: MemberId, from: MemberId | undefined): boolean {
  const peer = state.peers.get(member);
  return member !== from && peer?.linked === true && peer.suspected === undefined;
}
