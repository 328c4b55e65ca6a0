// Lanes on the wire: in blocks of 32, each with as many bits a lane as its largest needs. Most of a gradient is far smaller than its tensor's
// largest element, and what has not been touched is zero.
//
//   word 0          n, how many lanes
//   ⌈⌈n / 32⌉ / 4⌉  words with the blocks' widths, a byte each, the first in the lowest byte
//   then            of each block as many words as it has bits a lane: 32 lanes in two's complement, the first in the lowest bits of the first
//                   word; zeros fill the last block
//
// Binary packing (Lemire and Boytsov 2015, Decoding billions of integers per second through vectorization), with a sign. Nothing is lost.

const BLOCK_LANES = 32;
/** So few are sent as they are: they take less than what is said about them. */
const LEAST_LANES = 64;
/**
 * A payload becomes eight times as long at most, or this many lanes, when it is read: a few bytes of a stranger's cannot ask for much memory.
 * Who would write less gives every lane some bits.
 */
const MOST_TIMES = 8;
const ALWAYS_LANES = 32 * 1024;
const ENOUGH_BITS = 4;

/** What lanes become on the wire: found once, since it takes a look at each of them. */
export interface LaneBlocks {
  /** Of each block. */
  readonly widths: Uint8Array<ArrayBuffer>;
  /** Words in all. */
  readonly words: number;
}

const widthWords = (blocks: number): number => Math.ceil(blocks / 4);
const isReadable = (lanes: number, words: number): boolean =>
  lanes <= Math.max(ALWAYS_LANES, MOST_TIMES * words);

/** How to send lanes in blocks; undefined where that saves less than an eighth, and they are sent as they are. */
export function blocksOf(lanes: Int32Array): LaneBlocks | undefined {
  const { length } = lanes;
  if (length < LEAST_LANES) return undefined;
  const most = length - length / 8;
  const blocks = blocksWithin(lanes, 0, most);
  if (blocks === undefined || isReadable(length, blocks.words)) return blocks;
  return blocksWithin(lanes, ENOUGH_BITS, most);
}

/** Blocks of so many bits a lane, at least; undefined where they take more than `most` words. */
function blocksWithin(lanes: Int32Array, least: number, most: number): LaneBlocks | undefined {
  const { length } = lanes;
  const widths = new Uint8Array(Math.ceil(length / BLOCK_LANES));
  let words = 1 + widthWords(widths.length);
  for (let block = 0, i = 0; i < length && words <= most; block++) {
    const end = Math.min(length, i + BLOCK_LANES);
    let magnitudes = 0;
    let any = 0;
    for (; i < end; i++) {
      const lane = lanes[i] ?? 0;
      any |= lane;
      magnitudes |= lane ^ (lane >> 31);
    }
    const width = Math.max(least, any === 0 ? 0 : 33 - Math.clz32(magnitudes));
    widths[block] = width;
    words += width;
  }
  return words <= most ? { widths, words } : undefined;
}

/** Writes lanes as `blocks`, which are theirs, say; `into` has as many words. */
export function writeBlocks(lanes: Int32Array, { widths }: LaneBlocks, into: Int32Array): void {
  into[0] = lanes.length;
  let at = 1 + widthWords(widths.length);
  into.fill(0, 1, at);
  for (let block = 0; block < widths.length; block++) {
    const width = widths[block] ?? 0;
    const place = 1 + (block >>> 2);
    into[place] = (into[place] ?? 0) | (width << (8 * (block & 3)));
    writeBlock(lanes, block * BLOCK_LANES, width, into, at);
    at += width;
  }
}

function writeBlock(lanes: Int32Array, first: number, width: number, into: Int32Array, start: number): void {
  if (width === 0) return;
  const mask = width === 32 ? -1 : (1 << width) - 1;
  const end = Math.min(lanes.length, first + BLOCK_LANES);
  let at = start;
  let word = 0;
  let filled = 0;
  for (let i = first; i < end; i++) {
    const lane = (lanes[i] ?? 0) & mask;
    word |= lane << filled;
    filled += width;
    if (filled < 32) continue;
    into[at++] = word;
    filled -= 32;
    word = filled === 0 ? 0 : lane >>> (width - filled);
  }
  if (at < start + width) into[at++] = word;
  into.fill(0, at, start + width);
}

/** Undoes `writeBlocks`. Undefined where the words are not what it writes. */
export function readBlocks(words: Int32Array): Int32Array<ArrayBuffer> | undefined {
  const length = (words[0] ?? 0) >>> 0;
  const blocks = Math.ceil(length / BLOCK_LANES);
  let at = 1 + widthWords(blocks);
  if (length < LEAST_LANES || at > words.length || !isReadable(length, words.length)) return undefined;
  const widthOf = (block: number): number => ((words[1 + (block >>> 2)] ?? 0) >>> (8 * (block & 3))) & 0xff;
  let total = at;
  for (let block = 0; block < blocks; block++) {
    const width = widthOf(block);
    if (width > 32) return undefined;
    total += width;
  }
  if (total !== words.length) return undefined;
  const lanes = new Int32Array(length);
  for (let block = 0; block < blocks; block++) {
    const width = widthOf(block);
    readBlock(words, at, width, lanes, block * BLOCK_LANES);
    at += width;
  }
  return lanes;
}

function readBlock(words: Int32Array, start: number, width: number, lanes: Int32Array, first: number): void {
  if (width === 0) return;
  const end = Math.min(lanes.length, first + BLOCK_LANES);
  const unused = 32 - width;
  for (let i = first, bit = 0; i < end; i++, bit += width) {
    const offset = bit & 31;
    const at = start + (bit >>> 5);
    const low = (words[at] ?? 0) >>> offset;
    const high = offset + width > 32 ? (words[at + 1] ?? 0) << (32 - offset) : 0;
    lanes[i] = ((low | high) << unused) >> unused;
  }
}
