// What pages and the server of a class say to each other: JSON over a WebSocket, each message validated where it arrives (docs/workshop.md).

import * as v from 'valibot';
import { actsAtPort } from '../../faults/consent.ts';
import { FaultSchema } from '../../faults/vocabulary.ts';
import { PRESET_NAMES } from '../../job/presets.ts';
import { SLOTS } from '../../trace/looks.ts';
import { RoomCodeSchema, SecretSchema } from '../link.ts';

/** The WebSocket's path. */
export const CLASS_SOCKET = 'class';

export const MAX_TO_SERVER_BYTES = 4096;
/** A roster of 64, in characters. */
const MAX_TO_PAGE = 256 * 1024;
export const MAX_PARTICIPANTS = 64;
export const MAX_ROOM_SIZE = 32;
export const MAX_NICKNAME = 24;
export const MAX_QUESTION = 200;
export const MAX_CHOICE = 80;
export const MAX_CHOICES = 6;
/** Of one participant. */
export const MAX_PREDICTIONS = 16;
/** Pages report so often, in milliseconds, also where nothing is new: who does not is shown as silent after three times as long. */
export const REPORT_MS = 2000;

/** What cannot be seen, or turns the text around it: nothing of it belongs into a line that others read. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/u;

/** One line of text that a person wrote. */
const line = (max: number) =>
  v.pipe(
    v.string(),
    v.transform((text) => text.normalize('NFC').trim().replaceAll(/\s+/gu, ' ')),
    v.minLength(1),
    v.maxLength(max),
    v.check((text) => !UNSEEN.test(text)),
  );
const count = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(max));
const step = count(100_000_000);

export const NicknameSchema = line(MAX_NICKNAME);
/** 128 random bits, base64url: a participant's token, and the instructor's key. */
export const TokenSchema = SecretSchema;
/** Public names of participants, orders and questions within one class. */
const id = count(1_000_000_000);

/** What the rooms of a class learn: one of those that everybody has. */
const JobNameSchema = v.picklist(PRESET_NAMES);

export const RoomSchema = v.strictObject({
  /** A letter, or two. */
  name: v.pipe(v.string(), v.regex(/^[A-Z]{1,2}$/)),
  room: RoomCodeSchema,
  secret: SecretSchema,
  /** What whoever founds it has it learn. */
  job: JobNameSchema,
});
export type ClassRoom = v.InferOutput<typeof RoomSchema>;

/** What a room does, as its participant sees it. */
const STATES = [
  'opening',
  'joining',
  'ready',
  'paused',
  'training',
  'regrouping',
  'done',
  'stuck',
  'stopped',
  'empty',
] as const;

const lesson = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,39}$/));
/** Which of the choices of a lesson, or a number. */
const LessonPredictionSchema = v.variant('kind', [
  v.strictObject({ lesson, kind: v.literal('choice'), choice: count(MAX_CHOICES - 1) }),
  v.strictObject({ lesson, kind: v.literal('number'), value: v.pipe(v.number(), v.finite()) }),
]);
export type LessonPrediction = v.InferOutput<typeof LessonPredictionSchema>;

export const ReportSchema = v.strictObject({
  room: RoomCodeSchema,
  state: v.picklist(STATES),
  /** The page's rank does not answer it. */
  silent: v.optional(v.literal(true)),
  /** The rank's number in its generation, where it is a member. */
  rank: v.optional(count(1023)),
  /** Whose colour it wears on all pages of the room (src/trace/looks.ts). */
  slot: v.optional(count(SLOTS - 1)),
  members: count(1024),
  step,
  steps: step,
  engine: v.optional(v.strictObject({ kind: v.picklist(['cpu', 'webgpu']), adapter: line(80) })),
  /** Such as "Chrome on Android". */
  device: line(60),
  /** Faults that act on it now. */
  faults: count(999),
  /** Lessons passed, where the page keeps a count. */
  lessons: v.optional(v.strictObject({ passed: count(99), of: count(99) })),
  /** What was predicted in lessons, one of each. */
  predictions: v.optional(v.pipe(v.array(LessonPredictionSchema), v.maxLength(MAX_PREDICTIONS))),
});
export type ClassReport = v.InferOutput<typeof ReportSchema>;

const QuestionSchema = v.strictObject({
  id,
  text: line(MAX_QUESTION),
  choices: v.pipe(v.array(line(MAX_CHOICE)), v.minLength(2), v.maxLength(MAX_CHOICES)),
});
export type ClassQuestion = v.InferOutput<typeof QuestionSchema>;

const counts = v.pipe(v.array(count(MAX_PARTICIPANTS)), v.maxLength(MAX_CHOICES));

/** What an instructor orders, and a page then does or does not. */
const OrderSchema = v.variant('do', [
  v.strictObject({ do: v.literal('start') }),
  v.strictObject({ do: v.literal('pause') }),
  v.strictObject({
    do: v.literal('fault'),
    // Nobody uses up another's machine.
    fault: v.pipe(
      FaultSchema,
      v.check(({ kind }) => actsAtPort(kind), 'Expected a fault that acts at the port'),
    ),
  }),
]);
export type ClassOrder = v.InferOutput<typeof OrderSchema>;

