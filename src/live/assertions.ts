// The design's invariants as far as one rank can see them: the checkers over its own log, while it trains. They are loaded with the first
// step: what was logged until then waits for them.

import type { Violation } from '../invariants/check.ts';
import type { TraceRecord } from '../trace/events.ts';

/** The checkers remember every committed step; past this many records they begin anew, at a generation's start. */
const MAX_RECORDS = 200_000;
/** Records that wait for the checkers; where they do not come, as from a server that is gone, what is older is not checked. */
const MAX_WAITING = 2_000;

type Observe = (record: TraceRecord) => readonly Violation[];

/** What this record shows, and those that waited before it. */
export function createAssertions(): Observe {
  const waiting: TraceRecord[] = [];
  let observe: Observe | undefined;
  let isLoading = false;

  const load = async (): Promise<void> => {
    isLoading = true;
    try {
      const { createChecker } = await import('../invariants/check.ts');
      observe = anewInTime(() => {
        const checker = createChecker({ partial: true });
        return (record) => checker.observe(record);
      });
    } catch {
      // With a later step.
      isLoading = false;
    }
  };

  return (record) => {
    waiting.push(record);
    if (observe !== undefined) return waiting.splice(0).flatMap(observe);
    if (waiting.length > MAX_WAITING) waiting.shift();
    if (record.event.kind === 'committed' && !isLoading) void load();
    return [];
  };
}

/** With fresh checkers now and then. */
function anewInTime(begin: () => Observe): Observe {
  let observe = begin();
  let observed = 0;
  return (record) => {
    if (observed > MAX_RECORDS && record.event.kind === 'installed') {
      observe = begin();
      observed = 0;
    }
    observed += 1;
    return observe(record);
  };
}
