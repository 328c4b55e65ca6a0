// Every kernel against the CPU engine, at ragged sizes.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DIGEST_STREAMS, digestWords } from '../../../src/collective/digest.ts';
import { fractionBits, powerOfTwo } from '../../../src/collective/fixed-point.ts';
import { emptyLanes, laneLayout } from '../../../src/collective/lanes.ts';
import { applyUpdate, nextPowers, updateConstants } from '../../../src/engine/cpu/update.ts';
import { accumulateGradient } from '../../../src/engine/cpu/fixed-point.ts';
import { matmul } from '../../../src/engine/cpu/matmul.ts';
import { softmaxCrossEntropy } from '../../../src/engine/cpu/softmax-cross-entropy.ts';
import { lossLimit, lossScale } from '../../../src/engine/loss-lane.ts';
import { SHALLOW_ROWS } from '../../../src/engine/webgpu/kernels.ts';
import { linearGrid } from '../../../src/engine/webgpu/program.ts';
import type { Optimizer } from '../../../src/job/optimizer-schema.ts';
import type { ParameterTensor } from '../../../src/ports/engine.ts';
import { randomStream, uniformFraction, uniformInteger } from '../../../src/job/random.ts';
import { distance } from '../../support/engine.ts';
import { createBench, floats, type Bench } from './gpu.ts';

const MICRO_BATCHES = 4;
const BITS = fractionBits(MICRO_BATCHES);
const SEED = 1;

let bench: Bench;
let shallow: Bench;
beforeAll(async () => {
  bench = await createBench({ microBatches: MICRO_BATCHES, rowsPerSlice: SHALLOW_ROWS + 1 });
  shallow = await createBench({ microBatches: MICRO_BATCHES, rowsPerSlice: SHALLOW_ROWS });
});
afterAll(() => {
  bench.destroy();
  shallow.destroy();
});

const next = randomStream(SEED, 0, 0);
/** f32[length], uniform in [−1, 1). */
const random = (length: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, () => 2 * uniformFraction(next) - 1);

/** What f32 rounding may do to a sum of k terms, each below 1, relative to the largest result. */
const tolerance = (k: number): number => 1e-6 * Math.sqrt(k) + 1e-6;

describe('matmul', () => {
  const sizes = [
    [1, 1, 1],
    [3, 5, 2],
    [4, 4, 4],
    [33, 31, 17],
    [32, 64, 16],
    [10, 64, 4],
    [65, 7, 100],
    [128, 128, 128],
    [127, 97, 65],
  ] as const;
  const kernels = [
    { kernel: 'matmulNN', ta: false, tb: false, few: false },
    { kernel: 'matmulNT', ta: false, tb: true, few: false },
    { kernel: 'matmulTN', ta: true, tb: false, few: false },
    { kernel: 'matmulTN', ta: true, tb: false, few: true },
  ] as const;
  const title = '$kernel (few terms: $few) agrees with the CPU at ragged sizes, batched and at offsets';
  test.each(kernels)(title, async ({ kernel, ta, tb, few }) => {
    for (const [m, n, k] of sizes) {
      const batches = 2;
      const [a, b, c] = [
        random(3 + batches * m * k),
        random(2 + batches * k * n),
        random(1 + batches * m * n),
      ];
      const uniform = [m, n, k, 3, 2, 1, m * k, k * n, m * n];
      const grid = [Math.ceil(n / 32), Math.ceil(m / 32), batches] as const;
      const [, , result] = await (few ? shallow : bench).run(kernel, uniform, [a, b, c], grid);
      const expected = c.slice();
      for (let z = 0; z < batches; z++) {
        matmul(
          m,
          n,
          k,
          { data: a, offset: 3 + z * m * k, stride: ta ? m : k, transposed: ta },
          { data: b, offset: 2 + z * k * n, stride: tb ? k : n, transposed: tb },
          { data: expected, offset: 1 + z * m * n, stride: n },
        );
      }
      const { error, scale } = distance(floats(result), expected);
      expect(error / scale, `${m} × ${n} × ${k}`).toBeLessThan(tolerance(k));
    }
  });

  test('gives a row the same bits in a batch of any size', async () => {
    const [n, k] = [20, 50];
    const [a, b] = [random(70 * k), random(k * n)];
    const product = async (m: number) => {
      const uniform = [m, n, k, 0, 0, 0, 0, 0, 0];
      const [, , c] = await bench.run(
        'matmulNT',
        uniform,
        [a, b, new Float32Array(m * n)],
        [1, Math.ceil(m / 32), 1],
      );
      return c;
    };
    expect((await product(70))?.slice(0, 4 * n)).toEqual(await product(4));
  });
});

