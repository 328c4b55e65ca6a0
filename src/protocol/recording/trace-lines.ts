// An event log as text: a record of some rank a line, as `--log FILE` writes it. It may be anybody's.

import * as v from 'valibot';
import type { TraceRecord } from '../../trace/events.ts';
import { SLOTS } from '../../trace/looks.ts';
import {
  ballot,
  count,
  evidence,
  generationId,
  maybe,
  memberId,
  memberIds,
  phase,
  seatId,
  stateHash,
} from '../message-schema.ts';
import { attempt, OPERATIONS } from '../flight-schema.ts';
import { expectedBy } from './events.ts';
import { stallCause, time } from './fields.ts';
import { parseLine, RecordingError } from './rerun.ts';

const MAX_LIST = 65_536;

const text = v.pipe(v.string(), v.maxLength(10_000));
const finite = v.pipe(v.number(), v.finite());
const seatIds = v.pipe(v.array(seatId), v.maxLength(MAX_LIST));
const counts = v.pipe(v.array(count), v.maxLength(MAX_LIST));

const at = { generation: generationId, step: count };
const vote = { generation: generationId, seat: seatId, ballot, stored: v.boolean() };
const fault = { fault: text, detail: text };
const EventSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('phase'), phase }),
  v.strictObject({ kind: v.literal('linkUp'), peer: memberId }),
  v.strictObject({
    kind: v.literal('linkCarried'),
    peer: memberId,
    carrier: v.picklist(['broadcast', 'relay']),
  }),
  v.strictObject({ kind: v.literal('linkDown'), peer: memberId, evidence }),
  v.strictObject({ kind: v.literal('suspected'), peer: memberId, evidence }),
  v.strictObject({
    kind: v.literal('founded'),
    ...at,
    why: v.picklist(['new', 'resumed', 'forced', 'rolled-back']),
  }),
  v.strictObject({ kind: v.literal('prepared'), generation: generationId, ballot }),
  v.strictObject({ kind: v.literal('promised'), ...vote }),
  v.strictObject({ kind: v.literal('voted'), ...vote, value: v.string() }),
  v.strictObject({ kind: v.literal('chosen'), generation: generationId, value: v.string() }),
  v.strictObject({
    kind: v.literal('installed'),
    generation: generationId,
    base: maybe(generationId),
    members: memberIds,
    seats: seatIds,
    witness: v.exactOptional(seatId),
    apart: v.exactOptional(v.pipe(v.array(v.strictTuple([memberId, memberId])), v.maxLength(MAX_LIST))),
    back: v.exactOptional(count),
  }),
  v.strictObject({
    kind: v.literal('left'),
    generation: generationId,
    why: v.picklist(['evicted', 'dissolved', 'leave']),
  }),
  v.strictObject({ kind: v.literal('aborted'), ...at }),
  v.strictObject({ kind: v.literal('contributed'), ...at, attempt, microBatches: counts }),
  v.strictObject({ kind: v.literal('sampleRefused'), ...at, row: count }),
  v.strictObject({ kind: v.literal('quarantined'), ...at, rows: counts }),
  v.strictObject({ kind: v.literal('overflowed'), ...at }),
  v.strictObject({
    kind: v.literal('applied'),
    ...at,
    hash: stateHash,
    counts: v.pipe(v.array(v.pipe(v.number(), v.integer())), v.maxLength(MAX_LIST)),
    loss: finite,
    correct: count,
    samples: count,
  }),
  v.strictObject({ kind: v.literal('committed'), ...at, hash: stateHash }),
  v.strictObject({
    kind: v.literal('healed'),
    ...at,
    donor: memberId,
    hash: stateHash,
    by: v.picklist(['gradient', 'state']),
    bytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  }),
  v.strictObject({
    kind: v.literal('donated'),
    ...at,
    to: memberId,
    by: v.picklist(['gradient', 'state']),
    piece: v.exactOptional(count),
  }),
  v.strictObject({
    kind: v.literal('learns'),
    teacher: memberId,
    step: count,
    pieces: count,
    of: count,
  }),
  v.strictObject({
    kind: v.literal('learned'),
    ...at,
    teacher: memberId,
    hash: stateHash,
    by: v.picklist(['gradient', 'state']),
    bytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  }),
  v.strictObject({
    kind: v.literal('lessonOver'),
    teacher: memberId,
    step: count,
    why: v.picklist([
      'caught-up',
      'stays-behind',
      'come-in',
      'ask-another',
      'teacher-gone',
      'silent',
      'differs',
    ]),
  }),
  v.strictObject({
    kind: v.literal('rejected'),
    from: memberId,
    message: text,
    reason: v.picklist(['fenced', 'malformed', 'unexpected']),
  }),
  v.strictObject({
    kind: v.literal('stalled'),
    ...at,
    operation: v.picklist(OPERATIONS),
    attempt,
    bucket: maybe(count),
    peer: memberId,
    cause: stallCause,
    forMs: time,
    said: maybe(v.strictObject({ phase, step: count, agoMs: finite })),
  }),
  v.strictObject({ kind: v.literal('resent'), to: memberId, step: count }),
  v.strictObject({ kind: v.literal('checkpointed'), ...at, hash: stateHash }),
  v.strictObject({ kind: v.literal('checkpointFailed'), ...at, reason: text }),
  v.strictObject({ kind: v.literal('heldUp'), step: count, ms: time }),
  v.strictObject({ kind: v.literal('checkpointSkipped'), step: count, reason: text }),
  v.strictObject({ kind: v.literal('restored'), step: count, hash: stateHash }),
  v.strictObject({ kind: v.literal('seatAcquired'), seat: seatId }),
  v.strictObject({ kind: v.literal('coloured'), slot: v.pipe(count, v.maxValue(SLOTS - 1)) }),
  v.strictObject({ kind: v.literal('waitingForQuorum'), seats: seatIds, members: memberIds }),
  v.strictObject({
    kind: v.literal('exactness'),
    promise: v.variant('kind', [
      v.strictObject({ kind: v.literal('exact') }),
      v.strictObject({ kind: v.literal('unpromised'), since: count }),
    ]),
  }),
  v.strictObject({ kind: v.literal('faultInjected'), ...fault }),
  v.strictObject({ kind: v.literal('faultHealed'), ...fault }),
  v.strictObject({ kind: v.literal('engine'), detail: text, lost: v.exactOptional(v.literal(true)) }),
  v.strictObject({ kind: v.literal('refused'), by: maybe(memberId), reason: text }),
  v.strictObject({ kind: v.literal('turnedAway'), peer: maybe(memberId), reason: text }),
  v.strictObject({
    kind: v.literal('stopped'),
    reason: v.picklist(['non-finite', 'data', 'refused', 'engine-lost', 'left', 'invariant']),
    detail: text,
  }),
  v.strictObject({ kind: v.literal('violated'), invariant: count, sentence: text }),
]);

