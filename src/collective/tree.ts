// The hierarchy of a large world: ranks in rows of `width`, each with its first rank as leader, and the leaders under rank 0. A
// reduction goes from the members of a row to its leader and from the leaders to rank 0, and the result back.

/** Who a rank sends its row's or its own sum to; undefined for rank 0. */
export function parentOf(rank: number, width: number): number | undefined {
  const leader = rank - (rank % width);
  if (rank !== leader) return leader;
  return rank === 0 ? undefined : 0;
}

/** Whose sums a rank waits for: its row, and for rank 0 the other leaders as well. */
export function childrenOf(rank: number, world: number, width: number): readonly number[] {
  if (rank % width !== 0) return [];
  const children: number[] = [];
  for (let other = rank + 1; other < Math.min(rank + width, world); other++) children.push(other);
  if (rank === 0) for (let leader = width; leader < world; leader += width) children.push(leader);
  return children;
}
