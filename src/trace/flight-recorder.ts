// The flight recorder of a rank: the last operations that it took part in, from its own log. Small enough to be asked for over a control
// channel, and what is left of a rank whose recording went with its page. After the ring of collectives that PyTorch's NCCL process
// group keeps for its post-mortems.

import type { MemberId } from '../ports/ids.ts';
import type { Operation, Phase, TraceRecord } from './events.ts';

/** One operation. Times in milliseconds, as in the log. */
export interface FlightEntry {
  readonly operation: Operation;
  /** Of the incarnation's; 0 outside of any. */
  readonly generation: number;
  readonly step: number;
  readonly attempt: number;
  readonly at: number;
  /** How long it took; undefined: it was not over when the recorder was read. */
  readonly ms: number | undefined;
  readonly aborted: boolean;
}

export interface Flight {
  readonly member: MemberId;
  /** Oldest first. */
  readonly entries: readonly FlightEntry[];
}

/** Some twenty steps: they fit into one control message with their names. */
export const FLIGHT_ENTRIES = 64;

const OPERATIONS: Readonly<Partial<Record<Phase, Operation>>> = {
  computing: 'contribution',
  reducing: 'all-reduce',
  applying: 'apply',
  healing: 'heal',
  regrouping: 'vote',
};

export interface FlightRecorder {
  observe(record: TraceRecord): void;
  read(): Flight;
}

export function createFlightRecorder(member: MemberId): FlightRecorder {
  const entries: FlightEntry[] = [];
  let open: FlightEntry | undefined;
  let generation = 0;
  /** Updates applied; the step at hand. */
  let step = 0;
  let attempt = 0;

  const close = (at: number, aborted: boolean): void => {
    if (open === undefined) return;
    entries.push({ ...open, ms: Math.max(0, at - open.at), aborted });
    if (entries.length > FLIGHT_ENTRIES) entries.shift();
    open = undefined;
  };

  return {
    observe({ at, event }) {
      if (event.kind === 'phase') {
        close(at, false);
        const operation = OPERATIONS[event.phase];
        if (operation !== undefined)
          open = { operation, generation, step, attempt, at, ms: undefined, aborted: false };
      } else if (event.kind === 'installed') {
        generation = event.generation.number;
        attempt = 0;
      } else if (event.kind === 'contributed') {
        ({ step, attempt } = event);
      } else if (event.kind === 'applied') {
        step = event.step + 1;
        attempt = 0;
      } else if (event.kind === 'healed' || event.kind === 'learned' || event.kind === 'restored') {
        step = event.step;
      } else if (event.kind === 'aborted') close(at, true);
    },
    read: () => ({ member, entries: open === undefined ? [...entries] : [...entries, open] }),
  };
}
