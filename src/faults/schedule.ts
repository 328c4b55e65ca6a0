// Schedule files: which fault strikes which rank at which step or time. One format for live runs and for the simulator.

import * as v from 'valibot';
import { findJsonFlaw } from './json-text.ts';
import { seededSites } from './site-random.ts';
import { FaultSchema } from './vocabulary.ts';
import type { Fault } from './vocabulary.ts';

/** `message` for every way to miss it, so that the reader hears the whole of it at once. */
const whole = (max: number, message = `Expected a whole number from 0 to ${max}`) =>
  v.pipe(v.number(message), v.integer(message), v.minValue(0, message), v.maxValue(max, message));
const MAX_STEP = 10_000_000;
/** A week, in milliseconds. */
const MAX_MS = 604_800_000;
const MAX_RANK = 1023;
const RANK = `Expected a rank number from 0 to ${MAX_RANK} or "any"`;
const MAX_FAULTS = 10_000;
/** Longest schedule text, in characters: ten thousand faults fit. */
const MAX_TEXT = 4 * 1024 * 1024;

const ScheduleSchema = v.strictObject({
  format: v.literal(1),
  /** Decides whom `"any"` strikes. */
  seed: v.optional(whole(0xffffffff)),
  faults: v.pipe(
    v.array(
      v.strictObject({
        /** When so many steps are committed, or so long after the start. */
        at: v.union(
          [
            v.strictObject({ step: whole(MAX_STEP) }),
            v.strictObject({ ms: v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_MS)) }),
          ],
          `Expected {"step": 0 to ${MAX_STEP}} or {"ms": 0 to ${MAX_MS}}`,
        ),
        /** Whom it strikes, by rank number at that moment. */
        rank: v.union([whole(MAX_RANK, RANK), v.literal('any')], RANK),
        fault: FaultSchema,
      }),
    ),
    v.maxLength(MAX_FAULTS),
  ),
});

export type Schedule = Readonly<v.InferOutput<typeof ScheduleSchema>>;
export type ScheduledFault = Schedule['faults'][number];

/** A schedule that cannot be used. The message names the place, what was expected and what was found. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
  constructor(
    /** Such as `faults[3].fault.forMs`, or `line 3, column 7` where the text is not JSON. */
    readonly place: string,
    readonly expected: string,
    readonly found: string,
    options?: ErrorOptions,
  ) {
    super(
      `The fault schedule is wrong at ${place}: expected ${expected}, found ${found}. See docs/faults.md.`,
      options,
    );
  }
}

/** Reads the text of a schedule file. Throws a `ScheduleError`. */
export function parseScheduleText(text: string): Schedule {
  if (text.length > MAX_TEXT) {
    throw new ScheduleError('the whole text', `at most ${MAX_TEXT} characters`, `${text.length} characters`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const flaw = findJsonFlaw(text);
    if (flaw === undefined)
      throw new ScheduleError('the whole text', 'JSON', 'something else', { cause: error });
    throw new ScheduleError(`line ${flaw.line}, column ${flaw.column}`, flaw.expected, flaw.found, {
      cause: error,
    });
  }
  return parseSchedule(value);
}

/** Validates a schedule that is already a value. Throws a `ScheduleError`. */
export function parseSchedule(value: unknown): Schedule {
  const result = v.safeParse(ScheduleSchema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const place = pathText(issue.path?.map((item) => item.key) ?? []);
  const expected = issue.expected ?? 'a whole number';
  if (issue.path?.at(-1)?.origin === 'key') {
    if (issue.expected === 'never') throw new ScheduleError(place, 'no such field', 'one');
    throw new ScheduleError(place, 'this field', 'nothing');
  }
  // Our own messages begin with "Expected"; Valibot's say what was received, and only their expectation is of use here.
  const own = /^Expected (.*)$/.exec(issue.message)?.[1];
  throw new ScheduleError(
    place,
    own ?? expected.replaceAll(/^\(|\)$/g, '').replaceAll(' | ', ' or '),
    shortText(issue.input),
  );
}

const pathText = (keys: readonly unknown[]): string =>
  keys.length === 0
    ? 'the whole text'
    : keys
        .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key)}`))
        .join('');

function shortText(value: unknown): string {
  const text = typeof value === 'bigint' || value === undefined ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Where a run stands. */
export interface Progress {
  /** Steps committed. */
  readonly step: number;
  /** Milliseconds since the schedule began. */
  readonly ms: number;
  /** Ranks in the generation in force. */
  readonly ranks: number;
}

export interface DueFault {
  readonly rank: number;
  readonly fault: Fault;
  /** Where it stands in the schedule. */
  readonly index: number;
}

export interface ScheduleCursor {
  /** What has come due since the last call, in the order of the schedule. Each entry comes once. */
  due(progress: Progress): readonly DueFault[];
  /** Entries still to come. */
  readonly pending: number;
}

/** Walks through a schedule as a run advances. The same calls give the same answers. */
export function followSchedule(schedule: Schedule): ScheduleCursor {
  const random = seededSites(schedule.seed ?? 0);
  let waiting = [...schedule.faults.entries()];
  return {
    due({ step, ms, ranks }) {
      if (ranks < 1) return [];
      const isDue = ({ at }: ScheduledFault): boolean => ('step' in at ? at.step <= step : at.ms <= ms);
      const due = waiting.filter(([, entry]) => isDue(entry));
      if (due.length > 0) waiting = waiting.filter(([, entry]) => !isDue(entry));
      return due.map(([index, { rank, fault }]) => ({
        index,
        fault,
        rank: rank === 'any' ? random.integer('any rank', ranks) : rank,
      }));
    },
    get pending() {
      return waiting.length;
    },
  };
}
