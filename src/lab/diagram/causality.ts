// Who could have known what: the messages that a message could depend on, and those that could depend on it (Lamport's happened-before).

import type { Arrow, Moment } from '../../trace/diagram.ts';

export interface Cone {
  /** By the message's place in the diagram. */
  readonly past: ReadonlySet<number>;
  readonly future: ReadonlySet<number>;
}

export interface Causality {
  cone(arrow: number): Cone;
}

const NEVER = Infinity;
const arrival = (arrow: Arrow | undefined): number => arrow?.received?.seq ?? NEVER;
const sending = (arrow: Arrow | undefined): Moment['seq'] => arrow?.sent.seq ?? NEVER;

export function createCausality(arrows: readonly Arrow[], lanes: number): Causality {
  const bySending = arrows.map((_, i) => i).sort((a, b) => sending(arrows[a]) - sending(arrows[b]));
  const byArrival = bySending
    .filter((i) => arrows[i]?.received !== undefined)
    .sort((a, b) => arrival(arrows[b]) - arrival(arrows[a]));

  return {
    cone(chosen) {
      const past = new Set<number>();
      const future = new Set<number>();
      const own = arrows[chosen];
      if (own === undefined) return { past, future };

      /** Until when each lane belongs to the past. What arrived later is looked at first, so that one pass is enough. */
      const until = new Float64Array(lanes).fill(-1);
      until[own.from] = own.sent.seq;
      for (const i of byArrival) {
        const arrow = arrows[i];
        if (arrow === undefined || i === chosen || arrival(arrow) > (until[arrow.to] ?? -1)) continue;
        past.add(i);
        until[arrow.from] = Math.max(until[arrow.from] ?? -1, arrow.sent.seq);
      }

      /** From when on each lane belongs to the future. */
      const since = new Float64Array(lanes).fill(NEVER);
      since[own.to] = arrival(own);
      for (const i of bySending) {
        const arrow = arrows[i];
        if (arrow === undefined || i === chosen || arrow.sent.seq < (since[arrow.from] ?? NEVER)) continue;
        future.add(i);
        since[arrow.to] = Math.min(since[arrow.to] ?? NEVER, arrival(arrow));
      }
      return { past, future };
    },
  };
}
