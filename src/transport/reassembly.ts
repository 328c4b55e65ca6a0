// Puts a lane's fragments together again. Sans-IO; a hostile peer can neither make it throw nor make it allocate more than
// twice what it has really sent (plus one step), whatever its length fields say.

import type { Lane } from '../ports/network.ts';
import type { Frame } from './frame.ts';

/** The buffer of a message grows with what arrives: at once up to this size, then by doubling. */
const FIRST_ALLOCATION_BYTES = 1024 * 1024;

export type Reassembled =
  | { readonly kind: 'message'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'more' }
  | { readonly kind: 'fault'; readonly detail: string };

export interface Reassembler {
  /** Takes the next data frame of the lane. After a fault it takes no more: the link is to be closed. */
  accept(frame: Frame): Reassembled;
  /** Bytes allocated for the message in assembly. */
  allocatedBytes(): number;
}

interface Partial {
  readonly length: number;
  received: number;
  bytes: Uint8Array<ArrayBuffer>;
}

const MORE: Reassembled = { kind: 'more' };

/** A lane is ordered, so at most one message is in assembly. */
export function createReassembler(lane: Lane, maxMessageBytes: number): Reassembler {
  let expectedId = 0;
  let partial: Partial | undefined;
  let broken = false;

  const fault = (detail: string): Reassembled => {
    broken = true;
    partial = undefined;
    return { kind: 'fault', detail };
  };

  return {
    allocatedBytes: () => partial?.bytes.length ?? 0,
    accept({ messageId, messageLength, offset, payload }) {
      if (broken) return fault('a frame after a fault');
      if (messageLength > maxMessageBytes) {
        return fault(
          `expected a message of at most ${maxMessageBytes} bytes on ${lane}, found a length of ${messageLength}`,
        );
      }
      if (messageId !== expectedId) {
        return fault(`expected message ${expectedId} on ${lane}, found message ${messageId}`);
      }
      const received = partial?.received ?? 0;
      if (offset !== received) return fault(`expected offset ${received} on ${lane}, found ${offset}`);
      if (partial !== undefined && partial.length !== messageLength) {
        return fault(`a message of ${partial.length} bytes that became one of ${messageLength}`);
      }
      if (payload.length === messageLength) {
        expectedId = (expectedId + 1) >>> 0;
        return { kind: 'message', bytes: payload.slice() };
      }
      if (payload.length === 0) return fault('a fragment without a payload');

      const end = received + payload.length;
      partial ??= { length: messageLength, received: 0, bytes: new Uint8Array(0) };
      if (end > partial.bytes.length) partial.bytes = grown(partial.bytes, received, end, messageLength);
      partial.bytes.set(payload, received);
      partial.received = end;
      if (end < messageLength) return MORE;
      const { bytes } = partial;
      partial = undefined;
      expectedId = (expectedId + 1) >>> 0;
      return { kind: 'message', bytes };
    },
  };
}

function grown(
  bytes: Uint8Array<ArrayBuffer>,
  received: number,
  needed: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(length, Math.max(FIRST_ALLOCATION_BYTES, 2 * needed)));
  larger.set(bytes.subarray(0, received));
  return larger;
}
