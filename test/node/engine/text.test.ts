import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decodePackedText, parseTextManifest } from '../../../src/engine/data/packed-text.ts';
import { decodeText, encodeText, MIN_TEXT, openText } from '../../../src/engine/data/text.ts';
import { JOB_PRESETS } from '../../../src/job/presets.ts';
import { LoaderError } from '../../../src/ports/loader.ts';
import { mobyDick, mobyDickManifest, packedMobyDick } from '../../support/texts.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const SENTENCE = 'Call me Ishmael. ';
const text = (characters: number): string => SENTENCE.repeat(characters).slice(0, characters);

describe('the packed Moby-Dick', () => {
  test('is what its manifest says, less than half a megabyte on the wire, and fits the preset', () => {
    const manifest = mobyDickManifest();
    const packed = packedMobyDick();
    expect(packed.length).toBe(manifest.packedBytes);
    expect(packed.length).toBeLessThan(500_000);
    expect(bytesToHex(sha256(packed))).toBe(manifest.packedSha256);
    expect(manifest.licence).toMatch(/public domain/iu);
    const { vocabulary, tokens } = mobyDick();
    expect(JOB_PRESETS['moby-dick'].model).toMatchObject({ vocabulary: vocabulary.length });
    const beginning = Array.from(tokens.subarray(0, 44), (token) => vocabulary[token]).join('');
    expect(beginning).toBe('CHAPTER 1. Loomings.\n\nCall me Ishmael. Some ');
  });

  test('is refused when it is cut off or damaged, and so is a manifest that says nonsense', () => {
    const bytes = gunzipSync(packedMobyDick());
    const manifest = mobyDickManifest();
    expect(() => decodePackedText(bytes.subarray(1), manifest)).toThrow(/cut off/u);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    expect(() => decodePackedText(bytes, manifest)).toThrow(/damaged/u);
    expect(() => parseTextManifest({ ...manifest, file: '../secret' })).toThrow(LoaderError);
  });
});

describe('a text', () => {
  test('gives samples in range, each labelled with what follows, and no training sample sees what is held out', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: MIN_TEXT, max: 6000 }),
        fc.integer({ min: 1, max: 150 }),
        async (length, context) => {
          const whole = decodeText(utf8(text(length)), 'A text');
          const loader = openText(whole, context);
          const heldOutFrom = Math.floor(length * 0.9);
          for (const split of ['train', 'test'] as const) {
            const last = loader.sizes[split] - 1;
            const rows = Int32Array.of(0, Math.floor(last / 2), last);
            const { inputs, labels } = await loader.load(split, rows);
            expect(inputs.length).toBe(3 * context);
            expect(labels.every((label) => label < loader.format.classes)).toBe(true);
            for (let row = 0; row < 3; row++) {
              const at = row * context;
              expect(labels.subarray(at, at + context - 1)).toEqual(inputs.subarray(at + 1, at + context));
            }
          }
          // The last label of the last training sample lies before the first held-out character.
          const { labels } = await loader.load('train', Int32Array.of(loader.sizes.train - 1));
          expect(labels.at(-1)).toBe(whole.tokens[heldOutFrom - 1]);
          const { inputs } = await loader.load('test', Int32Array.of(0));
          expect(inputs[0]).toBe(whole.tokens[heldOutFrom]);
          await expect(loader.load('train', Int32Array.of(loader.sizes.train))).rejects.toThrow(LoaderError);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('counts code points, drops a byte order mark, and ends lines in one way', () => {
    const {
      vocabulary,
      tokens,
      sha256: hash,
    } = decodeText(utf8(`\u{feff}${'🐳\r\nx\r'.repeat(700)}`), 'A text');
    expect(vocabulary).toEqual(['\n', 'x', '🐳']);
    expect([...tokens.subarray(0, 4)]).toEqual([2, 0, 1, 0]);
    expect(hash).toMatch(/^[0-9a-f]{64}$/u);
    expect([...encodeText(vocabulary, 'x🐳?')]).toEqual([1, 2, 0]);
  });

  test('is refused in words when it is not UTF-8, binary, too short, too long, or of one character', () => {
    const refusal = (bytes: Uint8Array): string => {
      try {
        decodeText(bytes, '“notes.txt”');
      } catch (error) {
        if (error instanceof LoaderError) return error.message;
      }
      return 'taken';
    };
    expect(refusal(Uint8Array.of(0xc3, 0x28))).toMatch(/“notes\.txt” is not UTF-8/u);
    expect(refusal(utf8(`${text(3000)}\0`))).toMatch(/zero characters/u);
    expect(refusal(utf8('short'))).toMatch(/5 characters; at least 2000/u);
    expect(refusal(new Uint8Array(16 * 1024 * 1024 + 1))).toMatch(/16 MiB/u);
    expect(refusal(utf8('a'.repeat(3000)))).toMatch(/1 different characters/u);
    expect(() => openText(decodeText(utf8(text(2000)), 'A text'), 500)).toThrow(
      /make the model’s context shorter/u,
    );
  });
});
