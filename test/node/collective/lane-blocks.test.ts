// Lanes in blocks, as they travel.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blocksOf, readBlocks, writeBlocks } from '../../../src/collective/lane-blocks.ts';

function written(lanes: Int32Array): Int32Array<ArrayBuffer> | undefined {
  const blocks = blocksOf(lanes);
  if (blocks === undefined) return undefined;
  // What lay there before must not matter.
  const words = new Int32Array(blocks.words).fill(0x5a5a5a5a);
  writeBlocks(lanes, blocks, words);
  return words;
}

/** Lanes whose size changes along the way, as a gradient's does from tensor to tensor and from pixel to pixel. */
const lanes = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 32 }), fc.integer({ min: 1, max: 100 }), fc.integer()), {
    minLength: 1,
    maxLength: 12,
  })
  .map((runs) =>
    Int32Array.from(
      runs.flatMap(([bits, length, seed]) =>
        Array.from({ length }, (_, i) => (bits === 0 ? 0 : Math.imul(seed + i, 0x9e3779b1) >> (32 - bits))),
      ),
    ),
  );

describe('lanes in blocks', () => {
  it('come back as they were, in fewer words', () => {
    fc.assert(
      fc.property(lanes, (sent) => {
        const words = written(sent);
        if (words === undefined) return;
        expect(words.length).toBeLessThanOrEqual(sent.length - sent.length / 8);
        expect(readBlocks(words)).toEqual(sent);
      }),
    );
  });

  it('take a word for each bit that the largest of a block needs, with its sign', () => {
    for (const [largest, bits] of [
      [0, 0],
      [-1, 1],
      [1, 2],
      [-2, 2],
      [127, 8],
      [-128, 8],
      [128, 9],
      [2 ** 26 - 1, 27],
      [-(2 ** 26), 27],
    ] as const) {
      const sent = new Int32Array(128);
      sent[50] = largest;
      const blocks = blocksOf(sent);
      expect(blocks?.widths).toEqual(Uint8Array.of(0, bits, 0, 0));
      expect(blocks?.words).toBe(2 + bits);
      expect(readBlocks(written(sent) ?? new Int32Array(0))).toEqual(sent);
    }
  });

  it('are not made of few lanes, or of lanes that need all their bits', () => {
    expect(blocksOf(new Int32Array(63))).toBeUndefined();
    expect(blocksOf(new Int32Array(64))).toBeDefined();
    expect(blocksOf(new Int32Array(1000).fill(2 ** 30))).toBeUndefined();
    expect(blocksOf(new Int32Array(1000).fill(-(2 ** 31)))).toBeUndefined();
  });

  it('never become more than eight times as many words, or 32,768 lanes, when they are read', () => {
    expect(blocksOf(new Int32Array(32 * 1024))?.words).toBe(1 + 256);
    const zeros = new Int32Array(100_000);
    expect(8 * (blocksOf(zeros)?.words ?? 0)).toBeGreaterThanOrEqual(zeros.length);
    expect(readBlocks(written(zeros) ?? new Int32Array(0))).toEqual(zeros);
    const lying = new Int32Array(1 + 65_536 / 4);
    lying[0] = 65_536 * 32;
    expect(readBlocks(lying)).toBeUndefined();
    lying[0] = -1;
    expect(readBlocks(lying)).toBeUndefined();
  });

  it('are refused where the words are not what was written, whatever they are', () => {
    fc.assert(
      fc.property(lanes, fc.integer({ min: 0, max: 3 }), fc.integer(), (sent, where, value) => {
        const words = written(sent);
        if (words === undefined) return;
        expect(readBlocks(words.subarray(0, words.length - 1))).toBeUndefined();
        expect(readBlocks(Int32Array.from([...words, 0]))).toBeUndefined();
        const changed = words.slice();
        changed[where] = value;
        const read = readBlocks(changed);
        if (read !== undefined)
          expect(read.length).toBeLessThanOrEqual(Math.max(32 * 1024, 8 * words.length));
      }),
    );
    expect(readBlocks(new Int32Array(0))).toBeUndefined();
  });
});
