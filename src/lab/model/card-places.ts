// Where each rank's card stands: where it stood before. The ring's order changes with the links that come up; a card that somebody is
// about to press does not move for that.

import type { MemberId } from '../../ports/ids.ts';

/** Orders ranks by when they were first seen; who has gone and comes back stands last. */
export function createPlaces<Rank extends { readonly member: MemberId }>(): (
  ranks: readonly Rank[],
) => readonly Rank[] {
  let places = new Map<MemberId, number>();
  let seen = 0;
  return (ranks) => {
    places = new Map(ranks.map(({ member }) => [member, places.get(member) ?? seen++]));
    const placeOf = ({ member }: Rank): number => places.get(member) ?? seen;
    return ranks.toSorted((a, b) => placeOf(a) - placeOf(b));
  };
}
