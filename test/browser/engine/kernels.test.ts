// The kernels that belong to no layer, against the CPU engine: loss, fixed point, updates, digest.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DIGEST_STREAMS, digestWords } from '../../../src/collective/digest.ts';
import { fractionBits, MAX_EXPONENT, powerOfTwo } from '../../../src/collective/fixed-point.ts';
import { emptyLanes, laneLayout, type LaneLayout } from '../../../src/collective/lanes.ts';
import { roundingKey } from '../../../src/collective/stochastic-rounding.ts';
import { accumulateGradient, accumulateLosses } from '../../../src/engine/cpu/fixed-point.ts';
import { softmaxCrossEntropy } from '../../../src/engine/cpu/softmax-cross-entropy.ts';
import { globalNorm } from '../../../src/engine/cpu/clip.ts';
import { applyUpdate, clipFactor, nextPowers, updateConstants } from '../../../src/engine/cpu/update.ts';
import { foldedGrid, invocationGrid } from '../../../src/engine/layers/grid.ts';
import { lossLimit, lossScale } from '../../../src/engine/loss-lane.ts';
import { blockTable, scaleTable } from '../../../src/engine/webgpu/tables.ts';
import { updateKernel, updateUniform } from '../../../src/engine/webgpu/update.ts';
import { optimizerMemory, type Optimizer } from '../../../src/job/optimizer-schema.ts';
import { randomStream, uniformFraction, uniformInteger } from '../../../src/job/random.ts';
import type { ParameterTensor, TrainingState } from '../../../src/ports/engine.ts';
import { distance } from '../../support/engine.ts';
import { createBench, floats, type Bench } from './gpu.ts';

const MICRO_BATCHES = 4;
const BITS = fractionBits(MICRO_BATCHES);
const SEED = 1;

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.destroy());

const next = randomStream(SEED, 0, 0);
/** f32[length], uniform in [−1, 1). */
const random = (length: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, () => 2 * uniformFraction(next) - 1);

const TENSORS: readonly ParameterTensor[] = [
  { name: 'a', shape: [1300], offset: 0, length: 1300 },
  { name: 'b', shape: [7], offset: 1300, length: 7 },
  { name: 'c', shape: [301], offset: 1307, length: 301 },
];
const LENGTH = 1608;
const LAYOUT = laneLayout(LENGTH, TENSORS.length, MICRO_BATCHES);
const SIDE = LAYOUT.agreement - LAYOUT.loss;

describe('softmax cross-entropy', () => {
  const PREDICTIONS = 64;

  const run = async (
    logits: Float32Array<ArrayBuffer>,
    labels: Int32Array<ArrayBuffer>,
    classes: number,
    wide: boolean,
  ) => {
    const rows = labels.length;
    const uniform = [
      rows,
      classes,
      { f32: 1 / PREDICTIONS },
      { f32: lossScale(PREDICTIONS) },
      { f32: lossLimit(MICRO_BATCHES) },
      TENSORS.length,
    ];
    const shader = 'softmax_cross_entropy.wgsl';
    const [, , gradient, losses, side] = await bench.run({
      shader,
      entryPoint: wide ? 'wide' : 'narrow',
      reads: 2,
      uniform,
      arrays: [
        logits,
        labels,
        new Float32Array(rows * classes),
        new Float32Array(rows),
        new Int32Array(SIDE),
      ],
      workgroups: wide ? foldedGrid(rows) : invocationGrid(rows),
    });
    const [, , lanes] = await bench.run({
      shader,
      entryPoint: 'slice_losses',
      constants: { MICRO_BATCHES },
      reads: 2,
      uniform,
      arrays: [floats(losses), Uint32Array.of(2), side ?? new Int32Array(SIDE)],
      workgroups: [1, 1, 1],
    });
    return { gradient: floats(gradient), losses: floats(losses), side: lanes ?? new Int32Array(SIDE) };
  };

  test('agrees with the CPU in loss, gradient and number of right guesses', async () => {
    for (const [rows, classes, wide] of [
      [1, 2, false],
      [70, 10, false],
      [5, 33, true],
      [70, 10, true],
      [3, 1000, true],
    ] as const) {
      const logits = random(rows * classes).map((x) => 20 * x);
      const labels = Int32Array.from({ length: rows }, () => uniformInteger(next, classes));
      const { gradient, losses, side } = await run(logits, labels, classes, wide);
      const [theirGradient, theirLosses] = [new Float32Array(rows * classes), new Float32Array(rows)];
      const correct = softmaxCrossEntropy(
        rows,
        classes,
        logits,
        labels,
        PREDICTIONS,
        theirLosses,
        theirGradient,
      );
      expect(distance(gradient, theirGradient).error).toBeLessThan(1e-7);
      expect(distance(losses, theirLosses).error).toBeLessThan(2e-5);
      expect(side[1]).toBe(correct);
      const theirs = emptyLanes(LAYOUT);
      accumulateLosses(LAYOUT, PREDICTIONS, 2, theirLosses, rows, theirs);
      expect(Math.abs((side[0] ?? NaN) - (theirs[LAYOUT.loss] ?? NaN))).toBeLessThan(20);
    }
  });

  test('takes the first of equal logits for the guess, however many there are', async () => {
    for (const wide of [false, true]) {
      const logits = new Float32Array(100).fill(3);
      const { side } = await run(logits, Int32Array.of(0), 100, wide);
      expect(side[1], `wide: ${wide}`).toBe(1);
    }
  });

  test('leaves out rows without a label, and names the micro-batch of a loss that is not finite', async () => {
    for (const wide of [false, true]) {
      const logits = Float32Array.of(1, 2, 3, 4, NaN, 0, 1e38, -1e38);
      const { gradient, losses, side } = await run(logits, Int32Array.of(1, -1, 1, 1), 2, wide);
      expect([...gradient.subarray(2, 4), losses[1]]).toEqual([0, 0, 0]);
      const theirs = emptyLanes(LAYOUT);
      accumulateLosses(LAYOUT, PREDICTIONS, 2, Float32Array.of(NaN), 1, theirs);
      expect(side[4]).toBe(1);
      expect(side[LAYOUT.firstNonFinite - LAYOUT.loss]).toBe(theirs[LAYOUT.firstNonFinite]);
    }
  });
});

