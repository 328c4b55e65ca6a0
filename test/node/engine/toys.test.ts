import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCpuEngine } from '../../../src/engine/cpu/engine.ts';
import { createToys, toyClasses, type ToySet } from '../../../src/engine/data/toys.ts';
import { JOB_PRESETS } from '../../../src/job/presets.ts';
import { LoaderError } from '../../../src/ports/loader.ts';
import { train } from '../../support/engine.ts';

const SETS = ['spirals', 'moons', 'circles'] as const;
const rows = (count: number): Int32Array => Int32Array.from({ length: count }, (_, row) => row);

test('a point depends on the seed and its number alone, whatever else is asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...SETS),
      fc.integer({ min: 8, max: 500 }),
      fc.nat(0xffff_ffff),
      async (set, points, seed) => {
        const loader = createToys({ kind: 'toy', set, points, noise: 0.1 }, seed);
        const { inputs, labels } = await loader.load('train', rows(points));
        const row = seed % points;
        const alone = await loader.load('train', Int32Array.of(row));
        expect(alone.inputs).toEqual(inputs.slice(2 * row, 2 * row + 2));
        expect(labels.every((label) => label >= 0 && label < toyClasses(set))).toBe(true);
        expect(inputs.every(Number.isFinite)).toBe(true);
        const held = await loader.load('test', rows(loader.sizes.test));
        expect(held.inputs.subarray(0, 2)).not.toEqual(inputs.subarray(0, 2));
        await expect(loader.load('train', Int32Array.of(points))).rejects.toThrow(LoaderError);
      },
    ),
    { numRuns: 50 },
  );
});

test('the points have the same bits in every JavaScript engine', async () => {
  const hashes: string[] = [];
  for (const set of SETS) {
    const loader = createToys({ kind: 'toy', set, points: 300, noise: 0.05 }, 7);
    const { inputs } = await loader.load('train', rows(300));
    hashes.push(bytesToHex(sha256(new Uint8Array(inputs.buffer))).slice(0, 16));
  }
  expect(hashes).toMatchInlineSnapshot(`
    [
      "29e6f4c3467758da",
      "c066b16e0b6dcf90",
      "94734c0444b3d1fb",
    ]
  `);
});

test('without noise the points lie in the plane from −1 to 1, and every class has its share', async () => {
  for (const set of SETS) {
    const toy: ToySet = { kind: 'toy', set, points: 600, noise: 0 };
    const { inputs, labels } = await createToys(toy, 1).load('train', rows(600));
    expect(Math.max(...inputs.map(Math.abs)), set).toBeLessThanOrEqual(1);
    const share = 600 / toyClasses(set);
    for (let label = 0; label < toyClasses(set); label++) {
      expect(labels.filter((found) => found === label).length).toBe(share);
    }
  }
});

test('each toy set is learned: nine of ten held-out points after 200 steps', async () => {
  for (const set of SETS) {
    const job = JOB_PRESETS[set];
    if (job.data.kind !== 'toy') throw new Error('not a toy');
    const engine = createCpuEngine({ job, loader: createToys(job.data, job.seed), reason: 'A test.' });
    await train(engine, 200);
    const { correct, predictions } = await engine.evaluate();
    expect(correct / predictions, set).toBeGreaterThan(0.9);
  }
});

test('near a loss of 0, where gradients jump from batch to batch, one step in twenty is redone at most', async () => {
  const job = JOB_PRESETS.moons;
  if (job.data.kind !== 'toy') throw new Error('not a toy');
  const engine = createCpuEngine({ job, loader: createToys(job.data, job.seed), reason: 'A test.' });
  const redone = (await train(engine, 1500)).slice(500).filter((step) => step.redone);
  expect(redone.length).toBeLessThan(1000 / 20);
});
