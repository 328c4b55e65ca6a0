// Optimizers, clipping and schedules against their definitions in f64, and their exactness.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fractionBits, powerOfTwo } from '../../../src/collective/fixed-point.ts';
import { emptyLanes, laneLayout } from '../../../src/collective/lanes.ts';
import { clipCoefficient, globalNorm, sumOfSquares } from '../../../src/engine/cpu/clip.ts';
import { rateFactor } from '../../../src/engine/cpu/schedule.ts';
import { applyUpdate } from '../../../src/engine/cpu/update.ts';
import { optimizerMemory, type Optimizer } from '../../../src/job/optimizer-schema.ts';
import { randomStream, uniformFraction } from '../../../src/job/random.ts';
import type { ParameterTensor, TrainingState } from '../../../src/ports/engine.ts';

const MICRO_BATCHES = 4;
const tensors: readonly ParameterTensor[] = [
  { name: 'a', shape: [3], offset: 0, length: 3 },
  { name: 'b', shape: [2], offset: 3, length: 2 },
];
const COUNT = 5;
const layout = laneLayout(COUNT, tensors.length, MICRO_BATCHES);
const exponents = Int32Array.of(1, -2);
const scaleOf = (i: number): number =>
  powerOfTwo((exponents[i < 3 ? 0 : 1] ?? 0) - fractionBits(MICRO_BATCHES));

function startOf(optimizer: Optimizer, parameters: readonly number[]): TrainingState {
  const { moments, powers } = optimizerMemory(optimizer);
  return {
    step: 0,
    parameters: Float32Array.from(parameters),
    firstMoments: new Float32Array(COUNT),
    secondMoments: new Float32Array(moments === 2 ? COUNT : 0),
    exponents,
    powers: new Float32Array(powers).fill(1),
    quarantine: new Int32Array(0),
  };
}

/** Runs 20 updates with made-up sums; `follow` does the same in f64, given the gradient and the step from 1. */
function hold(
  job: Parameters<typeof applyUpdate>[0],
  follow: (parameters: Float64Array, gradient: Float64Array, step: number) => void,
): void {
  const next = randomStream(3, 0, 0);
  const start = Array.from({ length: COUNT }, () => Math.fround(uniformFraction(next) - 0.5));
  let state = startOf(job.optimizer, start);
  const truth = Float64Array.from(start);
  for (let step = 1; step <= 20; step++) {
    const reduced = emptyLanes(layout);
    for (let i = 0; i < COUNT; i++) reduced[i] = Math.round((uniformFraction(next) - 0.5) * 2 ** 28);
    state = applyUpdate(job, layout, tensors, state, reduced, exponents);
    follow(
      truth,
      Float64Array.from({ length: COUNT }, (_, i) => (reduced[i] ?? NaN) * scaleOf(i)),
      step,
    );
    truth.forEach((value, i) => {
      expect(Math.abs((state.parameters[i] ?? NaN) - value)).toBeLessThan(2e-6);
    });
  }
  expect(state.step).toBe(20);
}

