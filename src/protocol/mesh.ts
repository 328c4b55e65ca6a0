// Who can be in one generation, from the links that work, and in which order: in a mesh every two members have a link, or one between
// them that has links with both; in a hierarchy only those have links that stand in one row or column.

import type { MemberId } from '../ports/ids.ts';
import { arrange } from './overlay.ts';
import { gapsIn, ringOrder } from './ring-order.ts';

export interface Candidates {
  /** Members of the generation before, in ring order. */
  readonly members: readonly MemberId[];
  readonly newcomers: readonly MemberId[];
  /** Those among the newcomers that have had the time to get links with everybody: what is missing stays missing. */
  readonly settled: ReadonlySet<MemberId>;
  /** What each of them says of its own links. */
  readonly links: ReadonlyMap<MemberId, ReadonlySet<MemberId>>;
  /** Never left out. */
  readonly keep: MemberId;
}

/** Who is in the next generation, in ring order, and which pairs of them have no working link, as ranks. */
export interface Mesh {
  readonly order: readonly MemberId[];
  readonly apart: readonly (readonly [number, number])[];
}

type Works = (one: MemberId, other: MemberId) => boolean;

/**
 * The candidates that stay, in a ring over links that work. Links are not transitive: two that have none reach each other over a member
 * that has links with both. While two have neither, whoever is out of reach of the most others is left out; of equals, the one with the
 * most bad links, and then the last. A newcomer comes in with a link with everybody; one that has waited for its links also without,
 * if the ring still closes. So none ever costs a member its place.
 */
export function planMesh(
  { members, newcomers, settled, links, keep }: Candidates,
  linkWorks: (oneReports: boolean, otherReports: boolean) => boolean,
): Mesh {
  const works: Works = (a, b) => linkWorks(links.get(a)?.has(b) === true, links.get(b)?.has(a) === true);
  let stay = withinReach(members, keep, works);
  for (const newcomer of newcomers) {
    const extended = [...stay, newcomer];
    const bad = badLinks(newcomer, stay, works).length;
    if (bad > 0 && (!settled.has(newcomer) || !closes(extended, works))) continue;
    stay = extended;
  }
  const order = ringOrder(stay, works);
  return { order, apart: pairsApart(order, works) };
}

const badLinks = (of: MemberId, among: readonly MemberId[], works: Works): readonly MemberId[] =>
  among.filter((other) => other !== of && !works(of, other));

/** Those that neither have a link with this one nor one that it has a link with. */
const outOfReach = (of: MemberId, among: readonly MemberId[], works: Works): readonly MemberId[] =>
  badLinks(of, among, works).filter(
    (other) =>
      !among.some(
        (between) => between !== of && between !== other && works(of, between) && works(between, other),
      ),
  );

const closes = (members: readonly MemberId[], works: Works): boolean =>
  members.every((member) => outOfReach(member, members, works).length === 0) &&
  gapsIn(ringOrder(members, works), works) === 0;

/** The members without those that must go for the others to reach each other. */
function withinReach(members: readonly MemberId[], keep: MemberId, works: Works): readonly MemberId[] {
  const stay = new Set(members);
  for (;;) {
    const here = [...stay];
    let worst: { readonly member: MemberId; readonly far: number; readonly bad: number } | undefined;
    for (const member of here) {
      const far = outOfReach(member, here, works).length;
      if (member === keep || far === 0) continue;
      const bad = badLinks(member, here, works).length;
      if (worst === undefined || far > worst.far || (far === worst.far && bad >= worst.bad))
        worst = { member, far, bad };
    }
    if (worst === undefined) break;
    stay.delete(worst.member);
  }
  // Of those that went early, some may be in reach of all that are left.
  for (const member of members) {
    if (stay.has(member)) continue;
    const extended = [...stay, member];
    if (extended.every((one) => outOfReach(one, extended, works).length === 0)) stay.add(member);
  }
  return members.filter((member) => stay.has(member));
}

function pairsApart(order: readonly MemberId[], works: Works): readonly (readonly [number, number])[] {
  const pairs: (readonly [number, number])[] = [];
  order.forEach((one, i) => {
    order.forEach((other, j) => {
      if (i < j && !works(one, other)) pairs.push([i, j]);
    });
  });
  return pairs;
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
