// The packed text in Node.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { decodePackedText, parseTextManifest, type TextManifest } from '../../src/engine/data/packed-text.ts';
import type { Text } from '../../src/engine/data/text.ts';

const DATA = new URL('../../public/data/', import.meta.url);

export const mobyDickManifest = (): TextManifest =>
  parseTextManifest(JSON.parse(readFileSync(new URL('moby-dick.json', DATA), 'utf8')));

/** As served. */
export const packedMobyDick = (): Uint8Array => readFileSync(new URL('moby-dick.bin', DATA));

export const mobyDick = (): Text => decodePackedText(gunzipSync(packedMobyDick()), mobyDickManifest());
