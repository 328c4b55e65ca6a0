// The core's inputs as JSON, one by one, and back. What is read is a file that somebody was given: it is validated here.

import * as v from 'valibot';
import { laneLayout, type LaneLayout } from '../../collective/lanes.ts';
import { MAX_PIECES } from '../../collective/state-transfer.ts';
import { JobSchema } from '../../job/job.ts';
import { WireSchema } from '../../job/wire-schema.ts';
import { CodecError } from '../codec-error.ts';
import { rejoin, split } from '../message-parts.ts';
import {
  count,
  evidence,
  generationId,
  jobHashSchema,
  maybe,
  memberId,
  pieceDigests,
  seatId,
  standing,
  stateHash,
} from '../message-schema.ts';
import { parseSeatRecord } from '../stored-votes.ts';
import type { Event } from '../effects.ts';
import { attempt } from '../flight-schema.ts';
import type { Message } from '../messages.ts';
import {
  BytesSchema,
  LanesSchema,
  recordBytes,
  recordLanes,
  restoreBytes,
  restoreLanes,
} from './payloads.ts';
import type { RecordedBytes, RecordedLanes } from './payloads.ts';

const text = v.pipe(v.string(), v.maxLength(10_000));
const cuts = v.pipe(v.array(count), v.maxLength(65_536));
const place = { generation: generationId, step: count };

const EventSchema = v.variant('kind', [
  v.strictObject({
    kind: v.literal('boot'),
    job: JobSchema,
    jobHash: jobHashSchema,
    fresh: v.boolean(),
    autostart: v.boolean(),
    saved: maybe(standing),
  }),
  v.strictObject({
    kind: v.literal('engineReady'),
    jobHash: jobHashSchema,
    fingerprint: text,
    layout: v.strictObject({ gradient: count, tensors: count, microBatches: count, wire: WireSchema, cuts }),
    tensors: v.pipe(v.array(text), v.maxLength(65_536)),
    hash: stateHash,
  }),
  v.strictObject({
    kind: v.literal('engineFailed'),
    fault: v.picklist([
      'out-of-memory',
      'device-lost',
      'validation',
      'internal',
      'loader',
      'bad-state',
      'unavailable',
    ]),
    detail: text,
  }),
  v.strictObject({ kind: v.literal('linkUp'), peer: memberId }),
  v.strictObject({ kind: v.literal('linkDown'), peer: memberId, evidence }),
  v.strictObject({
    kind: v.literal('message'),
    from: memberId,
    message: v.unknown(),
    payload: maybe(v.union([LanesSchema, BytesSchema])),
  }),
  v.strictObject({ kind: v.literal('garbled'), from: memberId, detail: text }),
  v.strictObject({ kind: v.literal('unsent'), to: memberId }),
  v.strictObject({
    kind: v.literal('timer'),
    name: v.picklist(['beat', 'propose', 'retry', 'progress', 'found', 'join', 'heal']),
  }),
  v.strictObject({ kind: v.literal('visibility'), hidden: v.boolean() }),
  v.strictObject({ kind: v.literal('computed'), ...place, attempt, bucket: count, lanes: LanesSchema }),
  v.strictObject({ kind: v.literal('computeFailed'), ...place, attempt, detail: text }),
  v.strictObject({ kind: v.literal('applied'), ...place, hash: stateHash }),
  v.strictObject({
    kind: v.literal('exported'),
    ...place,
    hash: stateHash,
    digests: pieceDigests,
    pieces: v.pipe(v.array(BytesSchema), v.maxLength(MAX_PIECES)),
  }),
  v.strictObject({
    kind: v.literal('copied'),
    step: count,
    hash: stateHash,
    digests: v.exactOptional(pieceDigests),
    pieces: v.exactOptional(v.pipe(v.array(BytesSchema), v.maxLength(MAX_PIECES))),
  }),
  v.strictObject({ kind: v.literal('imported'), ...place, hash: stateHash }),
  v.strictObject({ kind: v.literal('importFailed'), generation: generationId, detail: text }),
  v.strictObject({
    kind: v.literal('restored'),
    found: maybe(
      v.strictObject({
        standing,
        provenance: v.strictObject({
          fingerprint: text,
          updateMode: v.picklist(['native', 'portable']),
          exactness: v.variant('kind', [
            v.strictObject({ kind: v.literal('exact') }),
            v.strictObject({ kind: v.literal('unpromised'), since: count }),
          ]),
        }),
      }),
    ),
  }),
  v.strictObject({ kind: v.literal('seatAcquired'), seat: seatId, record: v.optional(v.unknown()) }),
  v.strictObject({ kind: v.literal('seatNotStored'), seat: seatId, detail: text }),
  v.strictObject({ kind: v.literal('checkpointed'), ...place, hash: stateHash }),
  v.strictObject({ kind: v.literal('checkpointFailed'), ...place, detail: text }),
  v.strictObject({
    kind: v.literal('command'),
    command: v.picklist(['start', 'pause', 'checkpoint', 'leave', 'force']),
  }),
  v.strictObject({
    kind: v.literal('rollBack'),
    to: v.strictObject({ step: count, hash: stateHash }),
  }),
]);
type RecordedEvent = v.InferOutput<typeof EventSchema>;

