// Runs a recording: the same inputs at the same times through the same core, and whether it answers as it did.

import * as v from 'valibot';
import type { MemberId, SeatId, StateHash } from '../../ports/ids.ts';
import type { TraceEvent, TraceRecord } from '../../trace/events.ts';
import { findJsonFlaw } from '../../trace/json-text.ts';
import { memberId, seatId } from '../message-schema.ts';
import type { Effect, Event, Send } from '../effects.ts';
import type { Message } from '../messages.ts';
import { createRank, stepRank } from '../rank.ts';
import { RULES, type Rules } from '../rules.ts';
import { viewRank } from '../view.ts';
import { EventFlaw, expectedBy, restoreEvent } from './events.ts';
import { NoteSchema } from './notes.ts';
import { chain, checkOf, shapeOf, textOf } from './outcome.ts';
import { RECORDING_FORMAT, RECORDING_VERSION } from './writer.ts';

/** A file of recordings that cannot be run: where, what was expected, and what was found. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
  constructor(
    /** From 1. */
    readonly line: number,
    readonly place: string,
    readonly expected: string,
    readonly found: string,
  ) {
    super(`The log is wrong at line ${line}, ${place}: expected ${expected}, found ${found}.`);
  }
}

/** The first answer that differs from the recorded one. */
export interface Divergence {
  readonly member: MemberId;
  /** The input's place in this rank's recording, from 0. */
  readonly seq: number;
  readonly line: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly input: string;
  readonly expected: string;
  readonly found: string;
}

export interface RankRerun {
  readonly member: MemberId;
  readonly seat: SeatId;
  /** Inputs that were run. */
  readonly inputs: number;
  readonly messages: number;
  /** Ballots stored. */
  readonly votes: number;
  readonly step: number;
  readonly stateHash: StateHash | undefined;
  readonly committed: number;
  readonly ended: 'open' | 'full' | 'cut off';
  readonly divergence: Divergence | undefined;
  readonly records: readonly TraceRecord[];
}

/** Follows what is run, rank by rank, each in its own order. Times are milliseconds since the epoch. */
export interface RerunWatch {
  reported(record: TraceRecord): void;
  sent(from: MemberId, to: MemberId, message: Message, at: number): void;
  heard(from: MemberId, to: MemberId, message: Message, at: number): void;
}

/** Milliseconds that a date can hold. */
const time = v.pipe(v.number(), v.minValue(0), v.maxValue(8.64e15));
const HeaderSchema = v.strictObject({
  format: v.literal(RECORDING_FORMAT),
  version: v.literal(RECORDING_VERSION),
  member: memberId,
  seat: seatId,
  epoch: time,
  now: time,
});
const elapsed = v.pipe(v.number(), v.minValue(0), v.maxValue(1e12));
const shape = v.union([v.string(), v.pipe(v.number(), v.integer(), v.minValue(0))]);
const check = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{3}$/, 'Expected 3 characters of a check'));
const EntrySchema = v.union([
  v.strictTuple([elapsed, v.record(v.string(), v.unknown())]),
  v.strictTuple([elapsed, v.record(v.string(), v.unknown()), shape, check]),
]);
const NoteLineSchema = v.strictObject({ after: elapsed, note: NoteSchema });
const EndSchema = v.strictObject({
  end: v.picklist(['open', 'full']),
  entries: v.pipe(v.number(), v.integer(), v.minValue(0)),
  check,
});

type Read<T extends v.GenericSchema> = v.InferOutput<T>;

function read<T extends v.GenericSchema>(schema: T, value: unknown, line: number, what: string): Read<T> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = issue.path?.map(({ key }) => String(key)).join('.') ?? 'the whole line';
  throw new RecordingError(line, path, issue.path === undefined ? what : expectedBy(issue), issue.received);
}

