// One look per rank: which of the palette's colours a member wears, plain or ringed, as the ranks of its room have told, for as long as
// the page remembers it.

import { signal } from '@preact/signals';
import type { Worn } from '../../live/colours.ts';
import type { MemberId } from '../../ports/ids.ts';
import { SLOTS } from '../../trace/looks.ts';

export interface RankColours {
  /** The member's slot; of one of which nothing was told yet, what a newcomer would get. */
  readonly slot: (member: MemberId) => number;
  /** The same, of one that was told of. */
  readonly known: (member: MemberId) => number | undefined;
  /** What a rank of the room says that is worn now. Those that it has forgotten keep their colour here. */
  readonly told: (worn: readonly Worn[]) => void;
}

export function createRankColours(): RankColours {
  const slots = signal<ReadonlyMap<MemberId, number>>(new Map());
  let newcomers = 0;

  return {
    slot: (member) => slots.value.get(member) ?? newcomers,
    known: (member) => slots.value.get(member),
    told(worn) {
      const known = slots.peek();
      if (worn.every(({ member, slot }) => known.get(member) === slot)) return;
      const taken = new Set(worn.map(({ slot }) => slot));
      newcomers = Array.from({ length: SLOTS }, (_, slot) => slot).find((slot) => !taken.has(slot)) ?? 0;
      slots.value = new Map([...known, ...worn.map(({ member, slot }) => [member, slot] as const)]);
    },
  };
}
