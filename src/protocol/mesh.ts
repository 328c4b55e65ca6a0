// Who can be in one generation, from the links that work, and in which order: in a full mesh every member has a link with every
// other; in a hierarchy only those that stand in one row or column.

import type { MemberId } from '../ports/ids.ts';
import { arrange } from './overlay.ts';

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

export interface Places {
  /** Members of the generation before, in ring order. */
  readonly places: readonly MemberId[];
  readonly staying: ReadonlySet<MemberId>;
  readonly newcomers: readonly MemberId[];
  /** By member: others with which it must have a link, and has none that works. */
  readonly suspects: ReadonlyMap<MemberId, readonly MemberId[]>;
  readonly width: number;
  /** Never left out. */
  readonly keep: MemberId;
}

/**
 * The members of a hierarchy, in ring order. Of two that stay and have no working link where they must have one, the one with the
 * most bad links is left out (the last of them): elsewhere in the hierarchy it may have good ones.
 */
export function planRows({ places, staying, newcomers, suspects, width, keep }: Places): readonly MemberId[] {
  const stay = new Set(staying);
  for (;;) {
    const bad = new Map<MemberId, Set<MemberId>>();
    const count = (member: MemberId, other: MemberId): void => {
      bad.set(member, (bad.get(member) ?? new Set()).add(other));
    };
    for (const [member, others] of suspects)
      for (const other of others)
        if (member !== other && stay.has(member) && stay.has(other)) {
          count(member, other);
          count(other, member);
        }
    let worst: MemberId | undefined;
    let most = 0;
    for (const member of places) {
      const links = bad.get(member)?.size ?? 0;
      if (member === keep || links === 0 || links < most) continue;
      worst = member;
      most = links;
    }
    if (worst === undefined) break;
    stay.delete(worst);
  }
  return arrange(
    places.map((member) => (stay.has(member) ? member : undefined)),
    newcomers,
    width,
  );
}
