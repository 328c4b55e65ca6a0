// A rank's flight as it comes from elsewhere: over a link, or out of a file.

import * as v from 'valibot';
import { FLIGHT_ENTRIES } from '../trace/flight-recorder.ts';
import type { Operation } from '../trace/events.ts';

export const OPERATIONS = [
  'contribution',
  'all-reduce',
  'barrier',
  'apply',
  'standing',
  'heal',
  'vote',
] as const satisfies readonly Operation[];

const whole = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0x7fffffff));
const time = v.pipe(v.number(), v.finite(), v.minValue(0));

export const FlightEntriesSchema = v.pipe(
  v.array(
    v.strictObject({
      operation: v.picklist(OPERATIONS),
      generation: whole,
      step: whole,
      attempt: v.pipe(v.number(), v.integer(), v.minValue(-1), v.maxValue(8)),
      at: time,
      ms: v.optional(time, undefined),
      aborted: v.boolean(),
    }),
  ),
  // The one at hand is not in the ring.
  v.maxLength(FLIGHT_ENTRIES + 1),
);
