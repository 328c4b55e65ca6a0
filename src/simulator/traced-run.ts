// An event log as a diagram: what ranks reported, checked together as far as it goes. It holds neither what they were told nor their messages:
// nothing is run again.

import { checkLogs, type Violation } from '../invariants/check.ts';
import { readTraceLog } from '../protocol/recording/trace-lines.ts';
import type { Diagram } from '../trace/diagram.ts';
import { drawRecords, type Teller } from './drawing.ts';

export interface TracedRun {
  /** The first invariant that does not hold. */
  readonly violation: Violation | undefined;
  readonly ranks: number;
  readonly records: number;
  /** From the first record to the last. */
  readonly spanMs: number;
  readonly committed: number;
  readonly diagram: Diagram;
  /** So many records of the beginning are not drawn. */
  readonly skipped: number;
}

/** The newest of them are drawn: what went wrong is at the end. */
const MAX_DRAWN = 120_000;

/** Throws a `RecordingError` where a line is no record. */
export function drawTraceLog(lines: Iterable<string>, tell: Teller): TracedRun {
  const records = readTraceLog(lines);
  const violation = checkLogs(records).at(0);
  const skipped = Math.max(0, records.length - MAX_DRAWN);
  const start = records[skipped]?.at ?? 0;
  const { recorder, record, laneOf } = drawRecords(tell);
  let failing: Diagram['failing'];
  let committed = 0;
  for (const [index, entry] of records.entries()) {
    if (entry.event.kind === 'committed') committed = Math.max(committed, entry.event.step);
    // What they wear, most said at the beginning.
    if (entry.event.kind === 'coloured') recorder.wears(laneOf(entry.member), entry.event.slot);
    if (index < skipped) continue;
    const at = entry.at - start;
    record({ ...entry, at });
    if (violation?.record === entry)
      failing = {
        at,
        seq: Math.max(0, recorder.moments() - 1),
        invariant: `invariant ${violation.invariant}`,
        sentence: violation.sentence,
      };
  }
  return {
    violation,
    ranks: new Set(records.map(({ member }) => member)).size,
    records: records.length,
    spanMs: (records.at(-1)?.at ?? 0) - (records[0]?.at ?? 0),
    committed,
    diagram: { ...recorder.finish(0), failing },
    skipped,
  };
}
