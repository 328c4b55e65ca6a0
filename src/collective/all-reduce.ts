// All-reduce of one bucket of a step's lanes as a state machine without IO: parts in, parts out.
//
// `ring`: reduce-scatter, then all-gather. `direct`: everyone sends everything to everyone. `tree`: a large world reduces in a hierarchy.
// Sums and maxima are associative, so the bits are those of any other way.
//
// Long vectors go in segments, each an exchange of its own: one is checked, added and forwarded while the next is on the wire.
// Otherwise two ranks on two cores move data for only three quarters of the time (measured at 4 MiB).
//
// Nothing outlives an abort: the state is dropped. A part may arrive twice, or ahead of one that was lost; a lost one is asked
// for again, and the sender can still make it, because a chunk changes only after its receiver has used it.

import type { LaneLayout } from './lanes.ts';
import {
  directAgain,
  directSegments,
  directSpan,
  firstDirect,
  missingInDirect,
  receiveDirect,
  startDirect,
  type DirectReduce,
} from './all-reduce/direct.ts';
import { chunkSpan, type MissingPart, type OutgoingPart, type PartOutcome } from './all-reduce/parts.ts';
import {
  firstRing,
  hopsIn,
  missingInRing,
  receiveRing,
  ringAgain,
  ringSegments,
  ringSpan,
  startRing,
  type RingReduce,
} from './all-reduce/ring.ts';
import {
  missingInTree,
  passUp,
  receiveTree,
  startTree,
  treeAgain,
  type TreeReduce,
} from './all-reduce/tree.ts';

export { PART_LANES, type MissingPart, type OutgoingPart, type PartOutcome } from './all-reduce/parts.ts';

/** Up to this many lanes go directly. */
const DIRECT_LANES = 4096;
/** Between two ranks, up to so many: a direct exchange puts the whole vector into the send queue at once. */
const DIRECT_LANES_OF_TWO = 8 * 1024 * 1024;

export type AllReduce = DirectReduce | RingReduce | TreeReduce;

/** How lanes go where the world is no hierarchy. */
const flatKind = (world: number, lanes: number): 'direct' | 'ring' =>
  lanes <= (world <= 2 ? DIRECT_LANES_OF_TWO : DIRECT_LANES) ? 'direct' : 'ring';

/** `width`: ranks in a row, where the world is a hierarchy. */
export const allReduceKind = (world: number, lanes: number, width?: number): AllReduce['kind'] =>
  width !== undefined ? 'tree' : flatKind(world, lanes);

/** Takes over `contribution`: the lanes from `start` on, all of them or a bucket. */
export function startAllReduce(
  rank: number,
  world: number,
  layout: LaneLayout,
  contribution: Int32Array<ArrayBuffer>,
  width?: number,
  start = 0,
): { readonly state: AllReduce; readonly out: readonly OutgoingPart[] } {
  if (width !== undefined) {
    const state = startTree(rank, world, layout, contribution, start, width);
    return { state, out: world === 1 ? [] : passUp(state) };
  }
  if (flatKind(world, contribution.length) === 'ring') {
    const state = startRing(rank, world, layout, contribution, start);
    return { state, out: world === 1 ? [] : firstRing(state) };
  }
  const state = startDirect(rank, world, layout, contribution, start);
  return { state, out: firstDirect(state) };
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

/**
 * What this rank waits for. Links keep their order: of what is still to come, only the first part of each sender is named, and every
 * part that another has overtaken.
 */
export function missingParts(state: AllReduce): readonly MissingPart[] {
  if (state.complete) return [];
  switch (state.kind) {
    case 'direct':
      return missingInDirect(state);
    case 'ring':
      return missingInRing(state);
    case 'tree':
      return missingInTree(state);
  }
}

/** A part once more, where it was lost; undefined when this rank has not come to it, or `toRank` is not its receiver. */
export function partAgain(state: AllReduce, toRank: number, part: number): OutgoingPart | undefined {
  if (toRank === state.rank || toRank < 0 || toRank >= state.world) return undefined;
  switch (state.kind) {
    case 'direct':
      return directAgain(state, toRank, part);
    case 'ring':
      return ringAgain(state, toRank, part);
    case 'tree':
      return treeAgain(state, toRank, part);
  }
}

/** As it is now, whatever becomes of the other. What was sent is shared: it does not change. */
export function cloneAllReduce(state: AllReduce): AllReduce {
  const lanes = state.lanes.slice();
  switch (state.kind) {
    case 'direct':
      return { ...state, lanes, from: new Set(state.from), pieces: new Set(state.pieces) };
    case 'ring':
      return { ...state, lanes, hops: [...state.hops], ahead: new Map(state.ahead) };
    case 'tree':
      return { ...state, lanes, awaited: [...state.awaited] };
  }
}

/** How many parts are in, of those that are counted: it grows with each. */
export function partsTaken(state: AllReduce): number {
  switch (state.kind) {
    case 'direct':
      return state.pieces.size;
    case 'ring':
      return state.hops.reduce((sum, hop) => sum + hop, state.ahead.size);
    case 'tree':
      return (state.complete ? 1 : 0) - state.awaited.length;
  }
}

/** Where a bucket's lanes are cut into the parts of a flat world. */
export function partBounds(world: number, lanes: number): readonly number[] {
  const isRing = flatKind(world, lanes) === 'ring';
  const segments = isRing ? ringSegments(world, lanes) : directSegments(lanes);
  const chunks = isRing ? world : 1;
  const starts: number[] = [];
  for (let segment = 0; segment < segments; segment++)
    for (let chunk = 0; chunk < chunks; chunk++)
      starts.push(chunkSpan(lanes, segments, segment, chunks, chunk).start);
  return starts.slice(1);
}

/** Which of a bucket's lanes a part of a flat world starts at. */
export function partStart(world: number, lanes: number, fromRank: number, part: number): number {
  if (flatKind(world, lanes) === 'direct') {
    const segments = directSegments(lanes);
    return directSpan(lanes, segments, Math.floor(part / world) % segments).start;
  }
  const segments = ringSegments(world, lanes);
  const segment = Math.floor(part / hopsIn(world)) % segments;
  return ringSpan(lanes, world, segments, fromRank, segment, part % hopsIn(world)).start;
}
