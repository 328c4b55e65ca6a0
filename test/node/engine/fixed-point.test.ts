import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  exponentFor,
  FALL_STEPS,
  fractionBits,
  MAX_EXPONENT,
  MIN_EXPONENT,
  MOST_HEADROOM_BITS,
  nextExponent,
  powerOfTwo,
} from '../../../src/collective/fixed-point.ts';
import { combineLanes, emptyLanes, laneLayout } from '../../../src/collective/lanes.ts';
import { accumulateGradient, accumulateLosses, laneScales } from '../../../src/engine/cpu/fixed-point.ts';
import type { ParameterTensor } from '../../../src/ports/engine.ts';

const MICRO_BATCHES = 8;
const BITS = fractionBits(MICRO_BATCHES);
const LENGTH = 6;
const tensors: ParameterTensor[] = [{ name: 'w', shape: [LENGTH], offset: 0, length: LENGTH }];
const layout = laneLayout(LENGTH, 1, MICRO_BATCHES);

function lanesOf(gradient: readonly number[], exponent: number): Int32Array<ArrayBuffer> {
  const lanes = emptyLanes(layout);
  const padded = Float32Array.from({ length: LENGTH }, (_, i) => gradient[i] ?? 0);
  accumulateGradient(layout, tensors, Int32Array.of(exponent), 0, padded, lanes);
  return lanes;
}
const side = (lanes: Int32Array) => ({
  overflows: lanes[layout.overflows],
  nonFinite: lanes[layout.nonFinite],
  largest: lanes[layout.exponents],
});
const sums = (lanes: Int32Array): number[] => [...lanes.subarray(0, LENGTH)];