describe('bias and rectifier', () => {
  test.each(['biasAdd', 'biasAddRelu'] as const)('%s adds the bias to every row', async (kernel) => {
    const [rows, columns] = [9, 13];
    const parameters = random(5 + columns);
    const matrix = random(rows * columns);
    const grid = linearGrid(rows * columns);
    const [, result] = await bench.run(kernel, [rows, columns, 5, 0], [parameters, matrix], grid);
    const expected = matrix.map((x, i) => {
      const y = Math.fround(x + (parameters[5 + (i % columns)] ?? NaN));
      return kernel === 'biasAddRelu' && y <= 0 ? 0 : y;
    });
    expect(floats(result)).toEqual(expected);
  });

  test('the rectifier hides no NaN', async () => {
    const matrix = Float32Array.of(NaN, -Infinity, Infinity, -1, 2, -NaN);
    const [, result] = await bench.run('biasAddRelu', [1, 6, 0, 0], [new Float32Array(6), matrix], [1, 1, 1]);
    expect([...floats(result)]).toEqual([NaN, 0, Infinity, 0, 2, NaN]);
  });

  test('the gradient of the bias is the sum over the rows of each slice', async () => {
    const [rows, columns, slices, length] = [3, 70, 2, 90];
    const upstream = random(slices * rows * columns);
    const gradients = random(slices * length);
    const [, result] = await bench.run(
      'biasGradient',
      [rows, columns, 11, length],
      [upstream, gradients],
      [2, 1, slices],
    );
    const expected = gradients.slice();
    for (let slice = 0; slice < slices; slice++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let row = 0; row < rows; row++) sum += upstream[(slice * rows + row) * columns + j] ?? NaN;
        expected[slice * length + 11 + j] = sum;
      }
    }
    expect(distance(floats(result), expected).error).toBeLessThan(1e-6);
  });

  test('the gradient of the rectifier passes where its output is above zero', async () => {
    const output = Float32Array.from(random(200), (x) => Math.max(x, 0));
    const gradient = random(200);
    const [, result] = await bench.run('reluBackward', [200], [output, gradient], linearGrid(200));
    expect(floats(result)).toEqual(gradient.map((g, i) => ((output[i] ?? NaN) > 0 ? g : 0)));
  });
});

describe('softmax cross-entropy', () => {
  const run = async (logits: Float32Array<ArrayBuffer>, labels: Int32Array<ArrayBuffer>, classes: number) => {
    const rows = labels.length;
    const batch = 64;
    const [, , gradient, losses, side] = await bench.run(
      'softmaxCrossEntropy',
      [rows, classes, { f32: 1 / batch }, { f32: lossScale(batch) }, { f32: lossLimit(batch) }],
      [logits, labels, new Float32Array(rows * classes), new Float32Array(rows), new Int32Array(5)],
      [Math.ceil(rows / 64), 1, 1],
    );
    return { gradient: floats(gradient), losses: floats(losses), side };
  };

  test('agrees with the CPU in loss, gradient and number of right guesses', async () => {
    for (const [rows, classes] of [
      [1, 2],
      [70, 10],
      [5, 33],
    ] as const) {
      const logits = random(rows * classes).map((x) => 20 * x);
      const labels = Int32Array.from({ length: rows }, () => uniformInteger(next, classes));
      const { gradient, losses, side } = await run(logits, labels, classes);
      const [theirGradient, theirLosses] = [new Float32Array(rows * classes), new Float32Array(rows)];
      const correct = softmaxCrossEntropy(rows, classes, logits, labels, 64, theirLosses, theirGradient);
      expect(distance(gradient, theirGradient).error).toBeLessThan(1e-7);
      expect(distance(losses, theirLosses).error).toBeLessThan(2e-5);
      expect(side?.[1]).toBe(correct);
      const mean = theirLosses.reduce((sum, loss) => sum + loss, 0) / 64;
      expect(Math.abs((side?.[0] ?? NaN) / 2 ** 20 - mean)).toBeLessThan(2e-5);
    }
  });

  test('leaves out rows without a label, and counts losses that are not finite', async () => {
    const logits = Float32Array.of(1, 2, 3, 4, NaN, 0, 1e38, -1e38);
    const { gradient, losses, side } = await run(logits, Int32Array.of(1, -1, 1, 1), 2);
    expect([...gradient.subarray(2, 4), losses[1]]).toEqual([0, 0, 0]);
    expect(side?.[1]).toBe(1);
    expect(side?.[4]).toBeGreaterThanOrEqual(1);
  });
});

/** Blocks and scales as the engine lays them out (see fixed_point.wgsl). */
function tables(tensors: readonly ParameterTensor[], exponents: Int32Array) {
  const blocks = tensors.flatMap(({ offset, length }, t) =>
    Array.from({ length: Math.ceil(length / 100) }, (_, i) => [
      offset + 100 * i,
      Math.min(100, length - 100 * i),
      t,
      0,
    ]),
  );
  const scales = new Uint32Array(4 * tensors.length);
  exponents.forEach((exponent, t) => {
    new Float32Array(scales.buffer).set([powerOfTwo(BITS - exponent), 0, powerOfTwo(exponent - BITS)], 4 * t);
    scales[4 * t + 1] = exponent + 127;
  });
  return { blocks: Uint32Array.from(blocks.flat()), scales, count: blocks.length };
}