describe('fixed-point accumulate', () => {
  const accumulate = async (
    slices: readonly Float32Array[],
    exponents: Int32Array,
    layout: LaneLayout = LAYOUT,
  ) => {
    const gradients = new Float32Array(slices.length * LENGTH);
    slices.forEach((slice, i) => gradients.set(slice, i * LENGTH));
    const blocks = blockTable(TENSORS);
    const microBatches = Uint32Array.from({ length: slices.length }, (_, i) => (3 * i + 1) % MICRO_BATCHES);
    const keys = slices.map((_, i) => roundingKey(SEED, 3, microBatches[i] ?? 0, i % 2));
    const [, , , , , lanes, side] = await bench.run({
      shader: 'fixed_point.wgsl',
      entryPoint: 'accumulate',
      constants: {
        MICRO_BATCHES,
        UNSCALABLE: MAX_EXPONENT + 127,
        LARGEST: layout.wire.format === 'narrow' ? 2 ** layout.fraction - 1 : 0,
      },
      reads: 5,
      uniform: [slices.length, LENGTH, TENSORS.length, 0, blocks.length / 4],
      arrays: [
        blocks,
        scaleTable(exponents, layout.fraction),
        microBatches,
        gradients,
        Uint32Array.from(keys.flat()),
        new Int32Array(LENGTH),
        new Int32Array(SIDE),
      ],
      workgroups: foldedGrid(blocks.length / 4),
    });
    const expected = emptyLanes(LAYOUT);
    slices.forEach((slice, i) => {
      accumulateGradient(layout, TENSORS, exponents, microBatches[i] ?? 0, slice, expected, keys[i]);
    });
    expect(lanes).toEqual(expected.slice(0, LENGTH));
    expect(side).toEqual(expected.slice(LAYOUT.loss, LAYOUT.agreement));
    return side ?? new Int32Array(SIDE);
  };

  test('gives the same bits as the CPU, whatever the values and scales', async () => {
    for (const exponents of [
      [0, 0, 0],
      [-64, 3, 64],
      [-5, -20, 1],
    ]) {
      await accumulate(
        Array.from({ length: 5 }, () =>
          random(LENGTH).map((x) => x * powerOfTwo(uniformInteger(next, 40) - 30)),
        ),
        Int32Array.from(exponents),
      );
    }
  });

  test('rounds stochastically to the same bits as the CPU in the narrow format, denormals and the largest values included', async () => {
    for (const bits of [4, 8, 11, 16]) {
      const layout = laneLayout(LENGTH, TENSORS.length, MICRO_BATCHES, { format: 'narrow', bits });
      const slices = Array.from({ length: 5 }, () =>
        random(LENGTH).map((x) => x * powerOfTwo(uniformInteger(next, 30) - 28)),
      );
      slices[0]?.set([1 - 2 ** -24, -(1 - 2 ** -24), 2 ** -149, -(2 ** -127), 0.5, -0.5]);
      await accumulate(slices, Int32Array.of(0, -2, 1), layout);
    }
  });

  test('flags overflow, NaN, infinities and what no scale fits on the bits, and takes denormals for zero', async () => {
    const strange = new Float32Array(LENGTH);
    strange.set([NaN, Infinity, -Infinity, 2 ** 64, 1, -1, 0.5, 2 ** -149, -(2 ** -127), -0]);
    strange.set([3e38, 1.5, -0.25], 1300);
    const side = await accumulate([strange, strange], Int32Array.of(0, 0, 0));
    expect([...side].slice(3, 5)).toEqual([2 * 3, 2 * 5]);
  });

  test('names the first micro-batch and the first tensor of it that are not finite', async () => {
    const clean = new Float32Array(LENGTH);
    const [one, other] = [clean.slice(), clean.slice()];
    one[LENGTH - 1] = NaN;
    other.fill(Infinity, 1300);
    await accumulate([clean, one, other], Int32Array.of(0, 0, 0));
  });

  test('rounds halves to even', async () => {
    const unit = 2 ** -BITS;
    const halves = new Float32Array(LENGTH).map((_, i) => (i % 2 === 0 ? 1 : -1) * (i + 0.5) * unit);
    await accumulate([halves], Int32Array.of(0, 0, 0));
  });
});

