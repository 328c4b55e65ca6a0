// Stretches of time, found by when they are: those that a view shows, at a level of detail that it can draw. Each coarser level holds one
// stretch of all that would cover the same pixels.

/** Something that begins and ends at positions (milliseconds, or places in an order) between two columns. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly start: number;
  /** Not before the start. */
  readonly end: number;
  /** What may be drawn for one another: the index of a colour, and the like. */
  readonly kind: number;
  /** Whose it is: an index into what the stretches were made from. */
  readonly item: number;
}

export interface SpanIndex {
  readonly size: number;
  /** Those that touch the range, all of them. */
  within(top: number, bottom: number): readonly Stretch[];
  /** The same, but at most `budget`, each standing for all that look like it. */
  sketch(top: number, bottom: number, budget: number): readonly Stretch[];
}

interface Level {
  readonly stretches: readonly Stretch[];
  /** The latest end among the stretches up to this one: never falls. */
  readonly latest: Float64Array;
}

/** Coarser levels stop here: this many can be drawn whatever the view. */
const SMALL = 512;

export function createSpanIndex(unsorted: readonly Stretch[]): SpanIndex {
  const all = unsorted.toSorted((a, b) => a.start - b.start);
  const levels: Level[] = [levelOf(all)];
  let bucket = extent(all) / 65_536;

  /** One level coarser; undefined: there is none. */
  function coarser(): Level | undefined {
    const last = levels.at(-1);
    if (last === undefined || last.stretches.length <= SMALL || levels.length > 24) return undefined;
    bucket *= 2;
    const next = levelOf(merged(last.stretches, bucket));
    levels.push(next);
    return next;
  }

  return {
    size: all.length,
    within: (top, bottom) => read(levels[0], top, bottom),
    sketch(top, bottom, budget) {
      for (let i = 0; ; i++) {
        const level = levels[i] ?? coarser();
        if (level === undefined) break;
        const found = read(level, top, bottom, budget);
        if (found.length <= budget) return found;
      }
      // Even the coarsest is too much: an even choice of it.
      const found = read(levels.at(-1), top, bottom);
      const every = Math.ceil(found.length / budget);
      return found.filter((_, i) => i % every === 0);
    },
  };
}

const extent = (all: readonly Stretch[]): number =>
  Math.max(1, (all.at(-1)?.start ?? 0) - (all[0]?.start ?? 0));

function levelOf(stretches: readonly Stretch[]): Level {
  const latest = new Float64Array(stretches.length);
  let end = -Infinity;
  for (const [i, stretch] of stretches.entries()) {
    end = Math.max(end, stretch.end);
    latest[i] = end;
  }
  return { stretches, latest };
}

/** One of each that begin and end in the same buckets, between the same columns, with the same looks. */
function merged(stretches: readonly Stretch[], bucket: number): readonly Stretch[] {
  const kept: Stretch[] = [];
  const seen = new Map<string, number>();
  let current = -1;
  for (const stretch of stretches) {
    const begins = Math.floor(stretch.start / bucket);
    if (begins !== current) {
      seen.clear();
      current = begins;
    }
    const key = `${stretch.from} ${stretch.to} ${stretch.kind} ${Math.floor(stretch.end / bucket)}`;
    const place = seen.get(key);
    const known = place === undefined ? undefined : kept[place];
    if (place === undefined || known === undefined) {
      seen.set(key, kept.length);
      kept.push(stretch);
    } else if (stretch.end > known.end) kept[place] = { ...known, end: stretch.end };
  }
  return kept;
}

/** Places of the first that may touch the range, and of the first that comes after it. */
function range({ stretches, latest }: Level, top: number, bottom: number): readonly [number, number] {
  const first = firstPlace(stretches.length, (i) => (latest[i] ?? 0) >= top);
  const past = firstPlace(stretches.length, (i) => (stretches[i]?.start ?? 0) > bottom);
  return [first, Math.max(first, past)];
}

/** Those that touch the range; no more than one above the limit. */
function read(level: Level | undefined, top: number, bottom: number, limit = Infinity): readonly Stretch[] {
  if (level === undefined) return [];
  const [first, past] = range(level, top, bottom);
  const found: Stretch[] = [];
  for (let i = first; i < past && found.length <= limit; i++) {
    const stretch = level.stretches[i];
    if (stretch !== undefined && stretch.end >= top) found.push(stretch);
  }
  return found;
}

/** The first place from which on the condition holds, by halving. */
function firstPlace(length: number, holds: (place: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
