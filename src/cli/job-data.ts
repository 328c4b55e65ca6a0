// A job's data set in Node, from the files that the server serves.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { decodeDigits, parseDigitsManifest } from '../engine/data/digits.ts';
import { decodePackedText, parseTextManifest } from '../engine/data/packed-text.ts';
import { decodeText, type Text } from '../engine/data/text.ts';
import type { Loader } from '../ports/loader.ts';
import { oneLine, UsageError } from './errors.ts';

const PACKED = new URL('../../public/data/', import.meta.url);

function readPacked<M extends { readonly file: string }>(name: string, parse: (value: unknown) => M) {
  const manifest = parse(JSON.parse(readFileSync(new URL(`${name}.json`, PACKED), 'utf8')));
  return { manifest, bytes: gunzipSync(readFileSync(new URL(manifest.file, PACKED))) };
}

export function readDigits(): Loader {
  const { manifest, bytes } = readPacked('digits', parseDigitsManifest);
  return decodeDigits(bytes, manifest);
}

/** `file`: where the text of a person's own lies; its SHA-256 must be the corpus' name. */
export function readCorpus(corpus: string, file: string | undefined): Text {
  if (corpus === 'moby-dick') {
    const { manifest, bytes } = readPacked(corpus, parseTextManifest);
    return decodePackedText(bytes, manifest);
  }
  if (file === undefined) {
    throw new UsageError(
      `The job learns a text that only its owner has (SHA-256 ${corpus.slice(0, 12)}…): name the file with --text.`,
    );
  }
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${oneLine(error)}`);
  }
  const text = decodeText(bytes, file);
  if (text.sha256 === corpus) return text;
  throw new UsageError(
    `${file} has SHA-256 ${text.sha256.slice(0, 12)}…, and the job learns ${corpus.slice(0, 12)}…: name that very file with --text.`,
  );
}
