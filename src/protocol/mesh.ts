// Who can be in one generation, from the links that work: its members talk with each other directly, every one with every other.

import type { MemberId } from '../ports/ids.ts';

export interface Candidates {
  /** Members of the generation before, in ring order. */
  readonly members: readonly MemberId[];
  readonly newcomers: readonly MemberId[];
  /** What each of them says of its own links. */
  readonly links: ReadonlyMap<MemberId, ReadonlySet<MemberId>>;
  /** Never left out. */
  readonly keep: MemberId;
}

/**
 * The candidates that stay, in the order given. Links are not transitive: while two members have no link that works, the one with
 * the most bad links is left out (the last of them). A newcomer comes in only if it has a link with everybody, so that it never
 * costs a member its place.
 */
export function planMesh(
  { members, newcomers, links, keep }: Candidates,
  linkWorks: (oneReports: boolean, otherReports: boolean) => boolean,
): readonly MemberId[] {
  const works = (a: MemberId, b: MemberId): boolean =>
    linkWorks(links.get(a)?.has(b) === true, links.get(b)?.has(a) === true);
  const badLinks = (a: MemberId, among: readonly MemberId[]): number =>
    among.filter((b) => b !== a && !works(a, b)).length;
  let stay = [...members];
  for (;;) {
    let worst: MemberId | undefined;
    let most = 0;
    for (const candidate of stay) {
      const bad = badLinks(candidate, stay);
      if (candidate === keep || bad === 0 || bad < most) continue;
      worst = candidate;
      most = bad;
    }
    if (worst === undefined) break;
    stay = stay.filter((candidate) => candidate !== worst);
  }
  for (const newcomer of newcomers) if (badLinks(newcomer, stay) === 0) stay.push(newcomer);
  return stay;
}
