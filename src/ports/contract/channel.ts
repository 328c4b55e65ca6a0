// What a browser's data channel keeps, under the lanes of a network: the limits that make them cut messages into frames and hold back.

import { expectEqual, expectThat, pattern, sameBytes, type ContractCase, type Time } from './case.ts';

/** Longest message, in bytes. */
export const MAX_CHANNEL_MESSAGE_BYTES = 262_144;
/** What a channel buffers for the wire at most, in bytes. */
export const MAX_CHANNEL_BUFFER_BYTES = 16 * 1024 * 1024;

/** The part of `RTCDataChannel` that a lane uses. */
export interface RawChannel {
  readonly readyState: 'connecting' | 'open' | 'closing' | 'closed';
  readonly bufferedAmount: number;
  /** Throws where the message is too long, the buffer full or the channel not open. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** Two ends of a channel that is open, reliable and in order. */
export interface ChannelHarness extends Time {
  readonly a: RawChannel;
  readonly b: RawChannel;
  /** What has come to b, in order. */
  readonly received: readonly Uint8Array[];
}

const refuses = (what: string, channel: RawChannel, bytes: Uint8Array<ArrayBuffer>): void => {
  let error: unknown;
  try {
    channel.send(bytes);
  } catch (thrown) {
    error = thrown;
  }
  expectThat(error instanceof Error, `${what} to be refused with an error`, error ?? 'nothing thrown');
};

export const CHANNEL_CONTRACT: readonly ContractCase<ChannelHarness>[] = [
  {
    name: 'a message of 262,144 bytes arrives whole, and a longer one is refused and breaks nothing',
    async run({ a, received, until }) {
      a.send(pattern(MAX_CHANNEL_MESSAGE_BYTES, 1));
      refuses('one byte more', a, pattern(MAX_CHANNEL_MESSAGE_BYTES + 1, 2));
      expectEqual('the state of the channel', a.readyState, 'open');
      a.send(pattern(3, 3));
      await until('both have arrived', () => received.length === 2);
      for (const [i, [length, seed]] of [
        [MAX_CHANNEL_MESSAGE_BYTES, 1],
        [3, 3],
      ].entries())
        expectThat(
          sameBytes(received[i] ?? new Uint8Array(), pattern(length ?? 0, seed ?? 0)),
          'the bytes that were sent',
          received[i]?.length,
        );
    },
  },
  {
    name: 'it buffers 16 MiB and refuses what comes on top; it survives, and all that it took arrives in order',
    async run({ a, received, until }) {
      const size = MAX_CHANNEL_MESSAGE_BYTES;
      const most = MAX_CHANNEL_BUFFER_BYTES / size;
      let taken = 0;
      try {
        while (taken <= 2 * most) {
          a.send(pattern(size, taken));
          taken += 1;
        }
      } catch {
        // Full.
      }
      expectThat(taken >= most - 1, `at least ${most - 1} messages to be taken`, taken);
      // The wire takes a few while they are handed over.
      expectThat(taken <= most + 8, `at most ${most + 8} messages to be taken`, taken);
      expectThat(
        a.bufferedAmount <= MAX_CHANNEL_BUFFER_BYTES,
        `at most ${MAX_CHANNEL_BUFFER_BYTES} bytes to wait`,
        a.bufferedAmount,
      );
      expectEqual('the state of the channel', a.readyState, 'open');
      await until('all that was taken has arrived', () => received.length === taken);
      received.forEach((bytes, i) =>
        expectThat(sameBytes(bytes, pattern(size, i)), `message ${i} whole and in its place`, bytes.length),
      );
      await until('nothing waits any more', () => a.bufferedAmount === 0);
      a.send(pattern(1, 1));
      await until('one more has arrived', () => received.length === taken + 1);
    },
  },
  {
    name: 'closed at one end it is closed at the other, and refuses what is sent then',
    async run({ a, b, until }) {
      b.close();
      await until('both are closed', () => a.readyState === 'closed' && b.readyState === 'closed');
      refuses('sending then', a, pattern(1, 1));
    },
  },
];
