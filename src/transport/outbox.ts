// One lane's send queue: cuts messages into frames and feeds the channel between two water marks, so that little is ever
// queued where it can no longer be taken back or overtaken.

import type { Clock } from '../ports/clock.ts';
import type { CreditSpent } from './credit.ts';
import { MAX_MESSAGE_BYTES, MAX_QUEUED_BYTES } from '../ports/network.ts';
import type { Lane, LateMessage } from '../ports/network.ts';
import { FRAME_HEADER_BYTES, MAX_FRAME_BYTES, writeFrameHeader } from './frame.ts';

/** What an outbox needs of a data channel. Other carriers (a relay, another page of the browser) offer the same. */
export interface LaneChannel {
  readonly state: 'opening' | 'open' | 'closed';
  /** Bytes given to `send` and not yet on the wire. */
  readonly bufferedAmount: number;
  /** Copies the bytes before it returns. Throws when it cannot take them now. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
}

export interface LaneLimits {
  /** Frames are handed to the channel while it buffers no more than this. */
  readonly highWaterBytes: number;
  /** The channel calls back when it buffers no more than this. */
  readonly lowWaterBytes: number;
  /** Messages waiting here, in bytes. A single longer message still goes when nothing else waits. */
  readonly queueBytes: number;
}

/**
 * Control waits behind no more than 256 KiB of bulk (measured: 115 ms in the worst case, 373 ms behind 8 MiB), and no channel
 * ever buffers 1 MiB; the browser's own limit is 16 MiB, where `send` throws.
 */
export const LANE_LIMITS: Readonly<Record<Lane, LaneLimits>> = {
  control: { highWaterBytes: 256 * 1024, lowWaterBytes: 64 * 1024, queueBytes: MAX_QUEUED_BYTES.control },
  bulk: { highWaterBytes: 256 * 1024, lowWaterBytes: 128 * 1024, queueBytes: MAX_QUEUED_BYTES.bulk },
};

/** Memory for late messages that is kept for the next one: two parts. A longer one has its own, and leaves none behind. */
const KEPT_BYTES = 256 * 1024;

/** `bufferedamountlow` can be late or missed: look again after this time, in milliseconds. */
const BACKUP_MS = 50;

export interface Outbox {
  /** Takes a message whole or not at all. What it is made of must not change until it is sent. */
  push(message: Uint8Array<ArrayBuffer> | LateMessage): 'sent' | 'overflow';
  /** Hands frames to the channel as far as its buffer allows. Call it when the channel opens and when it runs low. */
  pump(): void;
  /** Bytes accepted and not yet on the wire. */
  queuedBytes(): number;
  /** Forgets what waits. */
  close(): void;
}

export function createOutbox(options: {
  readonly lane: Lane;
  readonly channel: LaneChannel;
  readonly clock: Clock;
  /** What may be under way; without it, as much as the channel takes. Pump when it is restored. */
  readonly credit?: CreditSpent;
  readonly limits?: LaneLimits;
}): Outbox {
  const { lane, channel, clock, credit } = options;
  const limits = options.limits ?? LANE_LIMITS[lane];
  const maxPayload = MAX_FRAME_BYTES[lane] - FRAME_HEADER_BYTES;
  /** One buffer for all frames, since the channel copies. */
  const scratch = new Uint8Array(MAX_FRAME_BYTES[lane]);
  /** Late messages are written behind room for a header, one after the other. */
  let late = new Uint8Array(0);
  /** The first that waits, where it was late and is written: what lies before its next payload has left, and makes room for a header. */
  let written: Uint8Array<ArrayBuffer> | undefined;

  const waiting: (Uint8Array<ArrayBuffer> | LateMessage)[] = [];
  /** Index of the first message in `waiting` that is not sent yet: shifting an array costs its length. */
  let head = 0;
  let waitingBytes = 0;
  let offset = 0;
  let messageId = 0;
  let closed = false;
  let cancelBackup: (() => void) | undefined;

  const lookAgainLater = (): void => {
    cancelBackup ??= clock.after(BACKUP_MS, () => {
      cancelBackup = undefined;
      pump();
    });
  };

  const writeLate = (message: LateMessage): Uint8Array<ArrayBuffer> => {
    const length = FRAME_HEADER_BYTES + message.length;
    if (late.length < length) late = new Uint8Array(length);
    const buffer = late.subarray(0, length);
    if (late.length > KEPT_BYTES) late = new Uint8Array(0);
    message.write(buffer.subarray(FRAME_HEADER_BYTES));
    return buffer;
  };

  /** The frame with the bytes from `offset` to `end`, for the channel to copy. */
  const frameOf = (message: Uint8Array<ArrayBuffer> | LateMessage, end: number): Uint8Array<ArrayBuffer> => {
    if (message instanceof Uint8Array) {
      const frame = scratch.subarray(0, FRAME_HEADER_BYTES + end - offset);
      frame.set(message.subarray(offset, end), FRAME_HEADER_BYTES);
      return frame;
    }
    written ??= writeLate(message);
    return written.subarray(offset, FRAME_HEADER_BYTES + end);
  };

  /** False when the channel did not take the next frame. */
  const sendFrame = (message: Uint8Array<ArrayBuffer> | LateMessage): boolean => {
    const end = Math.min(message.length, offset + maxPayload);
    const frame = frameOf(message, end);
    writeFrameHeader(frame, { kind: 'data', lane, messageId, messageLength: message.length, offset });
    try {
      channel.send(frame);
    } catch {
      // Its queue is full after all, or it is closing, which it tells by itself.
      return false;
    }
    credit?.spend(frame.length);
    waitingBytes -= end - offset;
    offset = end;
    if (offset < message.length) return true;
    head += 1;
    offset = 0;
    written = undefined;
    messageId = (messageId + 1) >>> 0;
    if (head === waiting.length) {
      waiting.length = 0;
      head = 0;
    } else if (head >= 1024) {
      waiting.splice(0, head);
      head = 0;
    }
    return true;
  };

  function pump(): void {
    if (closed || channel.state !== 'open') return;
    for (let message = waiting[head]; message !== undefined; message = waiting[head]) {
      const frameBytes = FRAME_HEADER_BYTES + Math.min(maxPayload, message.length - offset);
      if (credit?.allows(frameBytes) === false) return;
      if (channel.bufferedAmount + frameBytes > limits.highWaterBytes || !sendFrame(message)) {
        lookAgainLater();
        return;
      }
    }
  }

  return {
    push(message) {
      if (closed || message.length > MAX_MESSAGE_BYTES[lane]) return 'overflow';
      if (head < waiting.length && waitingBytes + message.length > limits.queueBytes) return 'overflow';
      waiting.push(message);
      waitingBytes += message.length;
      pump();
      return 'sent';
    },
    pump,
    queuedBytes: () => waitingBytes + (channel.state === 'open' ? channel.bufferedAmount : 0),
    close() {
      closed = true;
      cancelBackup?.();
      cancelBackup = undefined;
      waiting.length = 0;
      head = 0;
      waitingBytes = 0;
      written = undefined;
      late = new Uint8Array(0);
    },
  };
}