const ToServerSchema = v.variant('say', [
  v.strictObject({ say: v.literal('enter'), nickname: NicknameSchema, code: RoomCodeSchema }),
  /** `ifAway`: not when another page has the place. */
  v.strictObject({ say: v.literal('return'), token: TokenSchema, ifAway: v.boolean() }),
  v.strictObject({ say: v.literal('report'), report: ReportSchema }),
  v.strictObject({ say: v.literal('outcome'), order: id, problem: v.optional(line(300)) }),
  v.strictObject({ say: v.literal('answer'), question: id, choice: count(MAX_CHOICES - 1) }),

  v.strictObject({ say: v.literal('teach'), key: TokenSchema }),
  v.strictObject({
    say: v.literal('order'),
    /** Participants; absent: all of the room, or of the class. */
    to: v.optional(v.pipe(v.array(id), v.minLength(1), v.maxLength(MAX_PARTICIPANTS))),
    room: v.optional(RoomCodeSchema),
    order: OrderSchema,
  }),
  v.strictObject({
    say: v.literal('form'),
    size: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_ROOM_SIZE)),
    job: JobNameSchema,
  }),
  v.strictObject({
    say: v.literal('ask'),
    text: line(MAX_QUESTION),
    choices: QuestionSchema.entries.choices,
  }),
  /** Ends the question; everybody sees what was answered. */
  v.strictObject({ say: v.literal('reveal') }),
  v.strictObject({ say: v.literal('remove'), participant: id }),
]);
export type ToServer = v.InferOutput<typeof ToServerSchema>;

/**
 * `code`, `token`, `key`: wrong. `slow`: too many wrong ones from that address. `full`: no place left. `taken`: another page has the
 * place. `late`: nothing was said in time.
 */
const REFUSALS = ['code', 'token', 'key', 'slow', 'full', 'taken', 'late'] as const;
export type ClassRefusal = (typeof REFUSALS)[number];

const ParticipantSchema = v.strictObject({
  id,
  nickname: NicknameSchema,
  present: v.boolean(),
  /** Its page is connected, and nothing has been heard of it for a while, or of its rank. */
  silent: v.optional(v.literal(true)),
  /** The code of its room. */
  room: v.optional(RoomCodeSchema),
  report: v.optional(ReportSchema),
  /** Which choice it made in the question at hand. */
  answer: v.optional(count(MAX_CHOICES - 1)),
});
export type ClassParticipant = v.InferOutput<typeof ParticipantSchema>;

const RosterSchema = v.strictObject({
  participants: v.pipe(v.array(ParticipantSchema), v.maxLength(MAX_PARTICIPANTS)),
  rooms: v.pipe(
    v.array(v.strictObject({ name: RoomSchema.entries.name, room: RoomCodeSchema })),
    v.maxLength(MAX_PARTICIPANTS),
  ),
  /** Rooms of so many. */
  size: count(MAX_ROOM_SIZE),
  /** What new rooms learn. */
  job: JobNameSchema,
  question: v.optional(v.strictObject({ ...QuestionSchema.entries, open: v.boolean(), counts })),
});
export type ClassRoster = v.InferOutput<typeof RosterSchema>;

const place = { room: RoomSchema, founds: v.boolean() };

const ToPageSchema = v.variant('say', [
  v.strictObject({
    say: v.literal('entered'),
    token: TokenSchema,
    nickname: NicknameSchema,
    ...place,
  }),
  v.strictObject({ say: v.literal('refused'), why: v.picklist(REFUSALS) }),
  /** Another page of this browser has taken the place. */
  v.strictObject({ say: v.literal('replaced') }),
  v.strictObject({ say: v.literal('removed') }),
  v.strictObject({ say: v.literal('order'), id, order: OrderSchema }),
  v.strictObject({ say: v.literal('move'), ...place }),
  v.strictObject({
    say: v.literal('question'),
    question: QuestionSchema,
    /** What this participant has answered. */
    answer: v.optional(count(MAX_CHOICES - 1)),
    /** Once it is over: how many chose each. */
    counts: v.optional(counts),
  }),

  v.strictObject({
    say: v.literal('class'),
    code: RoomCodeSchema,
    /** Where participants find it, the likeliest first. */
    addresses: v.pipe(v.array(v.pipe(v.string(), v.url(), v.maxLength(200))), v.maxLength(16)),
  }),
  v.strictObject({ say: v.literal('roster'), roster: RosterSchema }),
  v.strictObject({
    say: v.literal('done'),
    participant: id,
    order: OrderSchema,
    problem: v.optional(line(300)),
  }),
]);
export type ToPage = v.InferOutput<typeof ToPageSchema>;

/** Undefined where it is no message of ours. */
export const parseToServer = (text: string): ToServer | undefined =>
  text.length > MAX_TO_SERVER_BYTES ? undefined : parse(ToServerSchema, text);

export const parseToPage = (text: string): ToPage | undefined =>
  text.length > MAX_TO_PAGE ? undefined : parse(ToPageSchema, text);

function parse<Output>(schema: v.GenericSchema<unknown, Output>, text: string): Output | undefined {
  try {
    const parsed = v.safeParse(schema, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
