import fc from 'fast-check';
import { expect, test } from 'vitest';
import { initialParameters } from '../../../src/engine/graph/initial-parameters.ts';
import { DEFAULT_JOB, JobError, type Job } from '../../../src/job/job.ts';
import { parameterTensors } from '../../../src/engine/graph/parameters.ts';
import { randomStream, uniformInteger } from '../../../src/job/random.ts';
import { batchRows, epochOf, microBatchRows, stepsPerEpoch } from '../../../src/job/sampler.ts';

const jobs = fc
  .record({
    microBatches: fc.integer({ min: 1, max: 8 }),
    size: fc.integer({ min: 1, max: 9 }),
    seed: fc.nat(),
  })
  .map(({ microBatches, size, seed }): Job => ({
    ...DEFAULT_JOB,
    microBatches,
    globalBatch: microBatches * size,
    seed,
  }));

test('an epoch visits no row twice, and all but what does not fill a batch', () => {
  fc.assert(
    fc.property(
      jobs,
      fc.integer({ min: 72, max: 300 }),
      fc.integer({ min: 0, max: 3 }),
      (job, size, epoch) => {
        const perEpoch = stepsPerEpoch(job, size);
        const rows = Array.from({ length: perEpoch }, (_, i) => [
          ...batchRows(job, size, epoch * perEpoch + i),
        ]).flat();
        expect(new Set(rows).size).toBe(rows.length);
        expect(rows.length).toBe(size - (size % job.globalBatch));
        expect(rows.every((row) => row >= 0 && row < size)).toBe(true);
        expect(epochOf(job, size, epoch * perEpoch)).toBe(epoch);
        expect(epochOf(job, size, epoch * perEpoch + perEpoch - 1)).toBe(epoch);
      },
    ),
    { numRuns: 50 },
  );
});

test('micro-batches are the batch, cut in equal parts', () => {
  fc.assert(
    fc.property(jobs, fc.nat(1000), (job, step) => {
      const parts = Array.from({ length: job.microBatches }, (_, i) => [
        ...microBatchRows(job, 100, step, i),
      ]);
      expect(parts.flat()).toEqual([...batchRows(job, 100, step)]);
    }),
  );
});

test('rows depend on seed and epoch, and are the same on every machine', () => {
  expect([...batchRows(DEFAULT_JOB, 8000, 0)].slice(0, 6)).toMatchInlineSnapshot(`
    [
      6144,
      5132,
      7598,
      3078,
      1418,
      1917,
    ]
  `);
  expect([...batchRows(DEFAULT_JOB, 8000, 125)].slice(0, 6)).toMatchInlineSnapshot(`
    [
      6195,
      7958,
      5623,
      3878,
      4613,
      1940,
    ]
  `);
  expect([...batchRows({ ...DEFAULT_JOB, seed: 2 }, 8000, 0)].slice(0, 6)).toMatchInlineSnapshot(`
    [
      6262,
      1403,
      6688,
      1011,
      7488,
      776,
    ]
  `);
});

test('a data set smaller than a batch is refused', () => {
  expect(() => batchRows(DEFAULT_JOB, 63, 0)).toThrow(JobError);
});

test('uniform integers are uniform', () => {
  const next = randomStream(1, 2, 3);
  const counts = new Array<number>(7).fill(0);
  for (let i = 0; i < 70_000; i++) {
    const n = uniformInteger(next, 7);
    counts[n] = (counts[n] ?? NaN) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
});

test('initial weights lie within 1/√fan_in, spread evenly, and differ by seed', () => {
  const parameters = initialParameters(DEFAULT_JOB);
  for (const [i, tensor] of parameterTensors(DEFAULT_JOB.model).entries()) {
    const bound = 1 / Math.sqrt([784, 128, 64][Math.floor(i / 2)] ?? NaN);
    const values = parameters.subarray(tensor.offset, tensor.offset + tensor.length);
    expect(Math.max(...values.map(Math.abs)), tensor.name).toBeLessThanOrEqual(Math.fround(bound));
    if (tensor.length < 1000) continue;
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(variance / (bound * bound), tensor.name).toBeCloseTo(1 / 3, 1);
  }
  expect(initialParameters({ ...DEFAULT_JOB, seed: 2 })).not.toEqual(parameters);
});
