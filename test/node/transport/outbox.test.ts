/** A lane's send queue: everything leaves once and in order, and no more waits anywhere than the limits say. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LateMessage } from '../../../src/ports/network.ts';
import { decodeFrame } from '../../../src/transport/frame.ts';
import { LANE_LIMITS, createOutbox } from '../../../src/transport/outbox.ts';
import { createReassembler } from '../../../src/transport/reassembly.ts';
import { fakeLanes, manualClock } from './fake-lane.ts';

const MIB = 1024 * 1024;
const bytesOf = (length: number, seed = 0): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => (i + seed) % 251);

function setup(limits = LANE_LIMITS.bulk) {
  const [channel, other] = fakeLanes();
  const clock = manualClock();
  const outbox = createOutbox({ lane: 'bulk', channel, clock, limits });
  const reassembler = createReassembler('bulk', 256 * MIB);
  const received: Uint8Array[] = [];
  let mostBuffered = 0;
  channel.listen({
    open: () => outbox.pump(),
    frame: () => undefined,
    low: () => outbox.pump(),
    closed: () => undefined,
  });
  other.listen({
    open: () => undefined,
    low: () => undefined,
    closed: () => undefined,
    frame(bytes) {
      mostBuffered = Math.max(mostBuffered, channel.bufferedAmount);
      const decoded = decodeFrame(bytes ?? new Uint8Array(0), 'bulk');
      if (!decoded.ok) throw new Error(decoded.detail);
      const result = reassembler.accept(decoded.frame);
      if (result.kind === 'fault') throw new Error(result.detail);
      if (result.kind === 'message') received.push(result.bytes);
    },
  });
  other.open();
  return { channel, clock, outbox, received, mostBuffered: () => mostBuffered };
}

describe('an outbox', () => {
  it('holds messages until the channel opens, then sends all of them in order', () => {
    const { channel, outbox, received } = setup();
    const messages = [bytesOf(10), bytesOf(0), bytesOf(200_000, 3), bytesOf(1, 9)];
    for (const message of messages) expect(outbox.push(message)).toBe('sent');
    expect(outbox.queuedBytes()).toBe(200_011);
    channel.open();
    while (channel.flush() > 0);
    expect(received).toEqual(messages);
    expect(outbox.queuedBytes()).toBe(0);
  });

  it('never lets the channel buffer more than the high water mark', () => {
    const { channel, outbox, received, mostBuffered } = setup();
    channel.open();
    const message = bytesOf(8 * MIB);
    outbox.push(message);
    expect(channel.bufferedAmount).toBeLessThanOrEqual(256 * 1024);
    while (channel.flush(1) > 0);
    expect(mostBuffered()).toBeLessThanOrEqual(256 * 1024);
    expect(Buffer.compare(received[0] ?? new Uint8Array(0), message)).toBe(0);
  });

  it('takes a message whole or not at all, and says when its limit would be exceeded', () => {
    const { outbox } = setup({ ...LANE_LIMITS.bulk, queueBytes: 1000 });
    expect(outbox.push(bytesOf(600))).toBe('sent');
    expect(outbox.push(bytesOf(600))).toBe('overflow');
    expect(outbox.push(bytesOf(400))).toBe('sent');
    expect(outbox.queuedBytes()).toBe(1000);
  });

  it('takes one message above its limit when nothing else waits, and none above what a peer would accept', () => {
    const { outbox } = setup({ ...LANE_LIMITS.bulk, queueBytes: 1000 });
    expect(outbox.push(bytesOf(5000))).toBe('sent');
    expect(outbox.push(bytesOf(1))).toBe('overflow');
    expect(setup().outbox.push(new Uint8Array(256 * MIB + 1))).toBe('overflow');
  });

  it('goes on after the channel refused a frame, with nothing lost or doubled', () => {
    const { channel, clock, outbox, received } = setup();
    channel.open();
    channel.refuses = true;
    const messages = [bytesOf(70_000), bytesOf(20)];
    for (const message of messages) expect(outbox.push(message)).toBe('sent');
    expect(channel.bufferedAmount).toBe(0);
    channel.refuses = false;
    clock.advance(50);
    while (channel.flush() > 0);
    expect(received).toEqual(messages);
  });

  it('looks again by itself when the channel never says that it runs low', () => {
    const { channel, clock, outbox, received } = setup();
    channel.open();
    outbox.push(bytesOf(MIB));
    channel.handlers = undefined;
    for (let turn = 0; turn < 20; turn++) {
      channel.flush();
      clock.advance(50);
    }
    expect(received.map((message) => message.length)).toEqual([MIB]);
  });

  it('sends late messages among others, whole and in order, whenever the channel takes and whenever it refuses', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ length: fc.oneof(fc.nat(300), fc.nat(200_000)), late: fc.boolean() }), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.array(fc.record({ frames: fc.integer({ min: 1, max: 5 }), refuses: fc.boolean() }), {
          maxLength: 30,
        }),
        (messages, turns) => {
          const { channel, clock, outbox, received } = setup();
          channel.open();
          const writing: LateMessage[] = [];
          messages.forEach(({ length, late }, i) => {
            const message = bytesOf(length, i);
            if (!late) expect(outbox.push(message)).toBe('sent');
            else {
              const made: LateMessage = {
                length,
                write(into) {
                  writing.push(made);
                  into.set(message);
                },
              };
              expect(outbox.push(made)).toBe('sent');
            }
          });
          for (const { frames, refuses } of turns) {
            channel.refuses = refuses;
            channel.flush(frames);
            clock.advance(50);
          }
          channel.refuses = false;
          clock.advance(50);
          while (channel.flush() > 0);
          expect(received.length).toBe(messages.length);
          messages.forEach(({ length }, i) => {
            expect(Buffer.compare(received[i] ?? new Uint8Array(0), bytesOf(length, i))).toBe(0);
          });
          expect(new Set(writing).size).toBe(writing.length);
          expect(outbox.queuedBytes()).toBe(0);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('writes a late message only when the channel has room for its first frame', () => {
    const { channel, outbox } = setup();
    channel.open();
    let written = 0;
    for (let i = 0; i < 8; i++) outbox.push({ length: 128 * 1024, write: () => void (written += 1) });
    expect(written).toBe(2);
    expect(outbox.queuedBytes()).toBe(8 * 128 * 1024 + 4 * 16);
    while (channel.flush() > 0);
    expect(written).toBe(8);
  });

  it('forgets everything when it is closed', () => {
    const { channel, clock, outbox, received } = setup();
    outbox.push(bytesOf(10));
    outbox.close();
    channel.open();
    clock.advance(1000);
    expect(received).toEqual([]);
    expect(outbox.push(bytesOf(10))).toBe('overflow');
    expect(outbox.queuedBytes()).toBe(0);
  });
});
