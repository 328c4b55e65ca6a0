// What a recording keeps of a host's own log lines: votes once they are stored, faults, what saving cost, and whose colour it wears. The rest of
// the log is the core's, and comes again when the recording is run.

import * as v from 'valibot';
import type { TraceEvent } from '../../trace/events.ts';
import { SLOTS } from '../../trace/looks.ts';
import { ballot, count, generationId, seatId } from '../message-schema.ts';

const text = v.pipe(v.string(), v.maxLength(10_000));
const vote = { generation: generationId, seat: seatId, ballot, stored: v.boolean() };
const fault = { fault: text, detail: text };

export const NoteSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('promised'), ...vote }),
  v.strictObject({ kind: v.literal('voted'), ...vote, value: v.string() }),
  v.strictObject({ kind: v.literal('faultInjected'), ...fault }),
  v.strictObject({ kind: v.literal('faultHealed'), ...fault }),
  v.strictObject({ kind: v.literal('coloured'), slot: v.pipe(count, v.maxValue(SLOTS - 1)) }),
  v.strictObject({ kind: v.literal('heldUp'), step: count, ms: v.pipe(v.number(), v.minValue(0)) }),
]);
export type Note = v.InferOutput<typeof NoteSchema>;

const KINDS: readonly string[] = [
  'promised',
  'voted',
  'faultInjected',
  'faultHealed',
  'coloured',
  'heldUp',
] satisfies Note['kind'][];

export const isNote = (event: TraceEvent): event is Note => KINDS.includes(event.kind);
