// Messages as bytes: a checksum, a JSON header, and the raw payload of the few messages that carry one. Everything that
// arrives is untrusted and is validated here, once; inside, types hold.
//
//   bytes 0–3   checksum of all that follows (checksum.ts), little-endian
//   bytes 4–7   header length h, little-endian
//   bytes 8–    header: h bytes of ASCII JSON, then zeros up to a multiple of 4
//   the rest    payload; lanes of the narrow wire format are packed (collective/packing.ts)

import * as v from 'valibot';
import { digestOfPiece, MAX_PIECES, PIECE_BYTES, PIECE_WINDOW } from '../collective/state-transfer.ts';
import { packedLength, packLanes, unpackLanes, type Packing } from '../collective/packing.ts';
import { JobSchema, type Job } from '../job/job.ts';
import {
  isDeviceId,
  isIncarnationId,
  isJobHash,
  isMemberId,
  isPieceDigest,
  isSeatId,
  isStateHash,
} from '../ports/ids.ts';
import type {
  DeviceId,
  IncarnationId,
  JobHash,
  MemberId,
  PieceDigest,
  SeatId,
  StateHash,
} from '../ports/ids.ts';
import { bytesOf, type Lane, type LateMessage } from '../ports/network.ts';
import { MAX_REPLACED, type Generation } from './generation.ts';
import { asciiJson, jsonLength } from './ascii-json.ts';
import { checksum } from './checksum.ts';
import { attempt, FlightEntriesSchema } from './flight-schema.ts';
import {
  MAX_CLAIM,
  MAX_CLAIMS_TOLD,
  MAX_HELD,
  MAX_QUARANTINED,
  type Lesson,
  type Message,
  type Relay,
} from './messages.ts';
import type { SeatRecord } from './votes.ts';
import { MAX_RECORDS, type WitnessBook } from './witness-book.ts';

/** Longest header: a generation of 1,024 members fits. */
const MAX_HEADER_BYTES = 256 * 1024;
const MAX_MEMBERS = 1024;
const MAX_TENSORS = 65_536;

export class CodecError extends Error {
  override readonly name = 'CodecError';
}

/** JSON has no `undefined`: an absent key stands for it. */
const maybe = <T extends v.GenericSchema>(schema: T) => v.optional(schema, undefined);

export const memberId = v.custom<MemberId>(
  (x) => typeof x === 'string' && isMemberId(x),
  'a member id of 32 hex digits',
);
export const seatId = v.custom<SeatId>(
  (x) => typeof x === 'string' && isSeatId(x),
  'a seat id of 32 hex digits',
);
export const stateHash = v.custom<StateHash>(
  (x) => typeof x === 'string' && isStateHash(x),
  'a state hash of 32 hex digits',
);
const deviceId = v.custom<DeviceId>(
  (x) => typeof x === 'string' && isDeviceId(x),
  'a device id of 32 hex digits',
);
export const pieceDigest = v.custom<PieceDigest>(
  (x) => typeof x === 'string' && isPieceDigest(x),
  'a piece digest of 32 hex digits',
);
export const jobHashSchema = v.custom<JobHash>(
  (x) => typeof x === 'string' && isJobHash(x),
  'a job hash of 64 hex digits',
);
const incarnation = v.custom<IncarnationId>(
  (x) => typeof x === 'string' && isIncarnationId(x),
  'an incarnation id',
);
export const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0x7fffffff));
const shortText = v.pipe(v.string(), v.maxLength(500));

