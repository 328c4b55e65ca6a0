// Membership and ring order from the links that work. Links are not transitive: a ring uses only links that both ends report.

import type { MemberId } from '../ports/ids.ts';

/** Bounds the search for a ring; a full mesh needs none. */
const SEARCH_LIMIT = 20_000;

export type LinkReports = ReadonlyMap<MemberId, ReadonlySet<MemberId>>;

/**
 * A ring through as many candidates as possible, in the order given where that works. Where no ring goes through all, the
 * candidate with the fewest links is left out (the last of them, so that newcomers go first), but never `keep`.
 */
export function planRing(
  candidates: readonly MemberId[],
  links: LinkReports,
  keep: MemberId,
  linkWorks: (oneReports: boolean, otherReports: boolean) => boolean,
): readonly MemberId[] {
  const works = (a: MemberId, b: MemberId): boolean =>
    linkWorks(links.get(a)?.has(b) === true, links.get(b)?.has(a) === true);
  let rest = [...candidates];
  for (;;) {
    const ring = findRing(rest, works);
    if (ring !== undefined) return ring;
    const degree = (a: MemberId): number => rest.filter((b) => b !== a && works(a, b)).length;
    let worst: MemberId | undefined;
    for (const candidate of rest)
      if (candidate !== keep && (worst === undefined || degree(candidate) <= degree(worst)))
        worst = candidate;
    rest = rest.filter((candidate) => candidate !== worst);
  }
}

function findRing(
  nodes: readonly MemberId[],
  works: (a: MemberId, b: MemberId) => boolean,
): readonly MemberId[] | undefined {
  const first = nodes[0];
  if (first === undefined || nodes.length === 1) return nodes;
  let tries = 0;
  const path: MemberId[] = [first];
  const visit = (last: MemberId): boolean => {
    if (path.length === nodes.length) return nodes.length === 2 || works(last, first);
    for (const next of nodes) {
      if (path.includes(next) || !works(last, next)) continue;
      if (++tries > SEARCH_LIMIT) return false;
      path.push(next);
      if (visit(next)) return true;
      path.pop();
    }
    return false;
  };
  return visit(first) ? path : undefined;
}
