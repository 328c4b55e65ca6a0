// A simulated data channel with the limits of a browser's.

import {
  MAX_CHANNEL_BUFFER_BYTES,
  MAX_CHANNEL_MESSAGE_BYTES,
  type RawChannel,
} from '../../ports/contract/channel.ts';
import { createWires } from '../wire.ts';
import type { Stage } from './stage.ts';

/** Milliseconds, drawn between these bounds. */
const LATENCY = [1, 6] as const;

/** One direction of a pair, open from the start; the other end's `close` closes both. */
export function createSimulatedChannels(
  stage: Stage,
  receive: (bytes: Uint8Array) => void,
): { readonly a: RawChannel; readonly b: RawChannel } {
  let state: RawChannel['readyState'] = 'open';
  const wires = createWires();
  const wire = wires.create();
  let arrival = 0;

  const close = (): void => {
    if (state !== 'open') return;
    state = 'closing';
    stage.at(stage.now() + stage.entropy.between('net', 'latency', ...LATENCY), () => (state = 'closed'));
  };
  const end = (send: RawChannel['send'], bufferedAmount: () => number): RawChannel => ({
    get readyState() {
      return state;
    },
    get bufferedAmount() {
      return bufferedAmount();
    },
    send(bytes) {
      if (state !== 'open') throw new Error(`The channel is ${state}.`);
      send(bytes);
    },
    close,
  });

  return {
    a: end(
      (bytes) => {
        if (bytes.length > MAX_CHANNEL_MESSAGE_BYTES)
          throw new TypeError(`Expected at most ${MAX_CHANNEL_MESSAGE_BYTES} bytes, found ${bytes.length}.`);
        const queued = wires.offer(wire, 'bulk', bytes.length, MAX_CHANNEL_BUFFER_BYTES, stage.now());
        if (queued === undefined) throw new Error('The send queue is full.');
        const copy = bytes.slice();
        const latency = stage.entropy.between('net', 'latency', ...LATENCY);
        arrival = Math.max(arrival, stage.now() + queued + latency);
        stage.at(arrival, () => {
          if (state === 'open') receive(copy);
        });
      },
      () => wires.queuedOn(wire, 'bulk', stage.now()),
    ),
    b: end(
      () => undefined,
      () => 0,
    ),
  };
}
