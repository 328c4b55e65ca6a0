// The checksum of a message: what it must show, and that it does not depend on where the bytes lie.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksum } from '../../../src/protocol/checksum.ts';

const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((found) => new Uint8Array(found));

describe('the checksum of a message', () => {
  it('shows every change within one word', () => {
    fc.assert(
      fc.property(bytes, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 4 }), (message, at, change) => {
        fc.pre(change.some((bits) => bits !== 0));
        const word = 4 * (at % Math.ceil(message.length / 4));
        const changed = message.map((byte, i) => byte ^ (i >= word ? (change[i - word] ?? 0) : 0));
        fc.pre(changed.some((byte, i) => byte !== message[i]));
        expect(checksum(changed, 0)).not.toBe(checksum(message, 0));
      }),
    );
  });

  it('shows words that have changed places, and zeros that were added or lost', () => {
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 40 }), (message, zeros) => {
        const longer = new Uint8Array(message.length + zeros);
        longer.set(message);
        expect(checksum(longer, 0)).not.toBe(checksum(message, 0));
      }),
    );
    const words = (...list: number[]) => new Uint8Array(Uint32Array.from(list).buffer);
    expect(checksum(words(1, 2, 3, 4, 5, 6, 7, 8), 0)).not.toBe(checksum(words(5, 2, 3, 4, 1, 6, 7, 8), 0));
    expect(checksum(words(1, 2, 3, 4), 0)).not.toBe(checksum(words(2, 1, 3, 4), 0));
    const top = 0x80000000;
    expect(checksum(words(top, 0, 0, 0, top, 0, 0, 0), 0)).not.toBe(checksum(new Uint8Array(32), 0));
  });

  it('is the same wherever the bytes lie', () => {
    fc.assert(
      fc.property(bytes, fc.nat(7), (message, before) => {
        const around = new Uint8Array(before + message.length);
        around.set(message, before);
        expect(checksum(around, before)).toBe(checksum(message, 0));
        expect(checksum(around.subarray(before), 0)).toBe(checksum(message, 0));
      }),
    );
  });
});