describe('an update', () => {
  const optimizers: readonly Optimizer[] = [
    {
      kind: 'adamw',
      learningRate: 0.01,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.1,
    },
    { kind: 'sgd', learningRate: 0.01, momentum: 0.9, weightDecay: 0.1 },
  ];

  test.each(optimizers)(
    'by $kind agrees with the CPU over several steps, clipped and scheduled',
    async (optimizer) => {
      const exponents = Int32Array.of(0, -3, 2);
      const blocks = blockTable(TENSORS);
      const { moments, powers } = optimizerMemory(optimizer);
      const schedule = { kind: 'cosine', warmup: 2, end: 10, floor: 0.1 } as const;
      const job = { optimizer, schedule, clipNorm: 5 };
      let theirs: TrainingState = {
        step: 0,
        parameters: random(LENGTH),
        firstMoments: new Float32Array(LENGTH),
        secondMoments: new Float32Array(moments === 2 ? LENGTH : 0),
        exponents,
        powers: new Float32Array(powers).fill(1),
        quarantine: new Int32Array(0),
      };
      let mine = [theirs.parameters.slice(), theirs.firstMoments.slice(), theirs.secondMoments.slice()];
      for (let step = 0; step < 4; step++) {
        const reduced = emptyLanes(LAYOUT);
        for (let i = 0; i < LENGTH; i++) reduced[i] = Math.round((2 * uniformFraction(next) - 1) * 2 ** 27);
        const constants = updateConstants(job, step, nextPowers(optimizer, theirs.powers));
        const clip = clipFactor(job.clipNorm, () => globalNorm(LAYOUT, TENSORS, reduced, exponents));
        const kernel = updateKernel(optimizer, moments);
        const after = await bench.run({
          ...kernel,
          uniform: updateUniform(constants, clip).map((f32) => ({ f32 })),
          arrays: [
            blocks,
            scaleTable(exponents, BITS),
            reduced.slice(0, LENGTH),
            ...mine.slice(0, 1 + moments),
          ],
          workgroups: foldedGrid(blocks.length / 4),
        });
        mine = after.slice(3).map(floats);
        theirs = { ...theirs, ...applyUpdate(job, LAYOUT, TENSORS, theirs, reduced, exponents), exponents };
        const [p = [], m = [], v = []] = mine;
        expect(distance(p, theirs.parameters).error).toBeLessThan(1e-5);
        expect(distance(m, theirs.firstMoments).error).toBeLessThan(1e-6);
        expect(distance(v, theirs.secondMoments).error).toBeLessThan(1e-6);
      }
    },
  );
});

test('the digest of any words equals the CPU digest bit for bit', async () => {
  for (const length of [1, 63, 64, 1000, 12_345]) {
    const words = Int32Array.from({ length }, () => next() | 0);
    for (const stream of DIGEST_STREAMS.keys()) {
      const [, sums] = await bench.run({
        shader: 'digest.wgsl',
        entryPoint: 'digest',
        reads: 1,
        uniform: [length, stream],
        arrays: [words, new Int32Array(4)],
        workgroups: [3, 1, 1],
      });
      const expected = new Int32Array(4);
      digestWords(expected, words, stream);
      expect(sums).toEqual(expected);
    }
  }
});
