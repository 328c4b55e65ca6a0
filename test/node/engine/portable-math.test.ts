import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cos, erf, exp, log, tanh } from '../../../src/engine/cpu/portable-math.ts';

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

test('tanh is within 1e-14 of the true value, relative, and odd', () => {
  fc.assert(
    fc.property(fc.double({ min: -25, max: 25, noNaN: true }), (x) => {
      const truth = Math.tanh(x);
      expect(Math.abs(tanh(x) - truth)).toBeLessThanOrEqual(1e-14 * Math.abs(truth));
      expect(tanh(-x)).toBe(-tanh(x) + 0);
    }),
    { numRuns: 3000 },
  );
  expect([tanh(0), tanh(Infinity), tanh(-Infinity), tanh(NaN)]).toEqual([0, 1, -1, NaN]);
});

test('cos is within 1e-14 of the true value', () => {
  fc.assert(
    fc.property(fc.double({ min: -(2 ** 20), max: 2 ** 20, noNaN: true }), (x) => {
      expect(Math.abs(cos(x) - Math.cos(x))).toBeLessThanOrEqual(1e-14);
    }),
    { numRuns: 3000 },
  );
  expect([cos(0), cos(NaN), cos(Infinity)]).toEqual([1, NaN, NaN]);
});

test('erf is the integral that it is defined as, odd, and 1 far out', () => {
  // Simpson's rule in so many steps errs by less than 1e-12 here.
  const integral = (x: number, steps = 2000): number => {
    const h = x / steps;
    let sum = 1 + Math.exp(-x * x);
    for (let i = 1; i < steps; i++) sum += (i % 2 === 1 ? 4 : 2) * Math.exp(-((i * h) ** 2));
    return ((2 / Math.sqrt(Math.PI)) * sum * h) / 3;
  };
  fc.assert(
    fc.property(fc.double({ min: -6.5, max: 6.5, noNaN: true }), (x) => {
      expect(Math.abs(erf(x) - integral(x))).toBeLessThanOrEqual(1e-10);
      expect(erf(-x)).toBe(-erf(x) + 0);
    }),
    { numRuns: 300 },
  );
  // DLMF, table 7.22.
  expect(erf(0.5)).toBeCloseTo(0.5204998778130465, 14);
  expect(erf(1)).toBeCloseTo(0.8427007929497149, 14);
  expect(erf(2)).toBeCloseTo(0.9953222650189527, 14);
  expect([erf(0), erf(Infinity), erf(-Infinity), erf(NaN)]).toEqual([0, 1, -1, NaN]);
});
