// The real digits in Node.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { decodeDigits, parseDigitsManifest, type DigitsManifest } from '../../src/engine/data/digits.ts';
import type { Loader } from '../../src/ports/loader.ts';

const DATA = new URL('../../public/data/', import.meta.url);

export const digitsManifest = (): DigitsManifest =>
  parseDigitsManifest(JSON.parse(readFileSync(new URL('digits.json', DATA), 'utf8')));

/** As served, packed. */
export const packedDigits = (): Uint8Array => readFileSync(new URL(digitsManifest().file, DATA));

export const loadDigits = (): Loader => decodeDigits(gunzipSync(packedDigits()), digitsManifest());
