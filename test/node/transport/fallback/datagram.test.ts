/** What pages say to each other on a medium survives the wire, and untrusted bytes never throw. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeDatagram,
  encodeDatagram,
  MAX_DATAGRAM_BYTES,
  type Datagram,
} from '../../../../src/transport/fallback/datagram.ts';

const stream = fc.integer({ min: 0, max: 0xffffffff });
const lane = fc.constantFrom('control' as const, 'bulk' as const);
const datagram: fc.Arbitrary<Datagram> = fc.oneof(
  fc.record({ kind: fc.constantFrom('call' as const, 'answer' as const, 'hangup' as const), stream }),
  fc.record({
    kind: fc.constant('data' as const),
    stream,
    lane,
    frame: fc.uint8Array({ maxLength: 64 }).map((bytes) => new Uint8Array(bytes)),
  }),
  fc.record({ kind: fc.constant('credit' as const), stream, lane, bytes: stream }),
);

describe('datagrams', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(datagram, (given) => {
        expect(decodeDatagram(encodeDatagram(given))).toEqual(given);
      }),
    );
  });

  it('of random bytes are read or refused, and never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const read = decodeDatagram(new Uint8Array(bytes));
        if (read !== undefined) expect(encodeDatagram(read).length).toBe(bytes.length);
      }),
    );
  });

  it('longer than a frame are refused', () => {
    const bytes = new Uint8Array(MAX_DATAGRAM_BYTES + 1);
    bytes[0] = 2;
    expect(decodeDatagram(bytes)).toBeUndefined();
    expect(decodeDatagram(bytes.subarray(1).fill(2, 0, 1))?.kind).toBe('data');
  });
});
