import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createCpuEngine } from '../../../src/engine/cpu/engine.ts';
import { decodeDigits, parseDigitsManifest } from '../../../src/engine/data/digits.ts';
import { DEFAULT_JOB } from '../../../src/job/job.ts';
import { LoaderError } from '../../../src/ports/loader.ts';
import { digitsManifest, loadDigits, packedDigits } from '../../support/digits.ts';
import { train } from '../../support/engine.ts';

describe('the digits', () => {
  test('are what the manifest says, and less than 2 MB on the wire', () => {
    const manifest = digitsManifest();
    const packed = packedDigits();
    expect(packed.length).toBe(manifest.packedBytes);
    expect(packed.length).toBeLessThan(2_000_000);
    expect(bytesToHex(sha256(packed))).toBe(manifest.packedSha256);
    expect(manifest.licence).toContain('MIT');
    expect(loadDigits().sizes).toEqual({ train: 8000, test: 2000 });
  });

  test('hold every class in the same share in both splits, mixed throughout', async () => {
    const loader = loadDigits();
    const share = async (split: 'train' | 'test', first: number, rows: number): Promise<number[]> => {
      const { labels } = await loader.load(
        split,
        Int32Array.from({ length: rows }, (_, i) => first + i),
      );
      return Array.from(
        { length: 10 },
        (_, label) => labels.filter((found) => found === label).length / rows,
      );
    };
    const all = await share('train', 0, 8000);
    const parts = [
      await share('test', 0, 2000),
      await share('train', 0, 500),
      await share('train', 7500, 500),
    ];
    for (const part of parts)
      part.forEach((value, label) => expect(value).toBeCloseTo(all[label] ?? NaN, 1.9));
  });

  test('have grey levels from 0 to 1, and rows come in the order asked for', async () => {
    const loader = loadDigits();
    const { inputs, labels } = await loader.load('test', Int32Array.of(7, 3, 7));
    expect(inputs.length).toBe(3 * 784);
    expect(Math.min(...inputs)).toBe(0);
    expect(Math.max(...inputs)).toBe(1);
    expect(inputs.slice(0, 784)).toEqual(inputs.slice(2 * 784));
    expect(labels[0]).toBe(labels[2]);
  });

  test('are refused when cut off, damaged or asked for a row that is not there', async () => {
    const bytes = gunzipSync(packedDigits());
    expect(() => decodeDigits(bytes.subarray(1), digitsManifest())).toThrow(/cut off/u);
    bytes[12_345] = (bytes[12_345] ?? 0) ^ 1;
    expect(() => decodeDigits(bytes, digitsManifest())).toThrow(/damaged/u);
    await expect(loadDigits().load('test', Int32Array.of(2000))).rejects.toThrow(LoaderError);
    expect(() => parseDigitsManifest({ ...digitsManifest(), sha256: 'x' })).toThrow(/sha256/u);
    expect(() => parseDigitsManifest({ ...digitsManifest(), train: 7999 })).toThrow(LoaderError);
  });
});

test(
  'the default job clearly learns in 60 steps, and tells 9 of 10 held-out digits apart after 200',
  { timeout: 120_000 },
  async () => {
    const engine = createCpuEngine({ job: DEFAULT_JOB, loader: loadDigits(), reason: 'A test.' });
    const steps = await train(engine, 200);
    const mean = (from: number, to: number): number =>
      steps.slice(from, to).reduce((sum, { loss }) => sum + loss, 0) / (to - from);
    expect(mean(0, 5)).toBeGreaterThan(1.8);
    expect(mean(50, 60)).toBeLessThan(0.7);
    const { correct, predictions, loss } = await engine.evaluate();
    expect(predictions).toBe(2000);
    expect(correct / predictions).toBeGreaterThan(0.9);
    expect(loss).toBeLessThan(0.35);
  },
);
