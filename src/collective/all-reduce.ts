// All-reduce of one bucket of a step's lanes as a state machine without IO: parts in, parts out.
//
// `ring`: reduce-scatter, then all-gather, W−1 hops each (P. Patarasuk, X. Yuan, "Bandwidth optimal all-reduce algorithms for
// clusters of workstations", 2009). Hop t of rank r carries chunk r−t (scatter) or r+1−(t−(W−1)) (gather), indices modulo W.
// `direct`: everyone sends everything to everyone; for two ranks, and for few lanes, where hops cost more than bytes.
// `tree`: a large world reduces within each row, across the leaders, and back (see tree.ts): part 0 is the sum of a subtree on
// its way up, part 1 the whole on its way down. Sums and maxima are associative, so the bits are those of any other way.
//
// Long vectors go in segments, each an exchange of its own: one is checked, added and forwarded while the next is on the wire.
// Otherwise two ranks on two cores move data for only three quarters of the time (measured at 4 MiB).
//
// Nothing outlives an abort: the state is dropped. A part may arrive twice, or ahead of one that was lost; a lost one is asked
// for again, and the sender can still make it, because a chunk changes only after its receiver has used it.

import { combineLanes, type LaneLayout } from './lanes.ts';
import { childrenOf, parentOf } from './tree.ts';

/** Up to this many lanes go directly. */
const DIRECT_LANES = 4096;
/** Between two ranks, up to so many: a direct exchange puts the whole vector into the send queue at once. */
const DIRECT_LANES_OF_TWO = 8 * 1024 * 1024;
/**
 * Lanes of one part, at most, where there are segments: little to wait for and much beside its header. Just less than 128 KiB, so that part
 * and header fill two frames of the transport, and no third one travels for the rest of them.
 */
export const PART_LANES = 32 * 1024 - 128;
const MAX_SEGMENTS = 512;

export interface OutgoingPart {
  readonly toRank: number;
  readonly part: number;
  /** Not to be changed. */
  readonly payload: Int32Array<ArrayBuffer>;
  /** The lane that it starts at. */
  readonly start: number;
}

export interface MissingPart {
  readonly fromRank: number;
  readonly part: number;
}

export interface AllReduce {
  readonly kind: 'ring' | 'direct' | 'tree';
  readonly rank: number;
  readonly world: number;
  readonly layout: LaneLayout;
  /** The bucket's first lane. */
  readonly start: number;
  /** The running result; complete when `complete` says so. direct: of a segment, once a contribution to it is in. */
  readonly lanes: Int32Array<ArrayBuffer>;
  /** tree: ranks in a row. */
  readonly width: number | undefined;
  /** direct: what this rank contributed; tree: what it sent up. For sending again. */
  own: Int32Array<ArrayBuffer> | undefined;
  readonly segments: number;
  /** ring: the next hop to receive, of each segment. */
  readonly hops: number[];
  /** direct: ranks whose contribution is in; tree: oneself, and children whose subtree is in. */
  readonly from: Set<number>;
  /** direct: parts that are in. */
  readonly pieces: Set<number>;
  /** ring: parts that arrived ahead of a lost one. */
  readonly ahead: Map<number, Int32Array<ArrayBuffer>>;
  complete: boolean;
}

export type PartOutcome =
  | { readonly kind: 'progress'; readonly out: readonly OutgoingPart[] }
  /** A duplicate: nothing to do. */
  | { readonly kind: 'ignored' }
  /** The part cannot belong to this all-reduce. */
  | { readonly kind: 'invalid'; readonly wrong: 'place' | 'size'; readonly detail: string };

/** tree: the sum of the sender's subtree, and the sum of all. */
const UP = 0;
const DOWN = 1;

/** `width`: ranks in a row, where the world is a hierarchy. */
export const allReduceKind = (world: number, lanes: number, width?: number): AllReduce['kind'] =>
  width !== undefined
    ? 'tree'
    : lanes <= (world <= 2 ? DIRECT_LANES_OF_TWO : DIRECT_LANES)
      ? 'direct'
      : 'ring';

/** In how many segments lanes go: the same on all ranks. */
function segmentsOf(kind: AllReduce['kind'], world: number, lanes: number): number {
  if (kind === 'tree') return 1;
  const inPart = kind === 'direct' ? lanes : lanes / world;
  return Math.max(1, Math.min(MAX_SEGMENTS, Math.ceil(inPart / PART_LANES)));
}