export const generationId = v.strictObject({ incarnation, number: v.pipe(count, v.minValue(1)) });
export const ballot = v.strictObject({ round: count, proposer: memberId });
const member = v.strictObject({
  member: memberId,
  seat: seatId,
  fingerprint: v.pipe(v.string(), v.maxLength(128)),
});
const members = v.pipe(v.array(member), v.minLength(1), v.maxLength(MAX_MEMBERS));
export const memberIds = v.pipe(v.array(memberId), v.maxLength(MAX_MEMBERS));
/** Every two of as many members as have links with all others. */
const MAX_APART = (64 * 63) / 2;
const rank = v.pipe(count, v.maxValue(MAX_MEMBERS - 1));
const generationEntries = v.strictObject({
  id: generationId,
  members,
  updateMode: v.picklist(['native', 'portable']),
  exactness: v.variant('kind', [
    v.strictObject({ kind: v.literal('exact') }),
    v.strictObject({ kind: v.literal('unpromised'), since: count }),
  ]),
  floor: count,
  running: v.boolean(),
  witness: maybe(seatId),
  apart: maybe(v.pipe(v.array(v.tuple([rank, rank])), v.minLength(1), v.maxLength(MAX_APART))),
  back: maybe(v.strictObject({ founder: memberId, step: count, hash: stateHash })),
  insteadOf: maybe(v.pipe(v.array(incarnation), v.maxLength(MAX_REPLACED))),
});
const generation = v.pipe(
  generationEntries,
  v.check(
    ({ apart = [], members: all }) => apart.every(([one, other]) => one < other && other < all.length),
    'Expected pairs of ranks, the lesser first',
  ),
);
const accepted = v.strictObject({ ballot, value: generation });
export const standing = v.strictObject({
  lineage: v.optional(generationId, undefined),
  step: count,
  hash: stateHash,
});
const round = v.strictObject({ step: count, attempt });
const bucket = v.pipe(count, v.maxValue(MAX_TENSORS));
const piece = v.pipe(count, v.maxValue(MAX_PIECES - 1));
export const pieceDigests = v.pipe(v.array(pieceDigest), v.minLength(1), v.maxLength(MAX_PIECES));
export const phase = v.picklist([
  'starting',
  'joining',
  'regrouping',
  'healing',
  'idle',
  'computing',
  'reducing',
  'applying',
  'done',
  'stuck',
  'stopped',
]);

export const evidence = v.picklist([
  'goodbye',
  'lock-released',
  'heartbeat',
  'ice',
  'channel-closed',
  'progress',
  'misbehaved',
  'leave',
]);

/** So narrow that bytes at hand never become more than eight times as many. */
const packing = maybe(
  v.strictObject({
    lanes: v.pipe(count, v.minValue(1)),
    bits: v.pipe(v.number(), v.integer(), v.minValue(4), v.maxValue(31)),
  }),
);

const verdict = v.strictObject({
  target: v.strictObject({ step: count, hash: stateHash, lineage: count, donors: memberIds }),
  paused: v.boolean(),
  lost: maybe(v.strictObject({ founder: maybe(memberId) })),
  tied: maybe(v.literal(true)),
});

const HealSchema = v.strictObject({
  kind: v.literal('heal'),
  generation: generationId,
  have: maybe(standing),
  piece,
});
const GradientSchema = v.strictObject({
  kind: v.literal('gradient'),
  generation: generationId,
  step: count,
  exponents: maybe(
    v.pipe(
      v.array(v.pipe(v.number(), v.integer(), v.minValue(-256), v.maxValue(256))),
      v.maxLength(MAX_TENSORS),
    ),
  ),
  quarantined: maybe(v.pipe(v.array(count), v.minLength(1), v.maxLength(MAX_QUARANTINED))),
  packing,
});
const StateSchema = v.strictObject({
  kind: v.literal('state'),
  generation: generationId,
  step: count,
  hash: stateHash,
  digests: pieceDigests,
  piece,
});
const WantSchema = v.strictObject({
  kind: v.literal('want'),
  generation: generationId,
  step: count,
  hash: stateHash,
  pieces: v.pipe(v.array(piece), v.minLength(1), v.maxLength(PIECE_WINDOW)),
});
const PieceSchema = v.strictObject({
  kind: v.literal('piece'),
  generation: generationId,
  step: count,
  hash: stateHash,
  piece,
  digest: pieceDigest,
});

