// Committed steps that were executed again although somebody who lived on had their outcome. Pure: records in, findings out.

import type { GenerationId, MemberId } from '../../ports/ids.ts';
import type { TraceRecord } from '../../trace/events.ts';

/** An update that was made once more. */
export interface Repeat {
  /** The step that was executed: from the state after so many updates. */
  readonly step: number;
  readonly at: number;
}

/**
 * Looks over the whole room, across generations and incarnations. An update counts when a member whose log goes on had committed
 * its outcome before, in an older generation or another incarnation: that member could have been the donor. Within one generation
 * nothing can be done twice unnoticed (invariant 4), and clocks of two tabs may differ by more than a step takes; a page that was frozen
 * or cut off may still finish, in the generation that it knows, what the others have gone past since.
 */
export function findRepeats(records: readonly TraceRecord[]): readonly Repeat[] {
  const lastSeen = new Map<MemberId, number>();
  for (const { member, at } of records) lastSeen.set(member, Math.max(at, lastSeen.get(member) ?? at));
  const newest = new Map<MemberId, { readonly step: number; readonly generation: GenerationId }>();
  const repeats: Repeat[] = [];
  for (const { member, at, event } of records.toSorted((a, b) => a.at - b.at)) {
    if (event.kind === 'committed') {
      if (event.step > (newest.get(member)?.step ?? -1))
        newest.set(member, { step: event.step, generation: event.generation });
    } else if (event.kind === 'applied') {
      const known = [...newest].some(
        ([donor, { step, generation }]) =>
          step > event.step && succeeds(event.generation, generation) && (lastSeen.get(donor) ?? at) > at,
      );
      if (known) repeats.push({ step: event.step, at });
    }
  }
  return repeats;
}

/** Whether a generation can have known what another had done: it is later in its line, or of another line. */
const succeeds = (generation: GenerationId, other: GenerationId): boolean =>
  generation.incarnation !== other.incarnation || generation.number > other.number;
