// A large world reduces within each row, across the leaders, and back (see ../tree.ts): part 0 is the sum of a subtree on its way up,
// part 1 the whole on its way down.

import { combineLanes, type LaneLayout } from '../lanes.ts';
import { childrenOf, parentOf } from '../tree.ts';
import {
  misplaced,
  missized,
  type MissingPart,
  type OutgoingPart,
  type PartOutcome,
  type Reduction,
} from './parts.ts';

export interface TreeReduce extends Reduction {
  readonly kind: 'tree';
  /** Ranks in a row. */
  readonly width: number;
  /** Children whose subtree is not in. */
  readonly awaited: number[];
  /** What this rank sent up, for sending again. */
  own: Int32Array<ArrayBuffer> | undefined;
}

const UP = 0;
const DOWN = 1;

export const startTree = (
  rank: number,
  world: number,
  layout: LaneLayout,
  contribution: Int32Array<ArrayBuffer>,
  start: number,
  width: number,
): TreeReduce => ({
  kind: 'tree',
  rank,
  world,
  layout,
  start,
  lanes: contribution,
  width,
  awaited: [...childrenOf(rank, world, width)],
  own: undefined,
  complete: world === 1,
});

/** Once the subtree is whole, its sum goes up; what rank 0 then has is the sum of all, and goes down. */
export function passUp(state: TreeReduce): readonly OutgoingPart[] {
  if (state.awaited.length > 0) return [];
  const toRank = parentOf(state.rank, state.width);
  if (toRank === undefined) return passDown(state);
  state.own = state.lanes.slice();
  return [{ toRank, part: UP, payload: state.own }];
}

function passDown(state: TreeReduce): readonly OutgoingPart[] {
  state.complete = true;
  const children = childrenOf(state.rank, state.world, state.width);
  if (children.length === 0) return [];
  // Whoever applies the sum may take its memory.
  const payload = state.lanes.slice();
  return children.map((toRank) => ({ toRank, part: DOWN, payload }));
}

export function receiveTree(
  state: TreeReduce,
  fromRank: number,
  part: number,
  payload: Int32Array,
): PartOutcome {
  const fromParent = part === DOWN && fromRank === parentOf(state.rank, state.width);
  const fromChild = part === UP && fromRank < state.world && parentOf(fromRank, state.width) === state.rank;
  if (!fromParent && !fromChild) return misplaced(`part ${part} came from rank ${fromRank}`);
  if (payload.length !== state.lanes.length) return missized(payload.length, state.lanes.length);
  if (state.complete) return { kind: 'ignored' };
  if (fromChild) {
    const place = state.awaited.indexOf(fromRank);
    if (place < 0) return { kind: 'ignored' };
    state.awaited.splice(place, 1);
    combineLanes(state.layout, state.lanes, payload, state.start);
    return { kind: 'progress', out: passUp(state) };
  }
  if (state.own === undefined) return misplaced('the sum of all came before this rank had contributed');
  state.lanes.set(payload);
  return { kind: 'progress', out: passDown(state) };
}

/** The children whose subtrees are not in, or else what comes down from the parent. */
export function missingInTree(state: TreeReduce): readonly MissingPart[] {
  const above = parentOf(state.rank, state.width);
  if (state.own !== undefined && above !== undefined) return [{ fromRank: above, part: DOWN }];
  return state.awaited.map((fromRank) => ({ fromRank, part: UP }));
}

export function treeAgain(state: TreeReduce, toRank: number, part: number): OutgoingPart | undefined {
  const { rank, world, width, own, lanes } = state;
  if (part === UP && own !== undefined && toRank === parentOf(rank, width))
    return { toRank, part, payload: own };
  if (part === DOWN && state.complete && childrenOf(rank, world, width).includes(toRank))
    return { toRank, part, payload: lanes.slice() };
  return undefined;
}
