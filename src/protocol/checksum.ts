// The checksum of a message: four chains of words, a multiplication for each, so that it costs little beside the copy of a part.
// CRC-32 by tables was two thirds of what it costs to encode one (1.4 GB/s).
//
// Each turn is a bijection of the chain for any word, and of the word for any chain: a change within one word always shows, any
// other but for one in 2³². Against accidents; who the sender is, the link has proved.

import { DIGEST_KEYS, DIGEST_STRIDE, mix32 } from '../collective/digest.ts';

/** Odd; the first constant of MurmurHash3's finalizer. */
const FACTOR = 0x85ebca6b;

const turn = (chain: number, word: number): number => {
  const product = Math.imul(chain ^ word, FACTOR);
  return (product << 15) | (product >>> 17);
};

/** Of the bytes from `start` on; a signed word. Fastest where they lie on a multiple of four, as those of a whole message do. */
export function checksum(message: Uint8Array<ArrayBuffer>, start: number): number {
  const aligned = (message.byteOffset + start) % 4 === 0 ? message.subarray(start) : message.slice(start);
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
  let [a, b, c, d]: [number, number, number, number] = [...DIGEST_KEYS];
  const whole = words.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    a = turn(a, words[i] ?? 0);
    b = turn(b, words[i + 1] ?? 0);
    c = turn(c, words[i + 2] ?? 0);
    d = turn(d, words[i + 3] ?? 0);
  }
  for (let i = whole; i < words.length; i++) a = turn(a, words[i] ?? 0);
  for (let i = words.length * 4; i < aligned.length; i++) a = turn(a, aligned[i] ?? 0);
  const length = Math.imul(aligned.length, DIGEST_STRIDE);
  return mix32(mix32(mix32(mix32(length ^ a) ^ b) ^ c) ^ d);
}
