// An RTCDataChannel as a lane of a link.

import type { LinkChannel } from './link.ts';

/** The channel must not have been sent on before. `lowWaterBytes`: when to ask for more. */
export function laneOfDataChannel(channel: RTCDataChannel, lowWaterBytes: number): LinkChannel {
  channel.binaryType = 'arraybuffer';
  channel.bufferedAmountLowThreshold = lowWaterBytes;
  return {
    get state() {
      switch (channel.readyState) {
        case 'connecting':
          return 'opening';
        case 'open':
          return 'open';
        case 'closing':
        case 'closed':
          return 'closed';
      }
    },
    get bufferedAmount() {
      return channel.bufferedAmount;
    },
    send: (bytes) => channel.send(bytes),
    listen(handlers) {
      channel.addEventListener('open', () => handlers.open());
      channel.addEventListener('bufferedamountlow', () => handlers.low());
      channel.addEventListener('closing', () => handlers.closed());
      channel.addEventListener('close', () => handlers.closed());
      channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
        handlers.frame(data instanceof ArrayBuffer ? new Uint8Array(data) : undefined);
      });
    },
    close: () => channel.close(),
  };
}
