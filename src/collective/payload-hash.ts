// A hash of lanes that goes through an all-reduce as the lanes do: what a recording keeps of a payload.
//
// H(x) = Σ rⁱ·xᵢ modulo 2³², for an odd r. It is linear, so that the hash of a sum is the sum of the hashes, and moving lanes by
// n multiplies by rⁿ. One lane of value H(x) before zeros therefore stands for x: whatever adds and cuts lanes (between the
// same bounds) arrives at the hash that it would have arrived at with x itself. Not cryptographic: it shows divergence.

/** Odd, so that no bit of a lane is lost. The multiplier of a generator in "Numerical Recipes" (1992), section 7.1. */
const RADIX = 1664525;
const RADIX_2 = Math.imul(RADIX, RADIX);
const RADIX_3 = Math.imul(RADIX_2, RADIX);
const RADIX_4 = Math.imul(RADIX_3, RADIX);

/**
 * Of the lanes from `start` to `end`, as if they were the first. By Horner's rule, which makes each product wait for the one before; so in
 * four sums of every fourth lane, which wait for nothing of each other. Every payload of a recorded run is hashed, and hashed again when it
 * is replayed.
 */
export function payloadHash(lanes: Int32Array, start = 0, end = lanes.length): number {
  const whole = start + ((end - start) & ~3);
  let a = 0;
  for (let i = end - 1; i >= whole; i--) a = (Math.imul(a, RADIX) + (lanes[i] ?? 0)) | 0;
  let [b, c, d] = [0, 0, 0];
  for (let i = whole - 4; i >= start; i -= 4) {
    a = (Math.imul(a, RADIX_4) + (lanes[i] ?? 0)) | 0;
    b = (Math.imul(b, RADIX_4) + (lanes[i + 1] ?? 0)) | 0;
    c = (Math.imul(c, RADIX_4) + (lanes[i + 2] ?? 0)) | 0;
    d = (Math.imul(d, RADIX_4) + (lanes[i + 3] ?? 0)) | 0;
  }
  return (a + Math.imul(b, RADIX) + Math.imul(c, RADIX_2) + Math.imul(d, RADIX_3)) | 0;
}

/** A run of lanes as a recording keeps it: the hash of so many, or the lanes themselves. */
export type Segment =
  { readonly lanes: number; readonly hash: number } | { readonly values: readonly number[] };

/**
 * Splits lanes at `cuts` (ascending, without 0 and the end), and hashes of each piece what lies before `verbatim`: the side
 * lanes that the protocol reads are kept.
 */
export function condense(lanes: Int32Array, cuts: readonly number[], verbatim: number): Segment[] {
  const segments: Segment[] = [];
  const bounds = [...cuts.filter((cut) => cut > 0 && cut < lanes.length), lanes.length];
  let start = 0;
  for (const end of bounds) {
    const hashed = Math.max(start, Math.min(end, verbatim));
    if (hashed > start) segments.push({ lanes: hashed - start, hash: payloadHash(lanes, start, hashed) });
    if (end > hashed) segments.push({ values: Array.from(lanes.subarray(hashed, end)) });
    start = end;
  }
  return segments;
}

/** Lanes that stand for the ones that were condensed. */
export function standIn(segments: readonly Segment[]): Int32Array<ArrayBuffer> {
  const length = segments.reduce((sum, s) => sum + ('hash' in s ? s.lanes : s.values.length), 0);
  const lanes = new Int32Array(length);
  let at = 0;
  for (const segment of segments) {
    if ('hash' in segment) {
      lanes[at] = segment.hash;
      at += segment.lanes;
    } else {
      lanes.set(segment.values, at);
      at += segment.values.length;
    }
  }
  return lanes;
}
