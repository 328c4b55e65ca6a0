// What a rank's links have moved, counted at the network's port: whole messages, without what the transport adds to them.

import type { Network, NetworkHandlers } from '../ports/network.ts';

/** Bytes since the rank's page was loaded. */
export interface Traffic {
  readonly sent: number;
  readonly received: number;
  /** In the fullest send queue at this moment. */
  readonly queued: number;
}

export interface TrafficMeter {
  connect(handlers: NetworkHandlers): Network;
  read(): Traffic;
}

export function meterTraffic(connect: (handlers: NetworkHandlers) => Network): TrafficMeter {
  let network: Network | undefined;
  let sent = 0;
  let received = 0;
  return {
    connect(handlers) {
      const opened = connect({
        ...handlers,
        message(peer, lane, bytes) {
          received += bytes.length;
          handlers.message(peer, lane, bytes);
        },
      });
      network = opened;
      return {
        ...opened,
        send(peer, lane, message) {
          // Sending may hand the array over, and then it is empty.
          const { length } = message;
          const outcome = opened.send(peer, lane, message);
          if (outcome === 'sent') sent += length;
          return outcome;
        },
      };
    },
    read() {
      const queues = (network?.peers() ?? []).map((peer) => network?.queuedBytes(peer) ?? 0);
      return { sent, received, queued: Math.max(0, ...queues) };
    },
  };
}