/** What members send on for each other. */
const RelayedSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('room'), generation, committed: count, job: JobSchema }),
  v.strictObject({ kind: v.literal('prepare'), generation: generationId, ballot }),
  v.strictObject({
    kind: v.literal('promise'),
    generation: generationId,
    ballot,
    seat: seatId,
    accepted: maybe(accepted),
    links: memberIds,
    vouched: count,
    leaving: v.boolean(),
    joiners: v.pipe(v.array(member), v.maxLength(MAX_MEMBERS)),
    suspects: memberIds,
  }),
  v.strictObject({ kind: v.literal('reject'), generation: generationId, ballot, promised: ballot }),
  v.strictObject({ kind: v.literal('accept'), generation: generationId, ballot, value: generation }),
  v.strictObject({ kind: v.literal('accepted'), generation: generationId, ballot, seat: seatId }),
  v.strictObject({ kind: v.literal('seatHeld'), generation: generationId, seat: seatId }),
  v.strictObject({
    kind: v.literal('standing'),
    generation: generationId,
    standing: maybe(standing),
    best: maybe(standing),
    paused: v.boolean(),
    again: v.boolean(),
  }),
  v.strictObject({ kind: v.literal('start'), generation: generationId }),
  v.strictObject({
    kind: v.literal('news'),
    generation: generationId,
    suspects: v.pipe(v.array(v.strictObject({ member: memberId, evidence })), v.maxLength(MAX_MEMBERS)),
    joiners: v.pipe(v.array(member), v.maxLength(MAX_MEMBERS)),
    leaving: v.boolean(),
  }),
  v.strictObject({ kind: v.literal('target'), generation: generationId, verdict }),
  v.strictObject({
    kind: v.literal('beat'),
    generation: generationId,
    phase,
    step: count,
    waiting: maybe(memberId),
    attempt: maybe(attempt),
    hidden: maybe(v.literal(true)),
    pieces: maybe(count),
    unheard: maybe(v.pipe(memberIds, v.minLength(1))),
  }),
  v.strictObject({ kind: v.literal('part'), generation: generationId, round, bucket, part: count, packing }),
  v.strictObject({ kind: v.literal('resend'), generation: generationId, round, bucket, part: count }),
  HealSchema,
  GradientSchema,
  StateSchema,
  WantSchema,
  PieceSchema,
]);

const HeaderSchema = v.variant('kind', [
  ...RelayedSchema.options,
  v.strictObject({
    kind: v.literal('join'),
    member: maybe(member),
    jobHash: maybe(jobHashSchema),
    standing: maybe(standing),
    links: memberIds,
    installed: v.pipe(v.array(generationId), v.maxLength(16)),
  }),
  v.strictObject({
    kind: v.literal('witness'),
    seat: seatId,
    knows: maybe(generationId),
    links: memberIds,
  }),
  v.strictObject({ kind: v.literal('refuse'), reason: v.literal('job-differs'), detail: shortText }),
  v.strictObject({
    kind: v.literal('relay'),
    origin: memberId,
    to: memberId,
    hops: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8)),
    message: RelayedSchema,
  }),
  v.strictObject({ kind: v.literal('learn'), message: v.variant('kind', [HealSchema, WantSchema]) }),
  v.pipe(
    v.strictObject({
      kind: v.literal('lesson'),
      committed: count,
      hash: maybe(stateHash),
      message: v.variant('kind', [StateSchema, PieceSchema, GradientSchema]),
    }),
    v.check(
      ({ message, hash }) => (message.kind === 'gradient') === (hash !== undefined),
      'Expected a hash with a gradient, and with nothing else',
    ),
  ),
  v.strictObject({ kind: v.literal('lessonOver'), then: v.picklist(['come-in', 'ask-another']) }),
  v.strictObject({ kind: v.literal('recall') }),
  v.strictObject({ kind: v.literal('flight'), entries: FlightEntriesSchema }),
  v.strictObject({ kind: v.literal('copies') }),
  v.strictObject({
    kind: v.literal('holding'),
    device: deviceId,
    checkpoints: v.pipe(v.array(v.strictObject({ step: count, hash: stateHash })), v.maxLength(MAX_HELD)),
  }),
  v.strictObject({
    kind: v.literal('colours'),
    claims: v.pipe(
      v.array(v.strictObject({ member: memberId, claim: v.pipe(count, v.maxValue(MAX_CLAIM)) })),
      v.minLength(1),
      v.maxLength(MAX_CLAIMS_TOLD),
    ),
  }),
]);

const SeatRecordSchema = v.strictObject({
  format: v.literal(1),
  seat: seatId,
  base: maybe(generation),
  promised: maybe(ballot),
  accepted: maybe(accepted),
});

/** Validates a stored ballot record. Throws a `CodecError`. */
export function parseSeatRecord(value: unknown): SeatRecord {
  const result = v.safeParse(SeatRecordSchema, value);
  if (result.success) return result.output as SeatRecord;
  throw new CodecError(`A stored ballot record is not valid: ${describeIssue(result.issues[0])}`);
}

