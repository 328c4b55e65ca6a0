// All-reduce of one step's lanes as a state machine without IO: parts in, parts out.
//
// `ring`: reduce-scatter, then all-gather, W−1 hops each (P. Patarasuk, X. Yuan, "Bandwidth optimal all-reduce algorithms for
// clusters of workstations", 2009). Hop t of rank r carries chunk r−t (scatter) or r+1−(t−(W−1)) (gather), indices modulo W.
// `direct`: everyone sends everything to everyone; for two ranks, and for few lanes, where hops cost more than bytes.
// `tree`: a large world reduces within each row, across the leaders, and back (see tree.ts): part 0 is the sum of a subtree on
// its way up, part 1 the whole on its way down. Sums and maxima are associative, so the bits are those of any other way.
//
// Nothing outlives an abort: the state is dropped. A part may arrive twice, or ahead of one that was lost; a lost one is asked
// for again, and the sender can still make it, because a chunk changes only after its receiver has used it.

import { combineLanes, type LaneLayout } from './lanes.ts';
import { childrenOf, parentOf } from './tree.ts';

/** Up to this many lanes go directly. */
const DIRECT_LANES = 4096;

export interface OutgoingPart {
  readonly toRank: number;
  readonly part: number;
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
  /** The running result; complete when `complete` says so. */
  readonly lanes: Int32Array<ArrayBuffer>;
  /** tree: ranks in a row. */
  readonly width: number | undefined;
  /** direct: what this rank contributed; tree: what it sent up. For sending again. */
  own: Int32Array<ArrayBuffer> | undefined;
  /** ring: the next hop to receive. */
  hop: number;
  /** direct: ranks whose contribution is in; tree: oneself, and children whose subtree is in. */
  readonly from: Set<number>;
  /** ring: parts that arrived ahead of a lost one. */
  readonly ahead: Map<number, Int32Array<ArrayBuffer>>;
  complete: boolean;
}

export type PartOutcome =
  | { readonly kind: 'progress'; readonly out: readonly OutgoingPart[] }
  /** A duplicate: nothing to do. */
  | { readonly kind: 'ignored' }
  /** The part cannot belong to this all-reduce. */
  | { readonly kind: 'invalid'; readonly detail: string };

/** tree: the sum of the sender's subtree, and the sum of all. */
const UP = 0;
const DOWN = 1;

/** `width`: ranks in a row, where the world is a hierarchy. */
export const allReduceKind = (world: number, lanes: number, width?: number): AllReduce['kind'] =>
  width !== undefined ? 'tree' : world <= 2 || lanes <= DIRECT_LANES ? 'direct' : 'ring';

const bound = (length: number, world: number, chunk: number): number => Math.floor((chunk * length) / world);
const modulo = (a: number, n: number): number => ((a % n) + n) % n;

/** Takes over `contribution`. */
export function startAllReduce(
  rank: number,
  world: number,
  layout: LaneLayout,
  contribution: Int32Array<ArrayBuffer>,
  width?: number,
): { readonly state: AllReduce; readonly out: readonly OutgoingPart[] } {
  const kind = allReduceKind(world, layout.length, width);
  const state: AllReduce = {
    kind,
    rank,
    world,
    layout,
    lanes: contribution,
    width,
    own: kind === 'direct' && world > 1 ? contribution.slice() : undefined,
    hop: 0,
    from: new Set([rank]),
    ahead: new Map(),
    complete: world === 1,
  };
  if (world === 1) return { state, out: [] };
  if (kind === 'ring') return { state, out: [ringPart(state, 0)] };
  if (kind === 'tree') return { state, out: passUp(state) };
  const out: OutgoingPart[] = [];
  for (let to = 0; to < world; to++)
    if (to !== rank) out.push({ toRank: to, part: rank, payload: contribution.slice(), start: 0 });
  return { state, out };
}

const hops = (state: AllReduce): number => 2 * (state.world - 1);

/** Which chunk a sender's hop carries. */
function chunkAt(world: number, sender: number, hop: number): number {
  const scatter = world - 1;
  return modulo(hop < scatter ? sender - hop : sender + 1 - (hop - scatter), world);
}

const chunkOf = (state: AllReduce, sender: number, hop: number): number => chunkAt(state.world, sender, hop);

/** Where lanes are cut into the chunks of a ring; nowhere in `direct`. */
export const chunkStarts = (world: number, lanes: number): readonly number[] =>
  allReduceKind(world, lanes) === 'direct'
    ? []
    : Array.from({ length: world - 1 }, (_, chunk) => bound(lanes, world, chunk + 1));

/** Which lane a part of a ring starts at; in `direct` it holds them all. */
export function partStart(world: number, lanes: number, fromRank: number, part: number): number {
  if (allReduceKind(world, lanes) === 'direct') return 0;
  return bound(lanes, world, chunkAt(world, fromRank, part));
}

