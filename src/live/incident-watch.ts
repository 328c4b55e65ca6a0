// What a page, or whoever watches pages, remembers of a room's ranks in case something goes wrong: an incident (`incident.ts`) tells it.

import type { MemberId } from '../ports/ids.ts';
import type { Incident } from '../protocol/recording/incident.ts';
import type { TraceRecord } from '../trace/events.ts';
import { createFlightRecorder, type Flight, type FlightRecorder } from '../trace/flight-recorder.ts';

/** Follows the logs of several ranks: their flights, and whom they waited for. Bounded, whatever a room does. */
export interface IncidentWatch {
  observe(records: readonly TraceRecord[]): void;
  flight(member: MemberId): Flight | undefined;
  stalls(): Incident['stalls'];
}

const MAX_STALLS = 200;
/** Ranks whose flights are kept: pages come and go. */
const MAX_FLIGHTS = 256;

export function watchForIncidents(): IncidentWatch {
  const recorders = new Map<MemberId, FlightRecorder>();
  const stalls: Incident['stalls'] = [];
  return {
    observe(records) {
      for (const record of records) {
        const { member, at, event } = record;
        let recorder = recorders.get(member);
        if (recorder === undefined) {
          recorder = createFlightRecorder(member);
          recorders.set(member, recorder);
          const [oldest] = recorders.keys();
          if (recorders.size > MAX_FLIGHTS && oldest !== undefined) recorders.delete(oldest);
        }
        recorder.observe(record);
        if (event.kind !== 'stalled') continue;
        const { kind: _, ...stall } = event;
        stalls.push({ at, by: member, stall });
        if (stalls.length > MAX_STALLS) stalls.shift();
      }
    },
    flight: (member) => recorders.get(member)?.read(),
    stalls: () => [...stalls],
  };
}