/** How the lanes at hand are cut, and from where on the protocol reads them. */
export interface LaneView {
  /** Where a bucket of this rank's own contribution is cut into what is sent. */
  cuts(bucket: number): readonly number[];
  /** Number of gradient lanes in a bucket; what follows is kept as it is. */
  gradientOf(bucket: number): number;
  /** Number of gradient lanes in all buckets. */
  readonly gradient: number;
  /** How many lanes of a part from this member are gradient. */
  gradientIn(message: Extract<Message, { kind: 'part' }>, from: string): number;
}

/** The event as JSON. Payloads are hashed, which must happen before the core takes them over. */
export function recordEvent(event: Event, view: LaneView): object {
  switch (event.kind) {
    case 'engineReady': {
      const { gradient, tensors, microBatches, wire, cuts } = event.layout;
      return { ...event, layout: { gradient, tensors, microBatches, wire, cuts } };
    }
    case 'computed':
      return {
        ...event,
        lanes: recordLanes(event.lanes, view.cuts(event.bucket), view.gradientOf(event.bucket)),
      };
    case 'exported': {
      const { state, ...rest } = event;
      return { ...rest, digests: state.digests, pieces: state.pieces.map(recordBytes) };
    }
    case 'copied': {
      const { state, ...rest } = event;
      if (state === undefined) return rest;
      return { ...rest, digests: state.digests, pieces: state.pieces.map(recordBytes) };
    }
    case 'message': {
      const { from, message } = event;
      const { header } = split(message);
      const payload = recordPayload(message, from, view);
      return { kind: event.kind, from, message: header, payload };
    }
    case 'boot':
    case 'engineFailed':
    case 'linkUp':
    case 'linkDown':
    case 'garbled':
    case 'unsent':
    case 'timer':
    case 'visibility':
    case 'computeFailed':
    case 'applied':
    case 'imported':
    case 'importFailed':
    case 'restored':
    case 'seatAcquired':
    case 'seatNotStored':
    case 'checkpointed':
    case 'checkpointFailed':
    case 'command':
    case 'rollBack':
      return event;
  }
}

function recordPayload(
  message: Message,
  from: string,
  view: LaneView,
): RecordedLanes | RecordedBytes | undefined {
  if (message.kind === 'relay') return recordPayload(message.message, message.origin, view);
  if (message.kind === 'lesson') return recordPayload(message.message, from, view);
  if (message.kind === 'part') return recordLanes(message.payload, [], view.gradientIn(message, from));
  if (message.kind === 'gradient') return recordLanes(message.reduced, [], view.gradient);
  if (message.kind === 'state' || message.kind === 'piece') return recordBytes(message.bytes);
  return undefined;
}

/** Where an event does not fit, and what was expected there. */
export class EventFlaw extends Error {
  override readonly name = 'EventFlaw';
  constructor(
    readonly place: string,
    readonly expected: string,
    readonly found: string,
  ) {
    super(`expected ${expected} at ${place}, found ${found}`);
  }
}

/** What a schema of our own expects is in its message. */
export function expectedBy({ expected, message }: v.BaseIssue<unknown>): string {
  if (expected === 'never') return 'no such key';
  return expected === null || expected === 'unknown' ? message.replace(/^Expected /, '') : expected;
}

/** Throws an `EventFlaw`. */
export function restoreEvent(value: unknown): Event {
  const result = v.safeParse(EventSchema, value);
  if (!result.success) {
    const [issue] = result.issues;
    const path = issue.path?.map(({ key }) => String(key)).join('.') ?? 'the event';
    throw new EventFlaw(path, expectedBy(issue), issue.received);
  }
  try {
    return restore(result.output);
  } catch (error) {
    if (error instanceof CodecError) throw new EventFlaw('the event', 'a message or record', error.message);
    throw error;
  }
}

function restore(event: RecordedEvent): Event {
  switch (event.kind) {
    case 'engineReady': {
      const { gradient, tensors, microBatches, wire, cuts } = event.layout;
      const layout: LaneLayout = laneLayout(gradient, tensors, microBatches, wire, cuts);
      return { ...event, layout };
    }
    case 'computed':
      return { ...event, lanes: restoreLanes(event.lanes) };
    case 'exported': {
      const { digests, pieces, ...rest } = event;
      return { ...rest, state: { digests, pieces: pieces.map(restoreBytes) } };
    }
    case 'copied': {
      const { digests, pieces, ...rest } = event;
      const isHere = digests !== undefined && pieces !== undefined;
      return { ...rest, state: isHere ? { digests, pieces: pieces.map(restoreBytes) } : undefined };
    }
    case 'message': {
      const { payload } = event;
      const words = Array.isArray(payload) ? restoreLanes(payload) : undefined;
      const bytes =
        words !== undefined
          ? new Uint8Array(words.buffer)
          : payload !== undefined && !Array.isArray(payload)
            ? restoreBytes(payload)
            : new Uint8Array(0);
      return { kind: event.kind, from: event.from, message: rejoin(event.message, bytes) };
    }
    case 'seatAcquired':
      return {
        ...event,
        record: event.record === undefined ? undefined : parseSeatRecord(event.record),
      };
    case 'boot':
    case 'engineFailed':
    case 'linkUp':
    case 'linkDown':
    case 'garbled':
    case 'unsent':
    case 'timer':
    case 'visibility':
    case 'computeFailed':
    case 'applied':
    case 'imported':
    case 'importFailed':
    case 'restored':
    case 'seatNotStored':
    case 'checkpointed':
    case 'checkpointFailed':
    case 'command':
    case 'rollBack':
      return event as Event;
  }
}
