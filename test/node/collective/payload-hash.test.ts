// The hash that stands for lanes: it goes through sums, cuts and shifts as the lanes do.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { condense, payloadHash, standIn } from '../../../src/collective/payload-hash.ts';

const lanes = fc.int32Array({ minLength: 1, maxLength: 200 });
const int32Pair = lanes.chain((a) =>
  fc.tuple(fc.constant(a), fc.int32Array({ minLength: a.length, maxLength: a.length })),
);

test('the hash of a sum is the sum of the hashes', () => {
  fc.assert(
    fc.property(int32Pair, ([a, b]) => {
      const sum = a.map((x, i) => (x + (b[i] ?? 0)) | 0);
      expect(payloadHash(sum)).toBe((payloadHash(a) + payloadHash(b)) | 0);
    }),
  );
});

test('the hash is a polynomial of the lanes, wherever they begin and end', () => {
  const cut = lanes.chain((all) => fc.tuple(fc.constant(all), fc.nat(all.length), fc.nat(all.length)));
  fc.assert(
    fc.property(cut, ([all, one, other]) => {
      const [start, end] = [Math.min(one, other), Math.max(one, other)];
      const value = [...all.subarray(start, end)].reduceRight(
        (hash, lane) => (Math.imul(hash, 1664525) + lane) | 0,
        0,
      );
      expect(payloadHash(all, start, end)).toBe(value);
    }),
  );
});

test('what stands for lanes has their hash, their length and the lanes that are kept, wherever it is cut', () => {
  fc.assert(
    fc.property(lanes, fc.array(fc.nat(220), { maxLength: 4 }), fc.nat(220), (all, places, verbatim) => {
      const cuts = [...new Set(places)].sort((a, b) => a - b);
      const stand = standIn(condense(all, cuts, verbatim));
      expect(stand).toHaveLength(all.length);
      expect(payloadHash(stand)).toBe(payloadHash(all));
      expect(stand.slice(verbatim)).toEqual(Int32Array.from(all.slice(verbatim)));
      const bounds = [0, ...cuts.filter((cut) => cut > 0 && cut < all.length), all.length];
      bounds.slice(1).forEach((end, i) => {
        expect(payloadHash(stand, bounds[i], end)).toBe(payloadHash(all, bounds[i], end));
      });
    }),
  );
});