describe('an update', () => {
  test('by AdamW is that of its definition', () => {
    const optimizer: Optimizer = {
      kind: 'adamw',
      learningRate: 0.02,
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-6,
      weightDecay: 0.1,
    };
    const [m, v] = [new Float64Array(COUNT), new Float64Array(COUNT)];
    hold({ optimizer, schedule: { kind: 'constant' }, clipNorm: null }, (p, g, step) => {
      g.forEach((x, i) => {
        m[i] = 0.9 * (m[i] ?? NaN) + 0.1 * x;
        v[i] = 0.99 * (v[i] ?? NaN) + 0.01 * x * x;
        const corrected = Math.sqrt((v[i] ?? NaN) / (1 - 0.99 ** step)) + 1e-6;
        p[i] = (p[i] ?? NaN) * (1 - 0.02 * 0.1) - (0.02 * (m[i] ?? NaN)) / (1 - 0.9 ** step) / corrected;
      });
    });
  });

  test('by SGD carries momentum on, follows a schedule, and is clipped', () => {
    const optimizer: Optimizer = { kind: 'sgd', learningRate: 0.05, momentum: 0.8, weightDecay: 0.01 };
    const schedule = { kind: 'cosine', warmup: 4, end: 15, floor: 0.1 } as const;
    const carried = new Float64Array(COUNT);
    hold({ optimizer, schedule, clipNorm: 0.25 }, (p, g, step) => {
      const norm = Math.sqrt(g.reduce((sum, x) => sum + x * x, 0));
      const clip = Math.min(1, 0.25 / (norm + 1e-6));
      const s = step - 1;
      const cosine = 0.1 + 0.45 * (1 + Math.cos((Math.PI * (s - 4)) / 11));
      const rate = 0.05 * (s < 4 ? (s + 1) / 4 : s >= 15 ? 0.1 : cosine);
      g.forEach((x, i) => {
        carried[i] = 0.8 * (carried[i] ?? NaN) + x * clip + 0.01 * (p[i] ?? NaN);
        p[i] = (p[i] ?? NaN) - rate * (carried[i] ?? NaN);
      });
    });
  });
});

describe('the global norm', () => {
  const lane = fc.oneof(
    fc.integer({ min: -0x80000000, max: 0x7fffffff }),
    fc.constantFrom(0, 1, -1, 0x7fffffff, -0x80000000, 0xffff, 0x10000, -0x10000),
  );

  test('rests on sums of squares that are exact, whatever the integers and their order', () => {
    fc.assert(
      fc.property(fc.array(lane, { maxLength: 40 }), fc.nat(40), (values, cut) => {
        const exact = values.reduce((sum, q) => sum + BigInt(q) * BigInt(q), 0n);
        const lanes = Int32Array.from(values);
        const at = Math.min(cut, lanes.length);
        expect(sumOfSquares(lanes, 0, lanes.length)).toBe(exact);
        expect(sumOfSquares(lanes, 0, at) + sumOfSquares(lanes, at, lanes.length)).toBe(exact);
        expect(sumOfSquares(lanes.reverse(), 0, lanes.length)).toBe(exact);
      }),
    );
  });

  test('of more elements than one run holds is exact too', () => {
    const lanes = new Int32Array(2_200_000).fill(-0x80000000);
    expect(sumOfSquares(lanes, 0, lanes.length)).toBe(2_200_000n << 62n);
  });

  test('is that of the gradient, at the extremes as well', () => {
    const normOf = (values: readonly number[]): number => {
      const lanes = emptyLanes(layout);
      lanes.set(values);
      return globalNorm(layout, tensors, lanes, exponents);
    };
    expect(normOf([0, 0, 0, 0, 0])).toBe(0);
    expect(normOf([3, 0, -4, 0, 0])).toBe(5 * scaleOf(0));
    expect(normOf([0, 0, 0, 0x7fffffff, 0])).toBe(0x7fffffff * scaleOf(3));
    expect(clipCoefficient(1, 0)).toBe(1);
    expect(clipCoefficient(1, 0.5)).toBe(1);
    expect(clipCoefficient(1, 4)).toBeCloseTo(0.25, 6);
  });
});

test('a cosine schedule warms up in even steps, falls to its floor, and stays there', () => {
  const schedule = { kind: 'cosine', warmup: 10, end: 110, floor: 0.2 } as const;
  const factors = Array.from({ length: 120 }, (_, step) => rateFactor(schedule, step));
  expect(factors.slice(0, 11)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1]);
  for (let step = 11; step < 110; step++) expect(factors[step]).toBeLessThan(factors[step - 1] ?? NaN);
  expect(factors[60]).toBeCloseTo(0.6, 12);
  expect(factors.slice(110)).toEqual(new Array(10).fill(0.2));
  expect(rateFactor({ kind: 'constant' }, 7)).toBe(1);
});
