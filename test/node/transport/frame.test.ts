/** Frames survive the wire, and nothing that a stranger sends makes the reader throw or allocate without bound. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_MESSAGE_BYTES } from '../../../src/ports/network.ts';
import type { Lane } from '../../../src/ports/network.ts';
import {
  FRAME_HEADER_BYTES,
  FRAME_KINDS,
  MAX_FRAME_BYTES,
  WIRE_VERSION,
  decodeFrame,
  encodeLinkFrame,
  writeFrameHeader,
} from '../../../src/transport/frame.ts';
import { createReassembler } from '../../../src/transport/reassembly.ts';
import type { Reassembled } from '../../../src/transport/reassembly.ts';

const MIB = 1024 * 1024;

/** A data frame with any header, whether or not it makes sense. */
function dataFrame(
  lane: Lane,
  messageId: number,
  messageLength: number,
  offset: number,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(frame, { kind: 'data', lane, messageId, messageLength, offset });
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/** A message as frames of `pieceBytes` of payload. */
function cut(lane: Lane, id: number, message: Uint8Array, pieceBytes: number): Uint8Array<ArrayBuffer>[] {
  if (message.length === 0) return [dataFrame(lane, id, 0, 0, message)];
  const frames = [];
  for (let at = 0; at < message.length; at += pieceBytes) {
    frames.push(dataFrame(lane, id, message.length, at, message.subarray(at, at + pieceBytes)));
  }
  return frames;
}

/** Feeds raw frames as a link does; what came out, up to the first fault. */
function feed(lane: Lane, frames: readonly Uint8Array<ArrayBuffer>[], most = MAX_MESSAGE_BYTES[lane]) {
  const reassembler = createReassembler(lane, most);
  const results: Reassembled[] = [];
  let peakBytes = 0;
  let receivedBytes = 0;
  for (const bytes of frames) {
    const decoded = decodeFrame(bytes, lane);
    const result: Reassembled = decoded.ok
      ? reassembler.accept(decoded.frame)
      : { kind: 'fault', detail: decoded.detail };
    receivedBytes += bytes.length;
    peakBytes = Math.max(peakBytes, reassembler.allocatedBytes());
    results.push(result);
    if (result.kind === 'fault') break;
  }
  return { results, peakBytes, receivedBytes };
}

const messagesOf = (results: readonly Reassembled[]): Uint8Array[] =>
  results.flatMap((result) => (result.kind === 'message' ? [result.bytes] : []));
const lastOf = (results: readonly Reassembled[]): Reassembled | undefined => results.at(-1);

const lanes = fc.constantFrom<Lane>('control', 'bulk');

describe('frames', () => {
  it('bring back any messages, cut into any pieces', () => {
    fc.assert(
      fc.property(
        lanes,
        fc.array(fc.uint8Array({ maxLength: 5_000 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 4_000 }),
        (lane, messages, pieceBytes) => {
          const frames = messages.flatMap((message, id) => cut(lane, id, message, pieceBytes));
          expect(messagesOf(feed(lane, frames).results).map((bytes) => [...bytes])).toEqual(
            messages.map((bytes) => [...bytes]),
          );
        },
      ),
    );
  });

  it('give each message an array of its own, of exactly its length', () => {
    const frame = dataFrame('control', 0, 3, 0, Uint8Array.of(1, 2, 3));
    const [bytes] = messagesOf(feed('control', [frame]).results);
    frame.fill(9);
    expect(bytes).toEqual(Uint8Array.of(1, 2, 3));
    expect(bytes?.buffer.byteLength).toBe(3);
  });

  it('of the link itself carry their kind and payload', () => {
    const decoded = decodeFrame(encodeLinkFrame('proof', Uint8Array.of(7, 8)), 'control');
    expect(decoded).toMatchObject({ ok: true, frame: { kind: 'proof', payload: Uint8Array.of(7, 8) } });
  });

  it('of another wire version are told as such, whatever follows', () => {
    expect(decodeFrame(Uint8Array.of(WIRE_VERSION + 1), 'control')).toMatchObject({
      ok: false,
      fault: 'version',
    });
    expect(decodeFrame(Uint8Array.of(WIRE_VERSION + 7, 255, 255, 1), 'bulk')).toMatchObject({
      ok: false,
      fault: 'version',
    });
  });

  it('that break a rule are refused with the rule that they break', () => {
    const faultOf = (bytes: Uint8Array<ArrayBuffer>, lane: Lane = 'control'): string => {
      const decoded = decodeFrame(bytes, lane);
      return decoded.ok ? 'none' : decoded.detail;
    };
    const hello = (change: (frame: Uint8Array) => void): Uint8Array<ArrayBuffer> => {
      const frame = encodeLinkFrame('hello', Uint8Array.of(1));
      change(frame);
      return frame;
    };
    expect(faultOf(new Uint8Array(0))).toContain('empty');
    expect(faultOf(hello(() => undefined).subarray(0, 10))).toContain('header');
    expect(faultOf(hello((frame) => (frame[1] = FRAME_KINDS.length)))).toContain('unknown frame kind');
    expect(faultOf(hello((frame) => (frame[2] = 1)))).toContain('lane 1');
    expect(faultOf(hello((frame) => (frame[3] = 1)))).toContain('reserved');
    expect(faultOf(hello((frame) => (frame[4] = 1)))).toContain('in pieces');
    expect(faultOf(dataFrame('control', 0, 4, 3, Uint8Array.of(1, 2)))).toContain('outside a message');
    expect(faultOf(dataFrame('control', 0, 4, 0, new Uint8Array(0)))).toContain('without a payload');
    const big = new Uint8Array(MAX_FRAME_BYTES.control);
    expect(faultOf(dataFrame('control', 0, big.length, 0, big))).toContain('at most');
  });
});

describe('reassembly', () => {
  it('refuses a 1 GiB length field before it allocates anything', () => {
    const frame = dataFrame('bulk', 0, 1024 * MIB, 0, new Uint8Array(100));
    const { results, peakBytes } = feed('bulk', [frame]);
    expect(lastOf(results)).toMatchObject({
      kind: 'fault',
      detail: expect.stringContaining('at most') as unknown,
    });
    expect(peakBytes).toBe(0);
  });

  it('allocates little for a length that is allowed but not sent', () => {
    const frame = dataFrame('bulk', 0, 256 * MIB, 0, new Uint8Array(100));
    expect(feed('bulk', [frame]).peakBytes).toBeLessThanOrEqual(MIB);
  });

  it('keeps to a tighter bound where one is set', () => {
    const frames = cut('bulk', 0, new Uint8Array(1001), 500);
    expect(lastOf(feed('bulk', frames, 1000).results)).toMatchObject({ kind: 'fault' });
    expect(lastOf(feed('bulk', frames, 1001).results)).toMatchObject({ kind: 'message' });
  });

  it('puts a message of many pieces together intact, growing as it arrives', () => {
    const message = Uint8Array.from({ length: 5 * MIB + 3 }, (_, i) => i % 251);
    const { results, peakBytes } = feed('bulk', cut('bulk', 0, message, 65_520));
    expect(Buffer.compare(messagesOf(results)[0] ?? new Uint8Array(0), message)).toBe(0);
    expect(peakBytes).toBe(message.length);
  });

  it('refuses a repeated, missing, misplaced or changed fragment', () => {
    const piece = new Uint8Array(10);
    const first = dataFrame('bulk', 0, 30, 0, piece);
    const detailOf = (...frames: Uint8Array<ArrayBuffer>[]): string => {
      const last = lastOf(feed('bulk', frames).results);
      return last?.kind === 'fault' ? last.detail : 'none';
    };
    expect(detailOf(first, first)).toContain('expected offset 10');
    expect(detailOf(first, dataFrame('bulk', 0, 30, 20, piece))).toContain('expected offset 10');
    expect(detailOf(first, dataFrame('bulk', 0, 31, 10, piece))).toContain('became one of 31');
    expect(detailOf(first, dataFrame('bulk', 1, 30, 0, piece))).toContain('expected message 0');
    expect(detailOf(dataFrame('bulk', 0, 30, 10, piece))).toContain('expected offset 0');
  });

  it('never throws and never holds more than twice what came, for random bytes', () => {
    fc.assert(
      fc.property(lanes, fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (lane, frames) => {
        const { peakBytes, receivedBytes } = feed(
          lane,
          frames.map((bytes) => Uint8Array.from(bytes)),
        );
        expect(peakBytes).toBeLessThanOrEqual(2 * receivedBytes + MIB);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws, never holds too much and never invents a longer message, for mutated and truncated frames', () => {
    const mutation = fc.record({
      frame: fc.nat(),
      at: fc.nat(FRAME_HEADER_BYTES + 40),
      byte: fc.nat(255),
      keep: fc.option(fc.nat(FRAME_HEADER_BYTES + 40)),
    });
    fc.assert(
      fc.property(
        lanes,
        fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: 6 }),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        (lane, messages, mutations) => {
          const frames = messages.flatMap((message, id) => cut(lane, id, message, 64));
          for (const { frame, at, byte, keep } of mutations) {
            const index = frame % frames.length;
            const bytes = frames[index]?.slice() ?? new Uint8Array(0);
            bytes[at % Math.max(1, bytes.length)] = byte;
            frames[index] = keep === null ? bytes : bytes.slice(0, keep);
          }
          const { results, peakBytes, receivedBytes } = feed(lane, frames);
          expect(peakBytes).toBeLessThanOrEqual(2 * receivedBytes + MIB);
          for (const message of messagesOf(results)) {
            expect(message.length).toBeLessThanOrEqual(receivedBytes);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
