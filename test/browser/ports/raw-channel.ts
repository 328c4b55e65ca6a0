// A data channel between two connections of one page, as the browser gives it.

import type { ChannelHarness } from '../../../src/ports/contract/channel.ts';
import { until } from './webrtc-pair.ts';

export interface OpenChannel extends ChannelHarness {
  /** What the browser says is the longest message. */
  readonly limit: number | undefined;
  end(): void;
}

export async function openRawChannel(): Promise<OpenChannel> {
  const [caller, callee] = [new RTCPeerConnection(), new RTCPeerConnection()];
  for (const [from, to] of [
    [caller, callee],
    [callee, caller],
  ] as const)
    from.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate !== null) void to.addIceCandidate(candidate);
    });
  const received: Uint8Array[] = [];
  const open = (pc: RTCPeerConnection): RTCDataChannel => {
    const channel = pc.createDataChannel('contract', { negotiated: true, id: 0 });
    channel.binaryType = 'arraybuffer';
    return channel;
  };
  const [a, b] = [open(caller), open(callee)];
  b.addEventListener('message', ({ data }) => void received.push(new Uint8Array(data as ArrayBuffer)));
  await caller.setLocalDescription();
  await callee.setRemoteDescription(caller.localDescription as RTCSessionDescription);
  await callee.setLocalDescription();
  await caller.setRemoteDescription(callee.localDescription as RTCSessionDescription);
  await until('the channel is open', () => a.readyState === 'open' && b.readyState === 'open');
  return {
    a,
    b,
    received,
    until,
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    limit: caller.sctp?.maxMessageSize,
    end() {
      caller.close();
      callee.close();
    },
  };
}
