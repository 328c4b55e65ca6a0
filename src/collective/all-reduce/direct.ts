// Everyone sends everything to everyone: for two ranks, and for few lanes, where hops cost more than bytes.

import { combineLanes, type LaneLayout } from '../lanes.ts';
import {
  chunkSpan,
  misplaced,
  missized,
  segmentsFor,
  type MissingPart,
  type OutgoingPart,
  type PartOutcome,
  type Reduction,
  type Span,
} from './parts.ts';

export interface DirectReduce extends Reduction {
  readonly kind: 'direct';
  readonly segments: number;
  /** What this rank contributed, for sending again. In `lanes` a segment holds it once another contribution to it is in. */
  readonly own: Int32Array<ArrayBuffer>;
  /** Ranks whose contribution is in. */
  readonly from: Set<number>;
  /** Parts that are in. */
  readonly pieces: Set<number>;
}

export const directSegments = (lanes: number): number => segmentsFor(lanes);

export function startDirect(
  rank: number,
  world: number,
  layout: LaneLayout,
  contribution: Int32Array<ArrayBuffer>,
  start: number,
): DirectReduce {
  return {
    kind: 'direct',
    rank,
    world,
    layout,
    start,
    // Copied a segment at a time, while others are under way: before the first leaves, nothing is on the wire.
    lanes: world > 1 ? new Int32Array(contribution.length) : contribution,
    own: contribution,
    segments: directSegments(contribution.length),
    from: new Set([rank]),
    pieces: new Set(),
    complete: world === 1,
  };
}

export function firstDirect(state: DirectReduce): readonly OutgoingPart[] {
  const out: OutgoingPart[] = [];
  for (let segment = 0; segment < state.segments; segment++)
    for (let to = 0; to < state.world; to++) if (to !== state.rank) out.push(partOf(state, segment, to));
  return out;
}

/** The lanes of a segment, which is one chunk. */
export const directSpan = (lanes: number, segments: number, segment: number): Span =>
  chunkSpan(lanes, segments, segment, 1, 0);

function partOf(state: DirectReduce, segment: number, toRank: number): OutgoingPart {
  const { start, end } = directSpan(state.lanes.length, state.segments, segment);
  const part = segment * state.world + state.rank;
  // Not copied: what a rank contributed does not change any more.
  return { toRank, part, payload: state.own.subarray(start, end) };
}

export function receiveDirect(
  state: DirectReduce,
  fromRank: number,
  part: number,
  payload: Int32Array,
): PartOutcome {
  const { world, segments, pieces, from } = state;
  if (part < 0 || part % world !== fromRank || fromRank === state.rank)
    return misplaced(`part ${part} came from rank ${fromRank}`);
  const segment = (part - fromRank) / world;
  if (segment >= segments) return misplaced(`segment ${segment} of ${segments}`);
  const { start, end } = directSpan(state.lanes.length, segments, segment);
  if (payload.length !== end - start) return missized(payload.length, end - start);
  if (pieces.has(part)) return { kind: 'ignored' };
  if (!isBegun(state, segment)) state.lanes.set(state.own.subarray(start, end), start);
  pieces.add(part);
  combineLanes(state.layout, state.lanes.subarray(start, end), payload, state.start + start);
  if (piecesMissing(state, fromRank).next().done === true) from.add(fromRank);
  state.complete = from.size === world;
  return { kind: 'progress', out: [] };
}

/** Whether any contribution to a segment is in. */
function isBegun({ pieces, world }: DirectReduce, segment: number): boolean {
  for (let from = 0; from < world; from++) if (pieces.has(segment * world + from)) return true;
  return false;
}

/** Segments of a rank's contribution that are not in. */
function* piecesMissing({ segments, pieces, world }: DirectReduce, fromRank: number): Generator<number> {
  for (let segment = 0; segment < segments; segment++) {
    const part = segment * world + fromRank;
    if (!pieces.has(part)) yield part;
  }
}

export function missingInDirect(state: DirectReduce): readonly MissingPart[] {
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

export function directAgain(state: DirectReduce, toRank: number, part: number): OutgoingPart | undefined {
  const segment = Math.floor(part / state.world);
  return part >= 0 && part % state.world === state.rank && segment < state.segments
    ? partOf(state, segment, toRank)
    : undefined;
}
