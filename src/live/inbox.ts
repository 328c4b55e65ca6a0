// What the network brings: links that come and go, and messages, decoded and given to whom they are for. What ranks tell each other
// beside the protocol never reaches the core.

import type { MemberId } from '../ports/ids.ts';
import type { Carrier, NetworkHandlers } from '../ports/network.ts';
import { decodeMessage } from '../protocol/codec.ts';
import { CodecError } from '../protocol/codec-error.ts';
import type { Event } from '../protocol/effects.ts';
import type { Message } from '../protocol/messages.ts';
import type { TraceEvent } from '../trace/events.ts';
import type { Complaints } from './complaints.ts';
import { createGarbledBudget } from './garbled.ts';

export function createInbox(host: {
  /** Milliseconds. */
  readonly now: () => number;
  readonly dispatch: (event: Event) => void;
  readonly complain: Complaints['complain'];
  readonly report: (event: TraceEvent) => void;
  readonly carrierOf: (peer: MemberId) => Carrier | undefined;
  /** There is a link to this peer now, and the core knows. */
  readonly linked: (peer: MemberId) => void;
  /** Whether the message is one beside the protocol, and is dealt with. */
  readonly heard: (from: MemberId, message: Message) => boolean;
}): NetworkHandlers {
  const { dispatch } = host;
  const isToldOf = createGarbledBudget();
  return {
    linkUp(peer) {
      host.complain('links', undefined);
      dispatch({ kind: 'linkUp', peer });
      host.linked(peer);
      const carrier = host.carrierOf(peer);
      if (carrier !== undefined && carrier !== 'webrtc') host.report({ kind: 'linkCarried', peer, carrier });
    },
    linkDown(peer, evidence) {
      dispatch({ kind: 'linkDown', peer, evidence });
    },
    message(from, _lane, bytes) {
      let message: Message;
      try {
        message = decodeMessage(bytes);
      } catch (error) {
        if (!(error instanceof CodecError)) throw error;
        if (isToldOf(from, host.now())) dispatch({ kind: 'garbled', from, detail: error.message });
        return;
      }
      if (!host.heard(from, message)) dispatch({ kind: 'message', from, message });
    },
  };
}
