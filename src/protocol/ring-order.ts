// A ring over working links: a cyclic order of members in which neighbours have a link, where there is one.
//
// First by exchange: an order is cut where two neighbours have no link, and the stretch from there to a suitable place is turned round,
// so that one gap goes and none comes (E. M. Palmer, "The hidden algorithm of Ore's theorem on Hamiltonian cycles", 1997). Where any two
// members without a link have together at least as many links as there are members (Ore's condition) this always ends without a gap: a
// few bad links are no matter. Otherwise by search, whose bound decides how long: for eight members it is exact. What gaps are then
// left are relayed.

type Linked<T> = (one: T, other: T) => boolean;

/** Places tried by the search: some milliseconds, and more than a search among eight members needs. */
const SEARCH_STEPS = 20_000;

/** The members, the first of them first. Unchanged where all neighbours have links already. */
export function ringOrder<T extends string>(members: readonly T[], linked: Linked<T>): readonly T[] {
  let order = members;
  for (;;) {
    if (gapsIn(order, linked) === 0) return order;
    const better = exchange(order, linked);
    if (better === undefined) break;
    order = better;
  }
  return search(members, linked) ?? order;
}

/** Neighbours without a link; the last and the first are neighbours. */
export const gapsIn = <T extends string>(order: readonly T[], linked: Linked<T>): number =>
  order.length < 2 ? 0 : order.filter((member, i) => isGap(order, i, member, linked)).length;

function isGap<T extends string>(order: readonly T[], i: number, member: T, linked: Linked<T>): boolean {
  const next = order[(i + 1) % order.length];
  return next !== undefined && !linked(member, next);
}

/** An order with one gap less or more; undefined: no turn of a stretch gives one. */
function exchange<T extends string>(order: readonly T[], linked: Linked<T>): readonly T[] | undefined {
  for (const [i, member] of order.entries()) {
    if (!isGap(order, i, member, linked)) continue;
    // With the gap between the last and the first.
    const open = [...order.slice(i + 1), ...order.slice(0, i + 1)];
    const [first] = open;
    for (const [j, here] of open.entries()) {
      const next = open[j + 1];
      if (first === undefined || next === undefined || !linked(member, here) || !linked(first, next))
        continue;
      return startingWith(order[0], [...open.slice(0, j + 1).reverse(), ...open.slice(j + 1)]);
    }
  }
  return undefined;
}

function startingWith<T extends string>(first: T | undefined, ring: readonly T[]): readonly T[] {
  const at = ring.findIndex((member) => member === first);
  return [...ring.slice(at), ...ring.slice(0, at)];
}

/** Depth first, those with the fewest ways on before the others (H. C. von Warnsdorff, 1823). */
function search<T extends string>(members: readonly T[], linked: Linked<T>): readonly T[] | undefined {
  const [first] = members;
  if (first === undefined) return undefined;
  const ways = new Map(members.map((one) => [one, members.filter((two) => two !== one && linked(one, two))]));
  const path = [first];
  const visited = new Set(path);
  let steps = SEARCH_STEPS;
  const free = (member: T): number => (ways.get(member) ?? []).filter((other) => !visited.has(other)).length;
  const goOn = (from: T): boolean => {
    if (path.length === members.length) return linked(from, first);
    const next = (ways.get(from) ?? []).filter((member) => !visited.has(member));
    const byWays = next.map((member) => ({ member, ways: free(member) })).sort((a, b) => a.ways - b.ways);
    for (const { member } of byWays) {
      steps -= 1;
      if (steps < 0) return false;
      path.push(member);
      visited.add(member);
      if (goOn(member)) return true;
      path.pop();
      visited.delete(member);
    }
    return false;
  };
  return goOn(first) ? path : undefined;
}
