// Who carries for the pairs of a generation that are apart: each pair gets the member that carries for the fewest so far and has links
// with both, so that what bad links cost is spread. All members see the same pairs in the same order, and so agree.

import { isApart, membersOf, rankOf, type Generation } from './generation.ts';
import type { MemberId } from '../ports/ids.ts';

/** By pair, as `pairOf` names it. */
const assignments = new WeakMap<Generation, ReadonlyMap<number, MemberId>>();

const pairOf = (world: number, one: number, other: number): number =>
  Math.min(one, other) * world + Math.max(one, other);

/** Other members in the order in which they should carry for two of them: whoever the pair is given to first. */
export function carriersFor(generation: Generation, one: MemberId, other: MemberId): readonly MemberId[] {
  const members = membersOf(generation);
  const [here, there] = [rankOf(generation, one), rankOf(generation, other)];
  const others = inTurn(members, here, there);
  const given = assigned(generation).get(pairOf(members.length, here, there));
  return given === undefined ? others : [given, ...others.filter((member) => member !== given)];
}

/** From a place on that differs from pair to pair. */
function inTurn(members: readonly MemberId[], one: number, other: number): readonly MemberId[] {
  const start = (one + other) % members.length;
  return [...members.slice(start), ...members.slice(0, start)].filter(
    (member) => member !== members[one] && member !== members[other],
  );
}

function assigned(generation: Generation): ReadonlyMap<number, MemberId> {
  const known = assignments.get(generation);
  if (known !== undefined) return known;
  const members = membersOf(generation);
  const carried = new Map<MemberId, number>();
  const found = new Map<number, MemberId>();
  for (const [one, other] of generation.apart ?? []) {
    const [here, there] = [members[one], members[other]];
    if (here === undefined || there === undefined) continue;
    let least: MemberId | undefined;
    for (const member of inTurn(members, one, other)) {
      if (isApart(generation, member, here) || isApart(generation, member, there)) continue;
      if (least === undefined || (carried.get(member) ?? 0) < (carried.get(least) ?? 0)) least = member;
    }
    if (least === undefined) continue;
    carried.set(least, (carried.get(least) ?? 0) + 1);
    found.set(pairOf(members.length, one, other), least);
  }
  assignments.set(generation, found);
  return found;
}
