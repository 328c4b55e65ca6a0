// Lanes as they travel in the narrow format: the first so many in a few bits each, the others as they are.
//
//   ⌈n · bits / 32⌉ words   n lanes in two's complement, the first in the lowest bits of the first word; zeros fill the last word
//   the rest                one little-endian word a lane

/** How lanes are packed: the first `lanes` of them into `bits` each. */
export interface Packing {
  readonly lanes: number;
  readonly bits: number;
}

export const packedWords = ({ lanes, bits }: Packing): number => Math.ceil((lanes * bits) / 32);

/** Words that so many lanes, `total` in all, are packed into. */
export const packedLength = (packing: Packing, total: number): number =>
  packedWords(packing) + total - packing.lanes;

/** Lanes must fit their bits: those of a sum do, whichever micro-batches it holds (see fixed-point.ts). */
export function packLanes(all: Int32Array, packing: Packing): Int32Array<ArrayBuffer> {
  const { lanes, bits } = packing;
  const words = new Int32Array(packedLength(packing, all.length));
  const mask = (1 << bits) - 1;
  let word = 0;
  let filled = 0;
  let at = 0;
  for (let i = 0; i < lanes; i++) {
    const lane = (all[i] ?? 0) & mask;
    word |= lane << filled;
    filled += bits;
    if (filled < 32) continue;
    words[at++] = word;
    filled -= 32;
    word = filled === 0 ? 0 : lane >>> (bits - filled);
  }
  if (filled > 0) words[at++] = word;
  words.set(all.subarray(lanes), at);
  return words;
}

/** Undoes `packLanes`. Undefined where the words cannot be so many lanes. */
export function unpackLanes(words: Int32Array, packing: Packing): Int32Array<ArrayBuffer> | undefined {
  const { lanes, bits } = packing;
  const packed = packedWords(packing);
  if (words.length < packed) return undefined;
  const all = new Int32Array(lanes + words.length - packed);
  const unused = 32 - bits;
  for (let i = 0, bit = 0; i < lanes; i++, bit += bits) {
    const offset = bit & 31;
    const at = Math.floor(bit / 32);
    const low = (words[at] ?? 0) >>> offset;
    const high = offset + bits > 32 ? (words[at + 1] ?? 0) << (32 - offset) : 0;
    all[i] = ((low | high) << unused) >> unused;
  }
  all.set(words.subarray(packed), lanes);
  return all;
}
