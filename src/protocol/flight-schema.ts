// A rank's flight as it comes from elsewhere: over a link, or out of a file.

import * as v from 'valibot';
import { FLIGHT_ENTRIES } from '../trace/flight-recorder.ts';
import type { Operation } from '../trace/events.ts';
import { MAX_ATTEMPT } from './messages.ts';

export const OPERATIONS = [
  'contribution',
  'all-reduce',
  'barrier',
  'apply',
  'standing',
  'heal',
  'vote',
] as const satisfies readonly Operation[];

/** Which attempt at a step an all-reduce is; -1 for the barrier, which trains nothing. */
export const attempt = v.pipe(v.number(), v.integer(), v.minValue(-1), v.maxValue(MAX_ATTEMPT));

const whole = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0x7fffffff));
const time = v.pipe(v.number(), v.finite(), v.minValue(0));

export const FlightEntriesSchema = v.pipe(
  v.array(
    v.strictObject({
      operation: v.picklist(OPERATIONS),
      generation: whole,
      step: whole,
      attempt,
      at: time,
      ms: v.optional(time, undefined),
      aborted: v.boolean(),
    }),
  ),
  // The one at hand is not in the ring.
  v.maxLength(FLIGHT_ENTRIES + 1),
);
