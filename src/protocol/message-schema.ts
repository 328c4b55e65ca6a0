// What a message may be, kind by kind, apart from what it carries in bulk. Everything that arrives is untrusted and is validated against
// this, once; inside, types hold.

import * as v from 'valibot';
import { MAX_PIECES, PIECE_WINDOW } from '../collective/state-transfer.ts';
import { JobSchema } from '../job/job.ts';
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
import { CodecError, describeIssue } from './codec-error.ts';
import { MAX_REPLACED } from './generation.ts';
import { attempt, FlightEntriesSchema } from './flight-schema.ts';
import { MAX_CLAIM, MAX_CLAIMS_TOLD, MAX_HELD, MAX_QUARANTINED } from './messages.ts';

const MAX_MEMBERS = 1024;
const MAX_TENSORS = 65_536;

/** JSON has no `undefined`: an absent key stands for it. */
export const maybe = <T extends v.GenericSchema>(schema: T) => v.optional(schema, undefined);

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
export const incarnation = v.custom<IncarnationId>(
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
export const generation = v.pipe(
  generationEntries,
  v.check(
    ({ apart = [], members: all }) => apart.every(([one, other]) => one < other && other < all.length),
    'Expected pairs of ranks, the lesser first',
  ),
);
export const accepted = v.strictObject({ ballot, value: generation });
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
  v.strictObject({ kind: v.literal('part'), generation: generationId, round, bucket, part: count }),
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

export type Header = v.InferOutput<typeof HeaderSchema>;

export function parseHeader(header: unknown): Header {
  const result = v.safeParse(HeaderSchema, header);
  if (!result.success) throw new CodecError(`A message is not valid: ${describeIssue(result.issues[0])}`);
  return result.output;
}