const WitnessBookSchema = v.strictObject({
  format: v.literal(1),
  seat: seatId,
  closed: maybe(incarnation),
  records: v.pipe(
    v.array(v.strictObject({ ...SeatRecordSchema.entries, base: generation })),
    v.maxLength(MAX_RECORDS),
  ),
});

/** Validates a witness's stored book. Throws a `CodecError`. */
export function parseWitnessBook(value: unknown): WitnessBook {
  const result = v.safeParse(WitnessBookSchema, value);
  if (!result.success)
    throw new CodecError(`A stored witness book is not valid: ${describeIssue(result.issues[0])}`);
  const { seat, records } = result.output;
  const lines = new Set(records.map(({ base }) => base.id.incarnation));
  if (lines.size !== records.length || records.some((record) => record.seat !== seat))
    throw new CodecError(
      'A stored witness book is not valid: expected one record of its seat for each incarnation.',
    );
  return result.output as WitnessBook;
}

const describeIssue = (issue: v.BaseIssue<unknown>): string =>
  `at ${issue.path?.map((item) => String(item.key)).join('.') ?? 'the top'}, expected ${issue.expected ?? 'something else'}, found ${issue.received}`;

/** The message that a relayed one or a lesson is about. */
export const innermost = (message: Message): Message =>
  message.kind === 'relay' || message.kind === 'lesson' ? innermost(message.message) : message;

/** A message apart from what it carries in bulk. */
export function split(message: Message): { readonly header: unknown; readonly payload: Uint8Array } {
  if (message.kind === 'relay' || message.kind === 'lesson') {
    const { header, payload } = split(message.message);
    return { header: { ...message, message: header }, payload };
  }
  if (message.kind === 'part') {
    const { payload, ...header } = message;
    return { header, payload: asBytes(payload) };
  }
  if (message.kind === 'gradient') {
    const { reduced, exponents, ...rest } = message;
    const header = exponents === undefined ? rest : { ...rest, exponents: Array.from(exponents) };
    return { header, payload: asBytes(reduced) };
  }
  if (message.kind === 'state' || message.kind === 'piece') {
    const { bytes, ...header } = message;
    return { header, payload: bytes };
  }
  return { header: message, payload: new Uint8Array(0) };
}

/** How a message's lanes travel; undefined: as they are, or there are none. */
function packingIn(message: Message): Packing | undefined {
  const inner = innermost(message);
  return inner.kind === 'part' || inner.kind === 'gradient' ? inner.packing : undefined;
}

const wordsIn = (bytes: Uint8Array): Int32Array =>
  new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);

