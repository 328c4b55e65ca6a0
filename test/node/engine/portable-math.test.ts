import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exp, log } from '../../../src/engine/cpu/portable-math.ts';

/** One unit in the last place of an f32 of this size. */
const f32Unit = (x: number): number => Math.max(2 ** -149, 2 ** (Math.floor(Math.log2(Math.abs(x))) - 23));

test('exp, rounded to f32, is within one unit in the last place of the true value', () => {
  fc.assert(
    fc.property(fc.double({ min: -103, max: 88.7, noNaN: true }), (x) => {
      const truth = Math.exp(x);
      expect(Math.abs(Math.fround(exp(x)) - truth)).toBeLessThanOrEqual(f32Unit(truth));
      expect(Math.abs(exp(x) - truth)).toBeLessThanOrEqual(1e-14 * truth);
    }),
    { numRuns: 3000 },
  );
});

test('log, rounded to f32, is within one unit in the last place of the true value', () => {
  fc.assert(
    fc.property(fc.double({ min: 2 ** -149, max: 3.4e38, noNaN: true }), (x) => {
      const truth = Math.log(x);
      expect(Math.abs(Math.fround(log(x)) - truth)).toBeLessThanOrEqual(f32Unit(truth));
      expect(Math.abs(log(x) - truth)).toBeLessThanOrEqual(1e-14 * Math.max(Math.abs(truth), 1e-2));
    }),
    { numRuns: 3000 },
  );
});

test('exp and log know their limits', () => {
  expect([exp(0), exp(-Infinity), exp(-800), exp(Infinity), exp(800), exp(NaN)]).toEqual([
    1,
    0,
    0,
    Infinity,
    Infinity,
    NaN,
  ]);
  expect([log(1), log(0), log(-1), log(Infinity), log(NaN)]).toEqual([0, -Infinity, NaN, Infinity, NaN]);
  expect(exp(-744)).toBeCloseTo(Math.exp(-744), 320);
  expect(log(2 ** -500)).toBeCloseTo(-500 * Math.LN2, 10);
});
