// What a rank writes down of what happens: its log, the newest of it for an incident, where its time went, and what the invariants have
// to say of all that.

import type { MemberId } from '../ports/ids.ts';
import type { TraceEvent, TraceRecord } from '../trace/events.ts';
import { createFlightRecorder, type FlightRecorder } from '../trace/flight-recorder.ts';
import { createAssertions } from './assertions.ts';
import type { Complaints } from './complaints.ts';
import { createEventLog } from './event-log.ts';
import { createTimeBook, type TimeBook } from './time-book.ts';

export interface Logbook {
  /** What the core reports. */
  readonly enter: (event: TraceEvent) => void;
  /** What happens beside the core, which a recording is told of as well. */
  readonly report: (event: TraceEvent) => void;
  /** The same, in a person's words. */
  readonly note: (detail: string) => void;
  readonly read: (from: number, limit: number) => readonly TraceRecord[];
  readonly flight: FlightRecorder;
  readonly time: TimeBook;
}

export function createLogbook(host: {
  readonly member: MemberId;
  /** Milliseconds since the epoch. */
  readonly wallClock: () => number;
  readonly noted: ((event: TraceEvent) => void) | undefined;
  readonly complain: Complaints['complain'];
}): Logbook {
  const log = createEventLog(host.member, host.wallClock);
  const flight = createFlightRecorder(host.member);
  const time = createTimeBook();
  const asserted = createAssertions();

  const enter = (event: TraceEvent): void => {
    const record = log.append(event);
    flight.observe(record);
    time.observe(record);
    for (const { invariant, sentence } of asserted(record)) {
      log.append({ kind: 'violated', invariant, sentence });
      host.complain(
        'invariant',
        `${sentence} This is a fault of Rankfall itself: please report it with the log.`,
      );
    }
  };

  const report = (event: TraceEvent): void => {
    host.noted?.(event);
    enter(event);
  };

  return {
    enter,
    report,
    note: (detail) => {
      report({ kind: 'engine', detail });
    },
    read: (from, limit) => log.read(from, limit),
    flight,
    time,
  };
}