const bound = (length: number, world: number, chunk: number): number => Math.floor((chunk * length) / world);
const modulo = (a: number, n: number): number => ((a % n) + n) % n;

/** Takes over `contribution`: the lanes from `start` on, all of them or a bucket. */
export function startAllReduce(
  rank: number,
  world: number,
  layout: LaneLayout,
  contribution: Int32Array<ArrayBuffer>,
  width?: number,
  start = 0,
): { readonly state: AllReduce; readonly out: readonly OutgoingPart[] } {
  const kind = allReduceKind(world, contribution.length, width);
  const segments = segmentsOf(kind, world, contribution.length);
  // Copied a segment at a time, while others are under way: before the first leaves, nothing is on the wire.
  const isCopied = kind === 'direct' && world > 1;
  const state: AllReduce = {
    kind,
    rank,
    world,
    layout,
    start,
    lanes: isCopied ? new Int32Array(contribution.length) : contribution,
    width,
    own: isCopied ? contribution : undefined,
    segments,
    hops: kind === 'ring' ? new Array<number>(segments).fill(0) : [],
    from: new Set([rank]),
    pieces: new Set(),
    ahead: new Map(),
    complete: world === 1,
  };
  if (world === 1) return { state, out: [] };
  if (kind === 'tree') return { state, out: passUp(state) };
  const out: OutgoingPart[] = [];
  for (let segment = 0; segment < segments; segment++) {
    if (kind === 'ring') out.push(ringPart(state, segment, 0));
    else for (let to = 0; to < world; to++) if (to !== rank) out.push(directPart(state, segment, to));
  }
  return { state, out };
}

const hopsIn = (world: number): number => 2 * (world - 1);

/** Parts of one segment: hops of a ring, contributions of a direct exchange. */
const partsIn = (kind: AllReduce['kind'], world: number): number => (kind === 'ring' ? hopsIn(world) : world);

