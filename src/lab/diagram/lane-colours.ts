// One colour per rank everywhere: a lane whose rank stands on a ring of the page wears its colour there. Pure.

import type { MemberId } from '../../ports/ids.ts';
import type { Lane } from '../../trace/diagram.ts';
import { SLOTS } from '../model/rank-colours.ts';

/** What a rank wears on the ring; undefined where the ring has never seen it. */
export type SlotOf = (member: MemberId) => number | undefined;

/** The slot of each lane. Lanes of nobody that the ring knows take, in their order, what no other lane wears. */
export function laneSlots(lanes: readonly Lane[], slotOf?: SlotOf): readonly number[] {
  const known = lanes.map(({ member }) => (member === undefined ? undefined : slotOf?.(member)));
  const taken = new Set(known);
  const all = Array.from({ length: SLOTS }, (_, slot) => slot);
  const free = all.filter((slot) => !taken.has(slot));
  const choice = free.length > 0 ? free : all;
  let next = 0;
  return known.map((slot) => slot ?? choice[next++ % choice.length] ?? 0);
}
