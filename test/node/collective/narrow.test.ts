// The narrow wire format: stochastic rounding, and sums that fit whoever computed what.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fractionBits, SLICES_PER_MICRO_BATCH } from '../../../src/collective/fixed-point.ts';
import { drawAt, roundingKey, roundStochastically } from '../../../src/collective/stochastic-rounding.ts';
import { MAX_WIRE_BITS, MIN_WIRE_BITS, parseWire } from '../../../src/job/wire-schema.ts';

describe('the bits of the narrow format', () => {
  it('hold the largest sum of all micro-batches, and one bit less would not', () => {
    for (let bits = MIN_WIRE_BITS; bits <= MAX_WIRE_BITS; bits++) {
      for (const microBatches of [1, 2, 3, 5, 8, 33, 64]) {
        const wire = { format: 'narrow', bits } as const;
        const slice = 2 ** fractionBits(microBatches, wire) - 1;
        const sum = microBatches * SLICES_PER_MICRO_BATCH * slice;
        const room = bits + Math.ceil(Math.log2(microBatches));
        expect(sum).toBeLessThan(2 ** (room - 1));
        if (Number.isInteger(Math.log2(microBatches)) && bits > MIN_WIRE_BITS)
          expect(sum).toBeGreaterThanOrEqual(2 ** (room - 2));
      }
    }
  });

  it('are named as "i32" or "narrow:BITS"', () => {
    expect(parseWire('i32')).toEqual({ format: 'i32' });
    expect(parseWire('narrow:8')).toEqual({ format: 'narrow', bits: 8 });
    for (const text of ['', 'narrow', 'narrow:3', 'narrow:17', 'narrow:8.5', 'i64'])
      expect(parseWire(text)).toBeUndefined();
  });
});

describe('stochastic rounding', () => {
  it('is a function of seed, step, micro-batch, slice and element alone, and each of them matters', () => {
    const place: readonly number[] = [1, 2, 3, 1, 4];
    const draw = ([seed, step, microBatch, slice, element]: readonly number[]): number =>
      drawAt(roundingKey(seed ?? 0, step ?? 0, microBatch ?? 0, slice ?? 0), element ?? 0);
    expect(draw(place)).toBe(draw(place));
    for (const i of [0, 1, 2, 4]) {
      const other = [...place];
      other[i] = (other[i] ?? 0) + 1;
      expect(draw(other)).not.toBe(draw(place));
    }
    expect(draw([1, 2, 3, 0, 4])).not.toBe(draw(place));
  });

  it('goes to one of the two neighbours, never past the largest, and leaves whole numbers alone', () => {
    fc.assert(
      fc.property(
        fc.float({ min: -64, max: 64, noNaN: true }),
        fc.nat(1000),
        fc.nat(1e6),
        (x, step, element) => {
          const rounded = roundStochastically(x, roundingKey(1, step, 0, 0), element, 63);
          const magnitude = Math.abs(rounded);
          expect(magnitude).toBeGreaterThanOrEqual(Math.min(63, Math.floor(Math.abs(x))));
          expect(magnitude).toBeLessThanOrEqual(Math.min(63, Math.ceil(Math.abs(x))));
          expect(rounded * x).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });

  it('expects to come out at the number itself: no bias in the mean over elements, and none shared by slices', () => {
    const count = 40_000;
    for (const x of [0.1, -0.1, 0.5, 2.75, -7.03]) {
      const [one, other] = [roundingKey(7, 3, 0, 0), roundingKey(7, 3, 0, 1)];
      let sum = 0;
      let together = 0;
      for (let i = 0; i < count; i++) {
        const [a, b] = [roundStochastically(x, one, i, 100), roundStochastically(x, other, i, 100)];
        sum += a;
        together += (a - x) * (b - x);
      }
      // Four standard deviations of a mean of `count` draws, of which each has at most one half.
      expect(Math.abs(sum / count - x)).toBeLessThan(2 / Math.sqrt(count));
      expect(Math.abs(together / count)).toBeLessThan(1 / Math.sqrt(count));
    }
  });
});
