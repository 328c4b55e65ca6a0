// The digits data set: checks the packed asset against its manifest and reads samples from it.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import * as v from 'valibot';
import { LoaderError, type Loader, type Samples, type Split } from '../../ports/loader.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000_000));
const sha256Hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u));

const DigitsManifestSchema = v.pipe(
  v.object({
    format: v.literal(1),
    name: v.literal('digits'),
    /** Beside the manifest. */
    file: v.string(),
    encoding: v.literal('gzip'),
    /** Of the file as served. */
    packedBytes: count,
    packedSha256: sha256Hex,
    /** Of what `decodeDigits` takes: labels u8[train + test], then pixels u8[train + test, features]. */
    bytes: count,
    sha256: sha256Hex,
    /** The first rows are for training, the rest are held out. */
    train: count,
    test: count,
    features: count,
    classes: v.pipe(count, v.maxValue(256)),
    source: v.string(),
    licence: v.string(),
  }),
  v.check(
    (m) => m.bytes === (m.train + m.test) * (1 + m.features),
    'bytes must be (train + test) · (1 + features)',
  ),
  v.check((m) => Number.isInteger(Math.sqrt(m.features)), 'features must be a square: images of equal sides'),
);

export type DigitsManifest = Readonly<v.InferOutput<typeof DigitsManifestSchema>>;

/** Validates a manifest from outside. Throws a `LoaderError`. */
export function parseDigitsManifest(value: unknown): DigitsManifest {
  const result = v.safeParse(DigitsManifestSchema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = issue.path?.map((item) => String(item.key)).join('.') ?? 'manifest';
  throw new LoaderError(`The digits' manifest is not valid at ${path}: ${issue.message}`);
}

/**
 * A loader over the unpacked bytes, which are verified first. Grey levels become inputs from 0 to 1 (byte / 255, in f32).
 * `found`: their SHA-256, of a caller that has it from the browser; computed here, it takes 0.1 s and more.
 * Throws a `LoaderError` when size, SHA-256 or a label is not what the manifest says.
 */
export function decodeDigits(bytes: Uint8Array, manifest: DigitsManifest, found?: string): Loader {
  const { train, test, features, classes } = manifest;
  const total = train + test;
  if (bytes.length !== manifest.bytes) {
    throw new LoaderError(
      `The digits have ${bytes.length} bytes and should have ${manifest.bytes}: the file is cut off or was not unpacked.`,
    );
  }
  const digest = found ?? bytesToHex(sha256(bytes));
  if (digest !== manifest.sha256) {
    throw new LoaderError(
      `The digits' SHA-256 is ${digest} and should be ${manifest.sha256}: the file was damaged or changed. Reload it.`,
    );
  }
  const labels = bytes.subarray(0, total);
  const pixels = bytes.subarray(total);
  const wrong = labels.findIndex((label) => label >= classes);
  if (wrong >= 0)
    throw new LoaderError(`Digit ${wrong} has label ${labels[wrong]}; there are ${classes} classes.`);

  const levels = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);
  const sizes = { train, test };

  const read = (split: Split, rows: Int32Array): Samples => {
    const first = split === 'train' ? 0 : train;
    const inputs = new Float32Array(rows.length * features);
    const chosen = new Int32Array(rows.length);
    rows.forEach((row, i) => {
      if (row < 0 || row >= sizes[split]) {
        throw new LoaderError(
          `Row ${row} was asked for; the ${split} split has rows 0 to ${sizes[split] - 1}.`,
        );
      }
      chosen[i] = labels[first + row] ?? 0;
      const start = (first + row) * features;
      for (let j = 0; j < features; j++) inputs[i * features + j] = levels[pixels[start + j] ?? 0] ?? 0;
    });
    return { inputs, labels: chosen };
  };

  const side = Math.sqrt(features);
  return {
    format: { type: 'f32', shape: [1, side, side], positions: 1, classes },
    sizes,
    // An async function, so that a bad row is a rejection and not a throw.
    load: async (split, rows) => Promise.resolve(read(split, rows)),
  };
}
