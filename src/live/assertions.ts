// The design's invariants as far as one rank can see them: the checkers over its own log, while it trains.

import { createChecker } from '../invariants/check.ts';
import type { Violation } from '../invariants/check.ts';
import type { TraceRecord } from '../trace/events.ts';

/** The checkers remember every committed step; past this many records they begin anew, at a generation's start. */
const MAX_RECORDS = 200_000;

export function createAssertions(): (record: TraceRecord) => readonly Violation[] {
  let checker = createChecker({ partial: true });
  let observed = 0;
  return (record) => {
    if (observed > MAX_RECORDS && record.event.kind === 'installed') {
      checker = createChecker({ partial: true });
      observed = 0;
    }
    observed += 1;
    return checker.observe(record);
  };
}