const RecordSchema = v.strictObject({
  member: memberId,
  seq: v.pipe(v.number(), v.integer(), v.minValue(0)),
  at: time,
  event: EventSchema,
});

type Plain = string | number | boolean | undefined;
/** What may be undefined may be absent. */
type Loose<T> = T extends Plain
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Loose<Item>[]
    : { readonly [K in keyof T as undefined extends T[K] ? never : K]: Loose<T[K]> } & {
        readonly [K in keyof T as undefined extends T[K] ? K : never]?: Loose<T[K]>;
      };
type Within<A, B> = [Loose<A>] extends [Loose<B>] ? true : false;
type Read = v.InferOutput<typeof RecordSchema>;
/** Never, and then this file does not compile, where vocabulary and schema do not say the same. */
type ReadRecord = [Within<Read, TraceRecord>, Within<TraceRecord, Read>] extends [true, true]
  ? TraceRecord
  : never;

const START = '{"member":"';

/** Whether a file's first characters begin such a log. */
export const isTraceLog = (text: string): boolean => text.startsWith(START);

/** Reads a line. Throws a `RecordingError` that names it, the place, what was expected and what was found. */
function readLine(text: string, line: number): ReadRecord {
  const result = v.safeParse(RecordSchema, parseLine(text, line));
  if (result.success) return result.output as ReadRecord;
  const [issue] = result.issues;
  const path = issue.path?.map(({ key }) => String(key)).join('.') ?? 'the whole line';
  throw new RecordingError(line, path, expectedBy(issue), issue.received);
}

/** The records of all ranks, in order of time and each rank's in its own. Throws a `RecordingError`. */
export function readTraceLog(lines: Iterable<string>): readonly TraceRecord[] {
  const records: TraceRecord[] = [];
  const newest = new Map<string, TraceRecord>();
  let line = 0;
  for (const text of lines) {
    line += 1;
    if (text === '') continue;
    const record = readLine(text, line);
    const before = newest.get(record.member);
    if (before !== undefined && record.seq !== before.seq + 1)
      throw new RecordingError(
        line,
        'seq',
        `${before.seq + 1}, after that rank's record before`,
        String(record.seq),
      );
    newest.set(record.member, record);
    records.push(record);
  }
  // Not by numbers: a rank that starts anew on its page counts on, and clocks of hosts differ.
  return records.sort((a, b) => a.at - b.at || (a.member === b.member ? a.seq - b.seq : 0));
}
