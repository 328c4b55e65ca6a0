// Messages on their way out: encoded, counted, sent; to oneself they come back as events.

import type { MemberId } from '../ports/ids.ts';
import { bytesOf, MAX_QUEUED_BYTES, type Lane, type LateMessage, type Network } from '../ports/network.ts';
import { encodeLate } from '../protocol/codec.ts';
import { laneOf } from '../protocol/message-size.ts';
import type { Event, Send } from '../protocol/effects.ts';

/**
 * What a carrier has waiting, in bytes, when it takes no more of what others have for each other: for one member half of a link's queue, so
 * that its own messages always find room; and for all of them as much as one link's queue, however many pairs it carries for.
 */
export const CARRIED = { forOne: MAX_QUEUED_BYTES.bulk / 2, forAll: MAX_QUEUED_BYTES.bulk } as const;

export interface Outbox {
  readonly transmit: (send: Send) => void;
  /** Bytes of gradients that were sent, and how many more they would be with four a lane. */
  sent(): { readonly bytes: number; readonly saved: number };
}

export function createOutbox(host: {
  readonly member: MemberId;
  readonly network: () => Network | undefined;
  readonly dispatch: (event: Event) => void;
}): Outbox {
  const { member, dispatch } = host;
  let sentBytes = 0;
  let savedBytes = 0;

  /** What is not carried is asked for again, as what gets lost is. */
  const send = (
    { to, message }: Send,
    lane: Lane,
    encoded: Uint8Array<ArrayBuffer> | LateMessage,
  ): boolean => {
    const network = host.network();
    if (network === undefined) return false;
    const isOfOthers = message.kind === 'relay' && message.origin !== member;
    return (
      (!isOfOthers || hasRoom(network, to, encoded.length)) && network.send(to, lane, encoded) === 'sent'
    );
  };

  return {
    transmit(sending) {
      const { to, message } = sending;
      if (to === member) {
        // Behind the effects that are still to be carried out.
        dispatch({ kind: 'message', from: member, message });
        return;
      }
      const late = encodeLate(message);
      // What an exchange sends does not change any more; other payloads may be of a state that goes on.
      const isPart = message.kind === 'part';
      if (isPart) {
        sentBytes += late.length;
        savedBytes += late.saved;
      }
      if (!send(sending, laneOf(message), isPart ? late : bytesOf(late))) dispatch({ kind: 'unsent', to });
    },
    sent: () => ({ bytes: sentBytes, saved: savedBytes }),
  };
}

/** Where nothing waits, one message goes, however long. */
function hasRoom(network: Network, to: MemberId, bytes: number): boolean {
  const own = network.queuedBytes(to);
  if (own > 0 && own + bytes > CARRIED.forOne) return false;
  const all = network.peers().reduce((sum, peer) => sum + network.queuedBytes(peer), 0);
  return all === 0 || all + bytes <= CARRIED.forAll;
}
