// The overlay of a large generation: which members have a link, who watches whom, and by which way the others are reached.
//
// Members stand in rows of `width`, in ring order. A rank has links with its row and with its column, so that any two are at most
// two links apart and there are two ways between them: at 1,000 ranks 62 links each instead of 999. It exchanges heartbeats with
// its neighbours in row and column (both wrap around) and along the tree of the all-reduce. All of this is a pure function of
// the member list.

import { childrenOf, parentOf } from '../collective/tree.ts';
import type { MemberId } from '../ports/ids.ts';
import { membersOf, rankOf, type Generation } from './generation.ts';

export interface Overlay {
  /** Ranks in a row. */
  readonly width: number;
  /** Who gathers the standings, and proposes as a rule: rank 0. */
  readonly coordinator: MemberId;
  /** Members that this rank has links with. */
  readonly links: ReadonlySet<MemberId>;
  /** Those among them that it exchanges heartbeats with. */
  readonly watched: ReadonlySet<MemberId>;
  /** The same as a list, which is quicker to go through. */
  readonly watching: readonly MemberId[];
}

export function overlayOf(generation: Generation, self: MemberId, width: number): Overlay {
  const members = membersOf(generation);
  const rank = rankOf(generation, self);
  const named = (ranks: Iterable<number>): ReadonlySet<MemberId> => {
    const out = new Set<MemberId>();
    for (const other of ranks) {
      const member = members[other];
      if (member !== undefined && other !== rank) out.add(member);
    }
    return out;
  };
  const watched = named(watchedRanks(rank, members.length, width));
  return {
    width,
    coordinator: members[0] ?? self,
    links: named(linkedRanks(rank, members.length, width)),
    watched,
    watching: [...watched],
  };
}

/** The rest of the row, then the rest of the column. */
export function linkedRanks(rank: number, world: number, width: number): readonly number[] {
  const row = rank - (rank % width);
  const ranks: number[] = [];
  for (let other = row; other < Math.min(row + width, world); other++) if (other !== rank) ranks.push(other);
  for (let other = rank % width; other < world; other += width) if (other !== rank) ranks.push(other);
  return ranks;
}

/** Next to it in row and column, which both wrap around; and its parent and children in the tree. Watching is mutual. */
export function watchedRanks(rank: number, world: number, width: number): readonly number[] {
  const row = rank - (rank % width);
  const inRow = Math.min(width, world - row);
  const column = rank % width;
  const inColumn = Math.ceil((world - column) / width);
  const place = row / width;
  const ranks = new Set<number>(childrenOf(rank, world, width));
  const parent = parentOf(rank, width);
  if (parent !== undefined) ranks.add(parent);
  for (const step of [1, -1]) {
    ranks.add(row + ((column + step + inRow) % inRow));
    ranks.add(column + ((place + step + inColumn) % inColumn) * width);
  }
  ranks.delete(rank);
  return [...ranks];
}

/** The one or two ranks that have links with both of two: where the row of each crosses the column of the other. */
export function crossings(from: number, to: number, world: number, width: number): readonly number[] {
  const [fromColumn, toColumn] = [from % width, to % width];
  return [from - fromColumn + toColumn, to - toColumn + fromColumn].filter(
    (rank) => rank < world && rank !== from && rank !== to,
  );
}

/**
 * The ring order of a successor: whoever stays keeps its place, so that few links change. The places of those who go are taken by
 * newcomers; those of leaders, which others wait for, by members from the end.
 */
export function arrange<T>(
  places: readonly (T | undefined)[],
  newcomers: readonly T[],
  width: number,
): readonly T[] {
  const order = [...places];
  const waiting = [...newcomers];
  const takeLast = (after: number): T | undefined => {
    while (order.length > after + 1) {
      const last = order.pop();
      if (last !== undefined) return last;
    }
    return undefined;
  };
  for (let place = 0; place < order.length; place++) {
    if (order[place] !== undefined) continue;
    const isLeader = place % width === 0;
    order[place] = isLeader ? (takeLast(place) ?? waiting.shift()) : (waiting.shift() ?? takeLast(place));
  }
  return [...order, ...waiting].filter((member) => member !== undefined);
}