/** The JSON of a line. Throws a `RecordingError` where it stops being one. */
export function parseLine(text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const flaw = findJsonFlaw(text);
    throw new RecordingError(
      line,
      `column ${flaw?.column ?? 1}`,
      flaw?.expected ?? 'JSON',
      flaw?.found ?? 'something else',
    );
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Runs the recordings of all ranks in a file, one after the other. Throws a `RecordingError`. */
export function rerun(lines: Iterable<string>, rules: Rules = RULES, watch?: RerunWatch): RankRerun[] {
  const ranks: RankRerun[] = [];
  let current: ReturnType<typeof rerunRank> | undefined;
  let line = 0;
  for (const text of lines) {
    line += 1;
    if (text === '') continue;
    const value = parseLine(text, line);
    if (isObject(value) && 'format' in value) {
      if (current !== undefined) ranks.push(current.result());
      current = rerunRank(read(HeaderSchema, value, line, 'the first line of a recording'), rules, watch);
    } else if (current === undefined) {
      throw new RecordingError(
        line,
        'the whole line',
        `{"format":"${RECORDING_FORMAT}",…}`,
        text.slice(0, 40),
      );
    } else current.take(value, line);
  }
  if (current === undefined)
    throw new RecordingError(
      1,
      'the whole line',
      `{"format":"${RECORDING_FORMAT}",…}`,
      'the end of the file',
    );
  ranks.push(current.result());
  return ranks;
}

function rerunRank(
  { member, seat, epoch, now: start }: Read<typeof HeaderSchema>,
  rules: Rules,
  watch: RerunWatch | undefined,
) {
  const state = createRank({ member, seat });
  const records: TraceRecord[] = [];
  const shapes: string[] = [];
  let now = start;
  let crc = 0;
  let inputs = 0;
  let messages = 0;
  let votes = 0;
  let ended: RankRerun['ended'] = 'cut off';
  let divergence: Divergence | undefined;

  const wallTime = (): number => epoch + (now - start);
  const record = (event: TraceEvent): void => {
    const entry = { member, seq: records.length, at: wallTime(), event };
    records.push(entry);
    watch?.reported(entry);
  };
  const send = ({ to, message }: Send): void => {
    messages += 1;
    watch?.sent(member, to, message, wallTime());
  };

  /** What the core answers, in words; what it throws is an answer too. */
  const step = (event: Event): string => {
    let effects: readonly Effect[];
    try {
      effects = stepRank(state, event, now, rules);
    } catch (error) {
      return `throw ${error instanceof Error ? error.message : String(error)}`;
    }
    crc = chain(crc, effects);
    for (const effect of effects) {
      if (effect.kind === 'report') record(effect.event);
      else if (effect.kind === 'send') send(effect);
      else if (effect.kind === 'store') {
        votes += 1;
        effect.thenSend.forEach(send);
      }
    }
    lastAnswer = effects;
    return shapeOf(effects);
  };
  let lastAnswer: readonly Effect[] = [];

  const differ = (line: number, input: string, expected: string, found: string): void => {
    divergence = {
      member,
      seq: inputs - 1,
      line,
      at: wallTime(),
      input,
      expected: expected === '' ? 'nothing' : expected,
      found: found === '' ? 'nothing' : found,
    };
  };

  const takeEntry = (value: unknown, line: number): void => {
    const [ms, recorded, shapeOrNumber, expectedCheck] = read(
      EntrySchema,
      value,
      line,
      '[ms, event] or [ms, event, effects, check]',
    );
    let event: Event;
    try {
      event = restoreEvent(recorded);
    } catch (error) {
      if (!(error instanceof EventFlaw)) throw error;
      throw new RecordingError(line, `event.${error.place}`, error.expected, error.found);
    }
    let expected = '';
    if (typeof shapeOrNumber === 'string') {
      expected = shapeOrNumber;
      shapes.push(expected);
    } else if (shapeOrNumber !== undefined) {
      const known = shapes[shapeOrNumber];
      if (known === undefined)
        throw new RecordingError(line, '2', `a number below ${shapes.length}`, String(shapeOrNumber));
      expected = known;
    }
    now += ms;
    inputs += 1;
    if (event.kind === 'message') watch?.heard(event.from, member, event.message, wallTime());
    const found = step(event);
    const input =
      event.kind === 'message' ? `${event.message.kind} from ${event.from.slice(0, 4)}` : event.kind;
    if (found !== expected) differ(line, input, expected, found);
    else if (expectedCheck !== undefined && expectedCheck !== checkOf(crc))
      differ(
        line,
        input,
        `${expected}, with check ${expectedCheck}`,
        `check ${checkOf(crc)} with ${textOf(lastAnswer).slice(0, 2000)}`,
      );
  };

  return {
    take(value: unknown, line: number): void {
      if (ended !== 'cut off')
        throw new RecordingError(line, 'the whole line', 'another recording, or the end of the file', 'more');
      if (isObject(value) && 'end' in value) {
        const end = read(EndSchema, value, line, 'the last line of a recording');
        ended = end.end;
        if (divergence === undefined && end.entries !== inputs)
          throw new RecordingError(line, 'entries', `${inputs}, the entries before it`, String(end.entries));
      } else if (isObject(value) && 'note' in value) {
        const { after, note } = read(NoteLineSchema, value, line, 'what a host logs');
        now += after;
        if (divergence === undefined) record(note);
      } else if (divergence === undefined) takeEntry(value, line);
    },
    result(): RankRerun {
      const view = viewRank(state, now);
      return {
        member,
        seat,
        inputs,
        messages,
        votes,
        step: view.step,
        stateHash: view.stateHash,
        committed: view.committed,
        ended,
        divergence,
        records,
      };
    },
  };
}
