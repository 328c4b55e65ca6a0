// The digest of a training state: 128 bits from sums of mixed words, so that a GPU computes it in integers, in parallel.
//
// Not cryptographic: it catches divergence and bit flips, not an adversary. Each 32-bit word x at position i of stream s adds
// mix(x ^ mix(i·φ + s)) to four sums under four keys; sums are modulo 2^32 and so do not depend on the order.

import type { StateHash } from '../ports/ids.ts';

/** Odd constants that key the four lanes (fractional bits of √2, √3, √5, √7, made odd). */
export const DIGEST_KEYS = [0x6a09e667, 0xbb67ae85, 0x3c6ef373, 0xa54ff53b] as const;
/** Spreads neighbouring positions (2^32 / golden ratio, odd). */
export const DIGEST_STRIDE = 0x9e3779b1;

/** The finalizer of MurmurHash3 (Austin Appleby, public domain): a bijection on 32 bits in which every bit matters. */
export function mix32(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Streams keep equal words of different tensors groups apart. */
export type DigestStream =
  'parameters' | 'firstMoments' | 'secondMoments' | 'exponents' | 'powers' | 'step' | 'quarantine';
export const DIGEST_STREAMS: readonly DigestStream[] = [
  'parameters',
  'firstMoments',
  'secondMoments',
  'exponents',
  'powers',
  'step',
  'quarantine',
];

/** Adds words to the four sums. `words` are the raw bits; `stream` is the index in `DIGEST_STREAMS`. */
export function digestWords(sums: Int32Array, words: Int32Array, stream: number): void {
  let [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = sums;
  for (let i = 0; i < words.length; i++) {
    const place = mix32(Math.imul(i, DIGEST_STRIDE) + stream);
    const word = (words[i] ?? 0) ^ place;
    s0 = (s0 + mix32(word ^ DIGEST_KEYS[0])) | 0;
    s1 = (s1 + mix32(word + DIGEST_KEYS[1])) | 0;
    s2 = (s2 + mix32(word ^ DIGEST_KEYS[2])) | 0;
    s3 = (s3 + mix32(word + DIGEST_KEYS[3])) | 0;
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

/** Four sums as 32 hex digits. */
export function digestHex(sums: Int32Array): StateHash {
  let text = '';
  for (let i = 0; i < 4; i++) text += ((sums[i] ?? 0) >>> 0).toString(16).padStart(8, '0');
  return text as StateHash;
}
