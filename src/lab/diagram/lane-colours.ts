// One colour per rank everywhere: a lane wears what its rank wears on the page's ring, or has worn as its record tells. Pure.

import type { MemberId } from '../../ports/ids.ts';
import type { Lane } from '../../trace/diagram.ts';
import { SLOTS } from '../../trace/looks.ts';

/** What a rank wears on the ring; undefined where the ring has never seen it. */
export type SlotOf = (member: MemberId) => number | undefined;

/** The slot of each lane. Lanes of which neither ring nor record knows take, in their order, what no other lane wears. */
export function laneSlots(lanes: readonly Lane[], slotOf?: SlotOf): readonly number[] {
  const known = lanes.map(
    ({ member, slot }) => (member === undefined ? undefined : slotOf?.(member)) ?? slot,
  );
  const taken = new Set(known);
  const all = Array.from({ length: SLOTS }, (_, slot) => slot);
  const free = all.filter((slot) => !taken.has(slot));
  const choice = free.length > 0 ? free : all;
  let next = 0;
  return known.map((slot) => slot ?? choice[next++ % choice.length] ?? 0);
}