/** Which chunk a sender's hop carries. */
function chunkAt(world: number, sender: number, hop: number): number {
  const scatter = world - 1;
  return modulo(hop < scatter ? sender - hop : sender + 1 - (hop - scatter), world);
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** A chunk of a segment. Segments follow each other; in `direct` each has one chunk. */
function chunkSpan(lanes: number, segments: number, segment: number, chunks: number, chunk: number): Span {
  const start = bound(lanes, segments, segment);
  const length = bound(lanes, segments, segment + 1) - start;
  return { start: start + bound(length, chunks, chunk), end: start + bound(length, chunks, chunk + 1) };
}

/** The lanes of what a rank sends in one hop of a segment. */
const ringSpan = ({ lanes, world, segments }: AllReduce, sender: number, segment: number, hop: number) =>
  chunkSpan(lanes.length, segments, segment, world, chunkAt(world, sender, hop));

/** Where a bucket's lanes are cut into the parts of a flat world. */
export function partBounds(world: number, lanes: number): readonly number[] {
  const kind = allReduceKind(world, lanes);
  const segments = segmentsOf(kind, world, lanes);
  const chunks = kind === 'ring' ? world : 1;
  const starts: number[] = [];
  for (let segment = 0; segment < segments; segment++)
    for (let chunk = 0; chunk < chunks; chunk++)
      starts.push(chunkSpan(lanes, segments, segment, chunks, chunk).start);
  return starts.slice(1);
}

/** Which of a bucket's lanes a part of a flat world starts at. */
export function partStart(world: number, lanes: number, fromRank: number, part: number): number {
  const kind = allReduceKind(world, lanes);
  const segments = segmentsOf(kind, world, lanes);
  const segment = Math.floor(part / partsIn(kind, world)) % segments;
  return kind === 'ring'
    ? chunkSpan(lanes, segments, segment, world, chunkAt(world, fromRank, part % hopsIn(world))).start
    : chunkSpan(lanes, segments, segment, 1, 0).start;
}

function directPart(state: AllReduce, segment: number, toRank: number): OutgoingPart {
  const { start, end } = chunkSpan(state.lanes.length, state.segments, segment, 1, 0);
  const lanes = state.own ?? state.lanes;
  const part = segment * state.world + state.rank;
  // Not copied: what a rank contributed does not change any more.
  return { toRank, part, payload: lanes.subarray(start, end), start: state.start + start };
}

function ringPart(state: AllReduce, segment: number, hop: number): OutgoingPart {
  const { start, end } = ringSpan(state, state.rank, segment, hop);
  return {
    toRank: (state.rank + 1) % state.world,
    part: segment * hopsIn(state.world) + hop,
    payload: state.lanes.slice(start, end),
    start: state.start + start,
  };
}

export function receivePart(
  state: AllReduce,
  fromRank: number,
  part: number,
  payload: Int32Array<ArrayBuffer>,
): PartOutcome {
  switch (state.kind) {
    case 'direct':
      return receiveDirect(state, fromRank, part, payload);
    case 'ring':
      return receiveRing(state, fromRank, part, payload);
    case 'tree':
      return receiveTree(state, fromRank, part, payload);
  }
}

function receiveDirect(state: AllReduce, fromRank: number, part: number, payload: Int32Array): PartOutcome {
  const { world, segments, pieces, from } = state;
  if (part < 0 || part % world !== fromRank || fromRank === state.rank)
    return { kind: 'invalid', wrong: 'place', detail: `part ${part} came from rank ${fromRank}` };
  const segment = (part - fromRank) / world;
  if (segment >= segments)
    return { kind: 'invalid', wrong: 'place', detail: `segment ${segment} of ${segments}` };
  const { start, end } = chunkSpan(state.lanes.length, segments, segment, 1, 0);
  if (payload.length !== end - start)
    return {
      kind: 'invalid',
      wrong: 'size',
      detail: `${payload.length} lanes where ${end - start} were expected`,
    };
  if (pieces.has(part)) return { kind: 'ignored' };
  if (state.own !== undefined && !isBegun(state, segment))
    state.lanes.set(state.own.subarray(start, end), start);
  pieces.add(part);
  combineLanes(state.layout, state.lanes.subarray(start, end), payload, state.start + start);
  if (piecesMissing(state, fromRank).next().done === true) from.add(fromRank);
  state.complete = from.size === world;
  return { kind: 'progress', out: [] };
}

/** Whether any contribution to a segment is in. */
function isBegun({ pieces, world }: AllReduce, segment: number): boolean {
  for (let from = 0; from < world; from++) if (pieces.has(segment * world + from)) return true;
  return false;
}

/** Segments of a rank's contribution that are not in. */
function* piecesMissing({ segments, pieces, world }: AllReduce, fromRank: number): Generator<number> {
  for (let segment = 0; segment < segments; segment++) {
    const part = segment * world + fromRank;
    if (!pieces.has(part)) yield part;
  }
}

const children = ({ rank, world, width = world }: AllReduce): readonly number[] =>
  childrenOf(rank, world, width);
const parent = ({ rank, world, width = world }: AllReduce): number | undefined => parentOf(rank, width);

/** Once the subtree is whole, its sum goes up; what rank 0 then has is the sum of all, and goes down. */
function passUp(state: AllReduce): readonly OutgoingPart[] {
  if (children(state).some((child) => !state.from.has(child))) return [];
  const toRank = parent(state);
  if (toRank === undefined) return passDown(state);
  state.own = state.lanes.slice();
  return [{ toRank, part: UP, payload: state.own.slice(), start: state.start }];
}

function passDown(state: AllReduce): readonly OutgoingPart[] {
  state.complete = true;
  return children(state).map((toRank) => ({
    toRank,
    part: DOWN,
    payload: state.lanes.slice(),
    start: state.start,
  }));
}

function receiveTree(state: AllReduce, fromRank: number, part: number, payload: Int32Array): PartOutcome {
  const fromParent = part === DOWN && fromRank === parent(state);
  const fromChild = part === UP && parentOf(fromRank, state.width ?? state.world) === state.rank;
  if (!fromParent && !fromChild)
    return { kind: 'invalid', wrong: 'place', detail: `part ${part} came from rank ${fromRank}` };
  if (payload.length !== state.lanes.length)
    return {
      kind: 'invalid',
      wrong: 'size',
      detail: `${payload.length} lanes where ${state.lanes.length} were expected`,
    };
  if (state.complete || state.from.has(fromRank)) return { kind: 'ignored' };
  if (fromChild) {
    state.from.add(fromRank);
    combineLanes(state.layout, state.lanes, payload, state.start);
    return { kind: 'progress', out: passUp(state) };
  }
  if (state.own === undefined)
    return {
      kind: 'invalid',
      wrong: 'place',
      detail: 'the sum of all came before this rank had contributed',
    };
  state.lanes.set(payload);
  return { kind: 'progress', out: passDown(state) };
}

function receiveRing(
  state: AllReduce,
  fromRank: number,
  part: number,
  payload: Int32Array<ArrayBuffer>,
): PartOutcome {
  const previous = modulo(state.rank - 1, state.world);
  if (fromRank !== previous)
    return {
      kind: 'invalid',
      wrong: 'place',
      detail: `rank ${fromRank} is not before rank ${state.rank} in the ring`,
    };
  const { segments, hops, ahead } = state;
  const count = hopsIn(state.world);
  const segment = Math.floor(part / count);
  const hop = hops[segment];
  if (part < 0 || hop === undefined)
    return { kind: 'invalid', wrong: 'place', detail: `part ${part} of ${segments * count}` };
  const { start, end } = ringSpan(state, fromRank, segment, part % count);
  if (payload.length !== end - start)
    return {
      kind: 'invalid',
      wrong: 'size',
      detail: `${payload.length} lanes in part ${part} where ${end - start} were expected`,
    };
  if (part % count < hop || ahead.has(part)) return { kind: 'ignored' };
  ahead.set(part, payload);
  const out: OutgoingPart[] = [];
  let next = hop;
  for (;;) {
    const key = segment * count + next;
    const taken = ahead.get(key);
    if (taken === undefined) break;
    ahead.delete(key);
    takeHop(state, segment, next, taken);
    next += 1;
    if (next < count) out.push(ringPart(state, segment, next));
  }
  hops[segment] = next;
  state.complete = next === count && hops.every((reached) => reached === count);
  return { kind: 'progress', out };
}

function takeHop(state: AllReduce, segment: number, hop: number, payload: Int32Array<ArrayBuffer>): void {
  const { start, end } = ringSpan(state, modulo(state.rank - 1, state.world), segment, hop);
  if (hop < state.world - 1)
    combineLanes(state.layout, state.lanes.subarray(start, end), payload, state.start + start);
  else state.lanes.set(payload, start);
}

/** The children whose subtrees are not in, or else what comes down from the parent. */
function missingInTree(state: AllReduce): readonly MissingPart[] {
  const above = parent(state);
  if (state.own !== undefined && above !== undefined) return [{ fromRank: above, part: DOWN }];
  return children(state)
    .filter((child) => !state.from.has(child))
    .map((fromRank) => ({ fromRank, part: UP }));
}

/**
 * What this rank waits for. Links keep their order: of what is still to come, only the first part of each sender is named, and every
 * part that another has overtaken.
 */
export function missingParts(state: AllReduce): readonly MissingPart[] {
  if (state.complete) return [];
  if (state.kind === 'ring') return missingInRing(state);
  if (state.kind === 'tree') return missingInTree(state);
  const missing: MissingPart[] = [];
  for (let fromRank = 0; fromRank < state.world; fromRank++) {
    if (state.from.has(fromRank)) continue;
    const newest = Math.max(-1, ...[...state.pieces].filter((part) => part % state.world === fromRank));
    for (const part of piecesMissing(state, fromRank)) {
      missing.push({ fromRank, part });
      if (part > newest) break;
    }
  }
  return missing;
}

function missingInRing({ rank, world, hops, ahead }: AllReduce): readonly MissingPart[] {
  const count = hopsIn(world);
  const overtaken = new Set([...ahead.keys()].map((part) => Math.floor(part / count)));
  overtaken.add(hops.indexOf(Math.min(...hops)));
  const fromRank = modulo(rank - 1, world);
  return [...overtaken].map((segment) => ({ fromRank, part: segment * count + (hops[segment] ?? 0) }));
}

/** A part once more, where it was lost; undefined when this rank has not come to it, or `toRank` is not its receiver. */
export function partAgain(state: AllReduce, toRank: number, part: number): OutgoingPart | undefined {
  if (toRank === state.rank || toRank < 0 || toRank >= state.world) return undefined;
  if (state.kind === 'tree') {
    const payload =
      part === UP && toRank === parent(state)
        ? state.own
        : part === DOWN && state.complete && children(state).includes(toRank)
          ? state.lanes
          : undefined;
    return payload === undefined ? undefined : { toRank, part, payload: payload.slice(), start: state.start };
  }
  if (part < 0) return undefined;
  const count = partsIn(state.kind, state.world);
  const segment = Math.floor(part / count);
  if (state.kind === 'direct')
    return part % count === state.rank && segment < state.segments && state.own !== undefined
      ? directPart(state, segment, toRank)
      : undefined;
  const reached = state.hops[segment];
  if (toRank !== (state.rank + 1) % state.world || reached === undefined || part % count > reached)
    return undefined;
  return ringPart(state, segment, part % count);
}
