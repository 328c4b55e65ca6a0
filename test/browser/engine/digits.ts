// The real digits, as a page loads them.

import { decodeDigits, parseDigitsManifest } from '../../../src/engine/data/digits.ts';
import type { Loader } from '../../../src/ports/loader.ts';

export async function loadDigits(): Promise<Loader> {
  const manifest = parseDigitsManifest(await (await fetch('/data/digits.json')).json());
  const packed = await fetch(`/data/${manifest.file}`);
  if (packed.body === null) throw new Error('The digits came without a body.');
  const unpacked = new Response(packed.body.pipeThrough(new DecompressionStream('gzip')));
  return decodeDigits(new Uint8Array(await unpacked.arrayBuffer()), manifest);
}