function ringPart(state: AllReduce, hop: number): OutgoingPart {
  const chunk = chunkOf(state, state.rank, hop);
  const start = bound(state.layout.length, state.world, chunk);
  const end = bound(state.layout.length, state.world, chunk + 1);
  return { toRank: (state.rank + 1) % state.world, part: hop, payload: state.lanes.slice(start, end), start };
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
  if (part !== fromRank) return { kind: 'invalid', detail: `part ${part} came from rank ${fromRank}` };
  if (payload.length !== state.layout.length)
    return { kind: 'invalid', detail: `${payload.length} lanes where ${state.layout.length} were expected` };
  if (state.from.has(fromRank)) return { kind: 'ignored' };
  state.from.add(fromRank);
  combineLanes(state.layout, state.lanes, payload, 0);
  state.complete = state.from.size === state.world;
  return { kind: 'progress', out: [] };
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
  return [{ toRank, part: UP, payload: state.own.slice(), start: 0 }];
}

function passDown(state: AllReduce): readonly OutgoingPart[] {
  state.complete = true;
  return children(state).map((toRank) => ({ toRank, part: DOWN, payload: state.lanes.slice(), start: 0 }));
}

function receiveTree(state: AllReduce, fromRank: number, part: number, payload: Int32Array): PartOutcome {
  const fromParent = part === DOWN && fromRank === parent(state);
  const fromChild = part === UP && parentOf(fromRank, state.width ?? state.world) === state.rank;
  if (!fromParent && !fromChild)
    return { kind: 'invalid', detail: `part ${part} came from rank ${fromRank}` };
  if (payload.length !== state.layout.length)
    return { kind: 'invalid', detail: `${payload.length} lanes where ${state.layout.length} were expected` };
  if (state.complete || state.from.has(fromRank)) return { kind: 'ignored' };
  if (fromChild) {
    state.from.add(fromRank);
    combineLanes(state.layout, state.lanes, payload, 0);
    return { kind: 'progress', out: passUp(state) };
  }
  if (state.own === undefined)
    return { kind: 'invalid', detail: 'the sum of all came before this rank had contributed' };
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
    return { kind: 'invalid', detail: `rank ${fromRank} is not before rank ${state.rank} in the ring` };
  if (part < 0 || part >= hops(state)) return { kind: 'invalid', detail: `hop ${part} of ${hops(state)}` };
  const chunk = chunkOf(state, fromRank, part);
  const start = bound(state.layout.length, state.world, chunk);
  const length = bound(state.layout.length, state.world, chunk + 1) - start;
  if (payload.length !== length)
    return {
      kind: 'invalid',
      detail: `${payload.length} lanes in hop ${part} where ${length} were expected`,
    };
  if (part < state.hop || state.ahead.has(part)) return { kind: 'ignored' };
  state.ahead.set(part, payload);
  const out: OutgoingPart[] = [];
  for (let next = state.ahead.get(state.hop); next !== undefined; next = state.ahead.get(state.hop)) {
    state.ahead.delete(state.hop);
    takeHop(state, state.hop, next);
    state.hop += 1;
    if (state.hop < hops(state)) out.push(ringPart(state, state.hop));
  }
  state.complete = state.hop === hops(state);
  return { kind: 'progress', out };
}

function takeHop(state: AllReduce, hop: number, payload: Int32Array<ArrayBuffer>): void {
  const chunk = chunkOf(state, modulo(state.rank - 1, state.world), hop);
  const start = bound(state.layout.length, state.world, chunk);
  if (hop < state.world - 1)
    combineLanes(state.layout, state.lanes.subarray(start, start + payload.length), payload, start);
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

/** What this rank waits for: in a ring the next hop, else every contribution that is not in. */
export function missingParts(state: AllReduce): readonly MissingPart[] {
  if (state.complete) return [];
  if (state.kind === 'ring') return [{ fromRank: modulo(state.rank - 1, state.world), part: state.hop }];
  if (state.kind === 'tree') return missingInTree(state);
  const missing: MissingPart[] = [];
  for (let rank = 0; rank < state.world; rank++)
    if (!state.from.has(rank)) missing.push({ fromRank: rank, part: rank });
  return missing;
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
    return payload === undefined ? undefined : { toRank, part, payload: payload.slice(), start: 0 };
  }
  if (state.kind === 'direct')
    return part === state.rank && state.own !== undefined
      ? { toRank, part, payload: state.own.slice(), start: 0 }
      : undefined;
  if (toRank !== (state.rank + 1) % state.world || part < 0 || part > Math.min(state.hop, hops(state) - 1))
    return undefined;
  return ringPart(state, part);
}
