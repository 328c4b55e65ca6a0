// How a gradient is cut into buckets, which are exchanged one by one: between layers, from the last to the first, since that is the
// order in which backward makes them. The exchange of one runs while the next is computed.

/** Runs of lanes, in the order in which they are exchanged. The side lanes go last: they tell of the whole contribution. */
export interface Bucket {
  readonly start: number;
  readonly end: number;
}

/** Lanes of a bucket that is worth its messages, and of one that may go where a long layer comes next. */
export interface BucketSizes {
  readonly usual: number;
  readonly least: number;
}

/** 128 KiB in 32 bits are some 10 ms of a link between two tabs, of which a message costs a hundredth (docs/benchmarks.md). */
const SIZES: BucketSizes = { usual: 32 * 1024, least: 4 * 1024 };
/** Every bucket costs a hop of latency for each rank of a ring: a large model has no more of them. */
const MOST_BUCKETS = 12;

/** Lanes that backward completes together. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** Lanes at which a gradient is cut, ascending; none where it is one bucket together with the side lanes. */
export function bucketCuts(layers: readonly Extent[], sizes: BucketSizes = SIZES): readonly number[] {
  const last = layers.at(-1);
  if (last === undefined) return [];
  let end = last.offset + last.length;
  const usual = Math.max(sizes.usual, Math.ceil(end / MOST_BUCKETS));
  const cuts: number[] = [];
  for (let i = layers.length - 1; i > 0; i--) {
    const start = layers[i]?.offset ?? 0;
    const filled = end - start;
    const withNext = filled + (layers[i - 1]?.length ?? 0);
    if (filled < usual && (filled < sizes.least || withNext <= usual)) continue;
    cuts.unshift(start);
    end = start;
  }
  return cuts;
}

export function bucketsOf(gradient: number, length: number, cuts: readonly number[]): readonly Bucket[] {
  if (cuts.length === 0) return [{ start: 0, end: length }];
  const bounds = [0, ...cuts, gradient];
  const made = cuts.map((cut, i) => ({ start: cut, end: bounds[i + 2] ?? gradient })).reverse();
  return [...made, { start: 0, end: bounds[1] ?? gradient }, { start: gradient, end: length }];
}
