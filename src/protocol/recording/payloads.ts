// Payloads in a recording: lanes and state bytes as hashes that the core can go on with, the side lanes as they are.

import * as v from 'valibot';
import { condense, payloadHash, standIn, type Segment } from '../../collective/payload-hash.ts';

/** Longer than any payload that the codec lets through; a file must not ask for more memory. */
const MAX_LANES = 64 * 1024 * 1024;

const int32 = v.pipe(v.number(), v.integer(), v.minValue(-0x80000000), v.maxValue(0x7fffffff));
const lanesCount = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_LANES));

/** `[n, hash]` for n lanes that are hashed, `{ v }` for lanes as they are. */
export const LanesSchema = v.pipe(
  v.array(v.union([v.strictTuple([lanesCount, int32]), v.strictObject({ v: v.array(int32) })])),
  v.check(
    (items) => items.reduce((sum, item) => sum + ('v' in item ? item.v.length : item[0]), 0) <= MAX_LANES,
    `Expected at most ${MAX_LANES} lanes`,
  ),
);
export type RecordedLanes = v.InferOutput<typeof LanesSchema>;

const toJson = (segment: Segment): RecordedLanes[number] =>
  'hash' in segment ? [segment.lanes, segment.hash] : { v: [...segment.values] };
const fromJson = (item: RecordedLanes[number]): Segment =>
  'v' in item ? { values: item.v } : { lanes: item[0], hash: item[1] };

export const recordLanes = (lanes: Int32Array, cuts: readonly number[], verbatim: number): RecordedLanes =>
  condense(lanes, cuts, verbatim).map(toJson);
export const restoreLanes = (recorded: RecordedLanes): Int32Array<ArrayBuffer> =>
  standIn(recorded.map(fromJson));

const byte = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255));

/** Bytes as words of 4, hashed, and the bytes that are left over. */
export const BytesSchema = v.strictObject({
  words: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_LANES)),
  hash: int32,
  rest: v.pipe(v.array(byte), v.maxLength(3)),
});
export type RecordedBytes = v.InferOutput<typeof BytesSchema>;

export function recordBytes(bytes: Uint8Array): RecordedBytes {
  const words = Math.floor(bytes.length / 4);
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return {
    words,
    hash: payloadHash(new Int32Array(aligned.buffer, aligned.byteOffset, words)),
    rest: Array.from(bytes.subarray(words * 4)),
  };
}

export function restoreBytes({ words, hash, rest }: RecordedBytes): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(words * 4 + rest.length);
  if (words > 0) new Int32Array(bytes.buffer, 0, words)[0] = hash;
  bytes.set(rest, words * 4);
  return bytes;
}
