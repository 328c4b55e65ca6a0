// Reduce-scatter, then all-gather, W−1 hops each (P. Patarasuk, X. Yuan, "Bandwidth optimal all-reduce algorithms for clusters of
// workstations", 2009). Hop t of rank r carries chunk r−t (scatter) or r+1−(t−(W−1)) (gather), indices modulo W.

import { combineLanes, type LaneLayout } from '../lanes.ts';
import {
  chunkSpan,
  misplaced,
  segmentsFor,
  type MissingPart,
  type OutgoingPart,
  type PartOutcome,
  type Reduction,
  type Span,
} from './parts.ts';

export interface RingReduce extends Reduction {
  readonly kind: 'ring';
  readonly segments: number;
  /** The next hop to receive, of each segment. */
  readonly hops: number[];
  /** Parts that arrived ahead of a lost one. */
  readonly ahead: Map<number, Int32Array<ArrayBuffer>>;
}

export const ringSegments = (world: number, lanes: number): number => segmentsFor(lanes / world);

export function startRing(
  rank: number,
  world: number,
  layout: LaneLayout,
  contribution: Int32Array<ArrayBuffer>,
  start: number,
): RingReduce {
  const segments = ringSegments(world, contribution.length);
  return {
    kind: 'ring',
    rank,
    world,
    layout,
    start,
    lanes: contribution,
    segments,
    hops: new Array<number>(segments).fill(0),
    ahead: new Map(),
    complete: world === 1,
  };
}

export function firstRing(state: RingReduce): readonly OutgoingPart[] {
  const out: OutgoingPart[] = [];
  for (let segment = 0; segment < state.segments; segment++) out.push(partOf(state, segment, 0));
  return out;
}

const modulo = (a: number, n: number): number => ((a % n) + n) % n;

export const hopsIn = (world: number): number => 2 * (world - 1);

/** Which chunk a sender's hop carries. */
function chunkAt(world: number, sender: number, hop: number): number {
  const scatter = world - 1;
  return modulo(hop < scatter ? sender - hop : sender + 1 - (hop - scatter), world);
}

/** The lanes of what a rank sends in one hop of a segment. */
export const ringSpan = (
  lanes: number,
  world: number,
  segments: number,
  sender: number,
  segment: number,
  hop: number,
): Span => chunkSpan(lanes, segments, segment, world, chunkAt(world, sender, hop));

const spanIn = ({ lanes, world, segments }: RingReduce, sender: number, segment: number, hop: number): Span =>
  ringSpan(lanes.length, world, segments, sender, segment, hop);

function partOf(state: RingReduce, segment: number, hop: number): OutgoingPart {
  const { start, end } = spanIn(state, state.rank, segment, hop);
  return {
    toRank: (state.rank + 1) % state.world,
    part: segment * hopsIn(state.world) + hop,
    payload: state.lanes.slice(start, end),
  };
}

export function receiveRing(
  state: RingReduce,
  fromRank: number,
  part: number,
  payload: Int32Array<ArrayBuffer>,
): PartOutcome {
  if (fromRank !== modulo(state.rank - 1, state.world))
    return misplaced(`rank ${fromRank} is not before rank ${state.rank} in the ring`);
  const { segments, hops, ahead } = state;
  const count = hopsIn(state.world);
  const segment = Math.floor(part / count);
  const hop = hops[segment];
  if (part < 0 || hop === undefined) return misplaced(`part ${part} of ${segments * count}`);
  const { start, end } = spanIn(state, fromRank, segment, part % count);
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
    if (next < count) out.push(partOf(state, segment, next));
  }
  hops[segment] = next;
  state.complete = next === count && hops.every((reached) => reached === count);
  return { kind: 'progress', out };
}

function takeHop(state: RingReduce, segment: number, hop: number, payload: Int32Array<ArrayBuffer>): void {
  const { start, end } = spanIn(state, modulo(state.rank - 1, state.world), segment, hop);
  if (hop < state.world - 1)
    combineLanes(state.layout, state.lanes.subarray(start, end), payload, state.start + start);
  else state.lanes.set(payload, start);
}

export function missingInRing({ rank, world, hops, ahead }: RingReduce): readonly MissingPart[] {
  const count = hopsIn(world);
  const overtaken = new Set([...ahead.keys()].map((part) => Math.floor(part / count)));
  overtaken.add(hops.indexOf(Math.min(...hops)));
  const fromRank = modulo(rank - 1, world);
  return [...overtaken].map((segment) => ({ fromRank, part: segment * count + (hops[segment] ?? 0) }));
}

export function ringAgain(state: RingReduce, toRank: number, part: number): OutgoingPart | undefined {
  const count = hopsIn(state.world);
  const segment = Math.floor(part / count);
  const reached = state.hops[segment];
  if (toRank !== (state.rank + 1) % state.world || reached === undefined || part % count > reached)
    return undefined;
  return partOf(state, segment, part % count);
}
