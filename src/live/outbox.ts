// Messages on their way out: encoded, counted, sent; to oneself they come back as events.

import type { MemberId } from '../ports/ids.ts';
import type { Network } from '../ports/network.ts';
import { bytesSaved, encodeMessage } from '../protocol/codec.ts';
import type { Event, Send } from '../protocol/effects.ts';

export interface Outbox {
  readonly transmit: (send: Send) => void;
  /** Bytes of gradients that were sent, and that packing saved. */
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
  return {
    transmit({ to, message }) {
      if (to === member) {
        // Behind the effects that are still to be carried out.
        dispatch({ kind: 'message', from: member, message });
        return;
      }
      const { lane, bytes } = encodeMessage(message);
      if (message.kind === 'part') {
        sentBytes += bytes.length;
        savedBytes += bytesSaved(message);
      }
      if (host.network()?.send(to, lane, bytes) !== 'sent') dispatch({ kind: 'unsent', to });
    },
    sent: () => ({ bytes: sentBytes, saved: savedBytes }),
  };
}
