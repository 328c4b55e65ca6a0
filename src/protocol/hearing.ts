// Whether a peer is heard: over a link of one's own, lately.

import type { GenerationId, MemberId } from '../ports/ids.ts';
import { isIn } from './generation.ts';
import type { Message } from './messages.ts';
import { silenceAllowed } from './patience.ts';
import type { Peer } from './peer.ts';
import type { RankState } from './state.ts';

/** Whether a peer was heard lately, by what is known of its heartbeats. */
export function isHeard(
  { state, now }: { readonly state: RankState; readonly now: number },
  peer: Peer,
): boolean {
  const policies = state.job?.policies;
  if (policies === undefined) return true;
  const silent = now - peer.lastHeard;
  // Mostly this is enough, and costs nothing.
  if (silent <= policies.suspicionMs) return true;
  return silent <= silenceAllowed({ usual: peer.pulse, hidden: peer.hidden }, policies, 0);
}

/**
 * Whether a member said this in a generation that was replaced since. It shows that the member lived then, and no more: over a link that
 * drains a full queue such words still come when nothing new gets through, and a link that was taken up with each of them would be given
 * up again and again. A member that lives installs the generation, and is heard in it.
 */
export function isBelated({ membership }: RankState, from: MemberId, message: Message): boolean {
  if (membership === undefined) return false;
  const said = generationOf(message.kind === 'relay' ? message.message : message);
  const { generation } = membership;
  return (
    said !== undefined &&
    said.number < generation.id.number &&
    said.incarnation === generation.id.incarnation &&
    isIn(generation, from)
  );
}

const generationOf = (message: Exclude<Message, { kind: 'relay' }>): GenerationId | undefined => {
  if (message.kind === 'room') return message.generation.id;
  return 'generation' in message ? message.generation : undefined;
};