describe('a gradient in fixed point', () => {
  test('of zeros is zeros, and its largest exponent is 0', () => {
    const lanes = lanesOf([0, -0], 3);
    expect(sums(lanes)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(side(lanes)).toEqual({ overflows: 0, nonFinite: 0, largest: 0 });
  });

  test('of denormals is zeros at any exponent that a state can have', () => {
    for (const exponent of [-64, 0, 64]) {
      const lanes = lanesOf([2 ** -149, -(2 ** -127)], exponent);
      expect(sums(lanes)).toEqual([0, 0, 0, 0, 0, 0]);
      expect(side(lanes)).toEqual({ overflows: 0, nonFinite: 0, largest: 0 });
    }
  });

  test('with one huge element flags it, leaves it out, and tells the exponent at which it fits', () => {
    const lanes = lanesOf([1e6, 0.25, -0.25], 0);
    expect(sums(lanes).slice(0, 3)).toEqual([0, 2 ** (BITS - 2), -(2 ** (BITS - 2))]);
    expect(side(lanes)).toMatchObject({ overflows: 1, nonFinite: 0 });
    const exponent = exponentFor(lanes[layout.exponents] ?? 0, 0);
    expect(exponent).toBe(20);
    expect(side(lanesOf([1e6, 0.25, -0.25], exponent))).toMatchObject({ overflows: 0 });
  });

  test('overflows from exactly 2^exponent on', () => {
    expect(side(lanesOf([4 - 2 ** -21, -4 + 2 ** -21], 2))).toMatchObject({ overflows: 0 });
    expect(side(lanesOf([4, -4], 2))).toMatchObject({ overflows: 2 });
  });

  test('counts NaN, infinities and what no exponent fits as non-finite, and keeps them out of sum and maximum', () => {
    const lanes = lanesOf([NaN, Infinity, -Infinity, 2 ** 64, -1e30, 0.5], 0);
    expect(sums(lanes)).toEqual([0, 0, 0, 0, 0, 2 ** (BITS - 1)]);
    expect(side(lanes)).toEqual({ overflows: 0, nonFinite: 5, largest: 126 });
  });

  test('rounds halves to even', () => {
    const ulp = 2 ** -BITS;
    expect(sums(lanesOf([0.5 * ulp, 1.5 * ulp, 2.5 * ulp, -0.5 * ulp, -1.5 * ulp, 0.75 * ulp], 0))).toEqual([
      0, 2, 2, 0, -2, 1,
    ]);
  });

  const finite = fc.float({
    noNaN: true,
    noDefaultInfinity: true,
    min: Math.fround(-0.999),
    max: Math.fround(0.999),
  });
  const slice = fc.array(finite, { minLength: LENGTH, maxLength: LENGTH });

  test('sums to the same bits in any order and any grouping', () => {
    fc.assert(
      fc.property(
        fc.array(slice, { minLength: 2, maxLength: 16 }),
        fc.integer({ min: 0, max: 16 }),
        (slices, cut) => {
          const inOrder = emptyLanes(layout);
          for (const values of slices) {
            accumulateGradient(layout, tensors, Int32Array.of(0), 0, Float32Array.from(values), inOrder);
          }
          const grouped = emptyLanes(layout);
          for (const group of [slices.slice(cut).reverse(), slices.slice(0, cut)]) {
            const part = emptyLanes(layout);
            for (const values of group) {
              accumulateGradient(layout, tensors, Int32Array.of(0), 0, Float32Array.from(values), part);
            }
            combineLanes(layout, grouped, part, 0);
          }
          expect(grouped).toEqual(inOrder);
        },
      ),
    );
  });

  test('comes back within half a unit for each slice, alternating signs and the largest values included', () => {
    fc.assert(
      fc.property(
        fc.array(slice, { minLength: 16, maxLength: 16 }),
        fc.integer({ min: -60, max: 60 }),
        (slices, exponent) => {
          const lanes = emptyLanes(layout);
          const unit = powerOfTwo(exponent);
          for (const [i, values] of slices.entries()) {
            const sign = i % 2 === 0 ? 1 : -1;
            const gradient = Float32Array.from(values, (value) => sign * value * unit);
            accumulateGradient(layout, tensors, Int32Array.of(exponent), 0, gradient, lanes);
          }
          expect(lanes[layout.overflows]).toBe(0);
          const [scale = NaN] = laneScales(layout, Int32Array.of(exponent));
          for (let i = 0; i < LENGTH; i++) {
            const truth = slices.reduce(
              (sum, values, s) =>
                sum + (s % 2 === 0 ? 1 : -1) * Math.fround(Math.fround(values[i] ?? NaN) * unit),
              0,
            );
            expect(Math.abs((lanes[i] ?? NaN) * scale - truth)).toBeLessThanOrEqual(8 * scale + 1e-12 * unit);
          }
        },
      ),
    );
  });

  test('of 64 micro-batches at the very largest values does not overflow i32', () => {
    const wide = laneLayout(1, 1, 64);
    const one: ParameterTensor[] = [{ name: 'w', shape: [1], offset: 0, length: 1 }];
    const lanes = emptyLanes(wide);
    const largest = 1 - 2 ** -24;
    for (let i = 0; i < 128; i++) {
      accumulateGradient(wide, one, Int32Array.of(0), 0, Float32Array.of(-largest), lanes);
    }
    expect(lanes[0]).toBe(-128 * largest * 2 ** fractionBits(64));
  });
});

describe('losses in fixed point', () => {
  test('sum to the mean loss, flag what is not finite, and never overflow', () => {
    const lanes = emptyLanes(layout);
    accumulateLosses(layout, 4, 3, Float32Array.of(2, 4, NaN, Infinity), 4, lanes);
    expect((lanes[layout.loss] ?? 0) / 2 ** 20).toBe(1.5);
    expect(lanes[layout.nonFinite]).toBe(2);
    const huge = emptyLanes(layout);
    for (let slice = 0; slice < 2 * MICRO_BATCHES; slice++) {
      accumulateLosses(layout, 4, slice >> 1, new Float32Array(4).fill(1e30), 4, huge);
    }
    expect(huge[layout.loss]).toBeGreaterThan(2 ** 30);
  });
});

describe('the exponent of the next step', () => {
  /** What f32 numbers from 1 up to 2 have. */
  const ONE = 127;

  test('leaves a bit above what was just agreed, at once where the gradient grew', () => {
    for (let step = 0; step < 2 * FALL_STEPS; step++) {
      const next = nextExponent(-20, ONE, step);
      expect(2 ** next).toBe(4);
    }
  });

  test('after step 0 is what was measured, since nothing was before', () => {
    expect(nextExponent(0, ONE - 30, 0)).toBe(-28);
  });

  test('falls by one bit in sixteen steps, down to what is needed', () => {
    let exponent = -11;
    for (let step = 1; step <= 4 * FALL_STEPS; step++) exponent = nextExponent(exponent, ONE - 20, step);
    expect(exponent).toBe(-15);
    for (let step = 1; step <= 100 * FALL_STEPS; step++) exponent = nextExponent(exponent, ONE - 20, step);
    expect(exponent).toBe(exponentFor(ONE - 20, 1));
  });

  test('is nine bits above what was just agreed at most, so that a batch that is far out is soon forgotten', () => {
    const after = nextExponent(-15, ONE + 20, 5);
    expect(after).toBe(22);
    expect(nextExponent(after, ONE - 20, 6)).toBe(exponentFor(ONE - 20, MOST_HEADROOM_BITS));
  });

  test('stays in its range, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 254 }), { minLength: 1, maxLength: 80 }), (largest) => {
        let exponent = 0;
        largest.forEach((biased, step) => {
          exponent = nextExponent(exponent, biased, step);
          expect(exponent).toBeGreaterThanOrEqual(MIN_EXPONENT);
          expect(exponent).toBeLessThanOrEqual(MAX_EXPONENT);
          expect(exponent).toBeGreaterThanOrEqual(exponentFor(biased, 1));
        });
      }),
    );
  });
});