const TENSORS: readonly ParameterTensor[] = [
  { name: 'a', shape: [130], offset: 0, length: 130 },
  { name: 'b', shape: [7], offset: 130, length: 7 },
  { name: 'c', shape: [301], offset: 137, length: 301 },
];
const LENGTH = 438;
const LAYOUT = laneLayout(LENGTH, 3, MICRO_BATCHES);

describe('fixed-point accumulate', () => {
  const accumulate = async (slices: readonly Float32Array[], exponents: Int32Array) => {
    const gradients = new Float32Array(slices.length * LENGTH);
    slices.forEach((slice, i) => gradients.set(slice, i * LENGTH));
    const { blocks, scales, count } = tables(TENSORS, exponents);
    const side = new Int32Array(LAYOUT.agreement - LAYOUT.loss);
    const [, , , lanes, sides] = await bench.run(
      'accumulate',
      [slices.length, LENGTH],
      [blocks, scales, gradients, new Int32Array(LENGTH), side],
      [count, 1, 1],
    );
    const expected = emptyLanes(LAYOUT);
    for (const slice of slices) accumulateGradient(LAYOUT, TENSORS, exponents, 0, slice, expected);
    expect(lanes).toEqual(expected.slice(0, LENGTH));
    expect(sides?.slice(0, LAYOUT.firstNonFinite - LAYOUT.loss)).toEqual(
      expected.slice(LAYOUT.loss, LAYOUT.firstNonFinite),
    );
    return sides;
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

  test('flags overflow, NaN, infinities and what no scale fits on the bits, and takes denormals for zero', async () => {
    const strange = new Float32Array(LENGTH);
    strange.set([NaN, Infinity, -Infinity, 2 ** 64, 1, -1, 0.5, 2 ** -149, -(2 ** -127), -0]);
    strange.set([3e38, 1.5, -0.25], 130);
    const side = await accumulate([strange, strange], Int32Array.of(0, 0, 0));
    expect([...(side ?? [])].slice(3, 5)).toEqual([2 * 3, 2 * 5]);
  });

  test('rounds halves to even', async () => {
    const unit = 2 ** -BITS;
    const halves = new Float32Array(LENGTH).map((_, i) => (i % 2 === 0 ? 1 : -1) * (i + 0.5) * unit);
    await accumulate([halves], Int32Array.of(0, 0, 0));
  });
});

test('AdamW agrees with the CPU over several steps', async () => {
  const optimizer: Optimizer = {
    kind: 'adamw',
    learningRate: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.1,
  };
  const exponents = Int32Array.of(0, -3, 2);
  const { blocks, scales, count } = tables(TENSORS, exponents);
  let theirs = {
    step: 0,
    parameters: random(LENGTH),
    firstMoments: new Float32Array(LENGTH),
    secondMoments: new Float32Array(LENGTH),
    exponents,
    powers: Float32Array.of(1, 1),
  };
  let [p, m, v] = [theirs.parameters.slice(), theirs.firstMoments.slice(), theirs.secondMoments.slice()];
  for (let step = 0; step < 4; step++) {
    const reduced = emptyLanes(LAYOUT);
    for (let i = 0; i < LENGTH; i++) reduced[i] = Math.round((2 * uniformFraction(next) - 1) * 2 ** 27);
    const job = { optimizer, schedule: { kind: 'constant' }, clipNorm: null } as const;
    const constants = updateConstants(job, step, nextPowers(optimizer, theirs.powers));
    if (constants.kind !== 'adamw') throw new Error('The constants are those of AdamW.');
    const { beta1, beta2, decay, stepSize, rootCorrection, epsilon } = constants;
    const uniform = [beta1, beta2, 1 - beta1, 1 - beta2, decay, stepSize, rootCorrection, epsilon];
    const after = await bench.run(
      'adamw',
      uniform.map((f32) => ({ f32 })),
      [blocks, scales, reduced.slice(0, LENGTH), p, m, v],
      [count, 1, 1],
    );
    [p, m, v] = [floats(after[3]), floats(after[4]), floats(after[5])];
    theirs = { ...theirs, ...applyUpdate(job, LAYOUT, TENSORS, theirs, reduced, exponents), exponents };
    expect(distance(p, theirs.parameters).error).toBeLessThan(1e-5);
    expect(distance(m, theirs.firstMoments).error).toBeLessThan(1e-6);
    expect(distance(v, theirs.secondMoments).error).toBeLessThan(1e-6);
  }
});

test('the digest of any words equals the CPU digest bit for bit', async () => {
  for (const length of [1, 63, 64, 1000, 12_345]) {
    const words = Int32Array.from({ length }, () => next() | 0);
    for (const stream of DIGEST_STREAMS.keys()) {
      const [, sums] = await bench.run('digest', [length, stream], [words, new Int32Array(4)], [3, 1, 1]);
      const expected = new Int32Array(4);
      digestWords(expected, words, stream);
      expect(sums).toEqual(expected);
    }
  }
});