const asBytes = (words: Int32Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

/** Lists of members beyond this make a message long. */
const SHORT_LIST = 64;

const isLong = (value: Generation | undefined): boolean => (value?.members.length ?? 0) > SHORT_LIST;

/** What of a message names many members, and is shared by many messages; undefined where there is nothing. */
function longPart(message: Message): object | undefined {
  switch (message.kind) {
    case 'room':
      return isLong(message.generation) ? message.generation : undefined;
    case 'accept':
      return isLong(message.value) ? message.value : undefined;
    case 'promise':
      return isLong(message.accepted?.value)
        ? message.accepted?.value
        : message.joiners.length > SHORT_LIST
          ? message.joiners
          : undefined;
    case 'news':
      return message.joiners.length > SHORT_LIST ? message.joiners : undefined;
    case 'target':
      return message.verdict.target.donors.length > SHORT_LIST ? message.verdict : undefined;
    case 'accepted':
    case 'beat':
    case 'colours':
    case 'copies':
    case 'flight':
    case 'gradient':
    case 'heal':
    case 'holding':
    case 'join':
    case 'learn':
    case 'lesson':
    case 'lessonOver':
    case 'part':
    case 'prepare':
    case 'recall':
    case 'refuse':
    case 'reject':
    case 'relay':
    case 'resend':
    case 'seatHeld':
    case 'standing':
    case 'start':
    case 'state':
    case 'piece':
    case 'want':
    case 'witness':
      return undefined;
  }
}

function hasPayload(message: Message): boolean {
  const { kind } = innermost(message);
  return kind === 'part' || kind === 'gradient' || kind === 'state' || kind === 'piece';
}

/** Long messages do not fit between the short ones, which wait for nothing. */
export const laneOf = (message: Message): Lane =>
  message.kind === 'relay'
    ? laneOf(message.message)
    : hasPayload(message) || longPart(message) !== undefined
      ? 'bulk'
      : 'control';

/** How many bytes `encodeMessage` makes of a message, without making them. */
export function messageBytes(message: Message): number {
  // What travels most has no payload, and its header is the message itself.
  if (!hasPayload(message)) return 8 + Math.ceil(headerLength(message) / 4) * 4;
  const { header, payload } = split(message);
  const packing = packingIn(message);
  const bytes = packing === undefined ? payload.length : 4 * packedLength(packing, payload.length / 4);
  return 8 + Math.ceil(jsonLength(header) / 4) * 4 + bytes;
}

/** A generation and its job are told to everybody, in one message after the other: each is measured once. */
function headerLength(message: Message): number {
  if (message.kind === 'relay')
    return jsonLength({ ...message, message: 0 }) - 1 + headerLength(message.message);
  if (message.kind === 'accept') return jsonLength({ ...message, value: 0 }) - 1 + knownLength(message.value);
  if (message.kind !== 'room') return jsonLength(message);
  const { generation, job } = message;
  return jsonLength({ ...message, generation: 0, job: 0 }) - 2 + knownLength(generation) + knownLength(job);
}

const lengths = new WeakMap<object, number>();

function knownLength(part: Generation | Job): number {
  let length = lengths.get(part);
  if (length === undefined) {
    length = jsonLength(part);
    lengths.set(part, length);
  }
  return length;
}

/** How many bytes less a part is than it would be with 32 bits for each lane. */
export function bytesSaved({ packing, payload }: Extract<Message, { kind: 'part' }>): number {
  return packing === undefined ? 0 : 4 * (payload.length - packedLength(packing, payload.length));
}

/** What a message is after its way over the wire, without the way: lanes keep the bits that the wire has for them. */
export function asCarried<M extends Message>(message: M): M;
export function asCarried(message: Message): Message {
  if (message.kind === 'relay') {
    const inner = asCarried(message.message);
    return inner === message.message ? message : { ...message, message: inner };
  }
  if (message.kind === 'lesson') {
    const inner = asCarried(message.message);
    return inner === message.message ? message : { ...message, message: inner };
  }
  const packing = packingIn(message);
  if (packing === undefined) return message;
  const carry = (lanes: Int32Array): Int32Array<ArrayBuffer> =>
    unpackLanes(packLanes(lanes, packing), packing) ?? new Int32Array(0);
  if (message.kind === 'part') return { ...message, payload: carry(message.payload) };
  return message.kind === 'gradient' ? { ...message, reduced: carry(message.reduced) } : message;
}

export function encodeMessage(message: Message): {
  readonly lane: Lane;
  readonly bytes: Uint8Array<ArrayBuffer>;
} {
  return { lane: laneOf(message), bytes: bytesOf(encodeLate(message)) };
}

/** As `encodeMessage`, but for the bytes, which are made when the wire takes them: the message's payload must not change before. */
export function encodeLate(message: Message): LateMessage {
  const { header, payload } = split(message);
  const packing = packingIn(message);
  const text = asciiJson(header);
  const start = 8 + Math.ceil(text.length / 4) * 4;
  const length =
    start + (packing === undefined ? payload.length : 4 * packedLength(packing, payload.length / 4));
  return {
    length,
    write(into) {
      for (let i = 0; i < text.length; i++) into[8 + i] = text.charCodeAt(i);
      into.fill(0, 8 + text.length, start);
      into.set(packing === undefined ? payload : asBytes(packLanes(wordsIn(payload), packing)), start);
      const view = new DataView(into.buffer, into.byteOffset);
      view.setUint32(4, text.length, true);
      view.setInt32(0, checksum(into, 4), true);
    },
  };
}

/**
 * The lanes of a part may be a view into `bytes`. Throws a `CodecError` that says what was expected and found; allocates no more than
 * eight times the bytes at hand.
 */
export function decodeMessage(bytes: Uint8Array<ArrayBuffer>): Message {
  if (bytes.length < 8) throw new CodecError(`A message has at least 8 bytes, and ${bytes.length} came.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(4, true);
  const start = 8 + Math.ceil(length / 4) * 4;
  if (length > MAX_HEADER_BYTES || start > bytes.length)
    throw new CodecError(`A header of ${length} bytes does not fit into a message of ${bytes.length}.`);
  if (view.getInt32(0, true) !== checksum(bytes, 4))
    throw new CodecError('The checksum of a message does not match its bytes.');
  const header = parseHeader(parseJson(bytes, length));
  // Lanes are added up at once, where they lie; what is kept lies alone.
  const payload =
    header.kind === 'part' && (bytes.byteOffset + start) % 4 === 0
      ? bytes.subarray(start)
      : bytes.slice(start);
  const inner = 'message' in header ? header.message : header;
  const message = join(header, 'packing' in inner ? unpacked(payload, inner.packing) : payload);
  const said = innermost(message);
  if (said.kind === 'state' || said.kind === 'piece') checkPiece(said);
  return message;
}

/** A piece is what its digest says before anybody relies on it. */
function checkPiece(message: Extract<Message, { kind: 'state' | 'piece' }>): void {
  const { piece, bytes } = message;
  const digest = message.kind === 'state' ? message.digests[piece] : message.digest;
  if (digest === undefined)
    throw new CodecError(`Piece ${piece} of a state was sent, which the list of its pieces has not.`);
  if (bytes.length > PIECE_BYTES)
    throw new CodecError(`A piece has at most ${PIECE_BYTES} bytes, and ${bytes.length} came.`);
  if (digestOfPiece(bytes) !== digest)
    throw new CodecError(`Piece ${piece} of a state does not have the digest that it was announced with.`);
}

function unpacked(payload: Uint8Array<ArrayBuffer>, packing: Packing | undefined): Uint8Array<ArrayBuffer> {
  if (packing === undefined) return payload;
  const lanes = unpackLanes(asWords(payload), packing);
  if (lanes === undefined)
    throw new CodecError(
      `${packing.lanes} lanes of ${packing.bits} bits do not fit into a payload of ${payload.length} bytes.`,
    );
  return new Uint8Array(lanes.buffer);
}

function parseJson(bytes: Uint8Array, length: number): unknown {
  let text = '';
  for (let i = 8; i < 8 + length; i++) text += String.fromCharCode(bytes[i] ?? 0);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CodecError('The header of a message is not JSON.', { cause: error });
  }
}

/** Puts together what `split` took apart. Throws a `CodecError`: the header is not trusted. */
export const rejoin = (header: unknown, payload: Uint8Array<ArrayBuffer>): Message =>
  join(parseHeader(header), payload);

type Header = v.InferOutput<typeof HeaderSchema>;

function parseHeader(header: unknown): Header {
  const result = v.safeParse(HeaderSchema, header);
  if (!result.success) throw new CodecError(`A message is not valid: ${describeIssue(result.issues[0])}`);
  return result.output;
}

function join(header: Header, payload: Uint8Array<ArrayBuffer>): Message {
  if (header.kind === 'relay')
    return { ...header, message: join(header.message, payload) as Relay['message'] };
  if (header.kind === 'lesson')
    return { ...header, hash: header.hash, message: join(header.message, payload) as Lesson['message'] };
  if (header.kind === 'part') return { ...header, packing: header.packing, payload: asWords(payload) };
  if (header.kind === 'gradient') {
    const exponents = header.exponents === undefined ? undefined : Int32Array.from(header.exponents);
    const { packing, quarantined } = header;
    return { ...header, exponents, quarantined, packing, reduced: asWords(payload) };
  }
  if (header.kind === 'state' || header.kind === 'piece') return { ...header, bytes: payload };
  if (payload.length > 0)
    throw new CodecError(
      `A message of kind ${header.kind} carries no payload, and ${payload.length} bytes came.`,
    );
  return header as Message;
}

function asWords(payload: Uint8Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  if (payload.length % 4 !== 0)
    throw new CodecError(`Lanes come in words of 4 bytes, and ${payload.length} bytes came.`);
  return new Int32Array(payload.buffer, payload.byteOffset, payload.length / 4);
}
