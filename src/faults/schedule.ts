// Schedule files: which fault strikes whom, and when. One format for live runs and for the simulator.

import * as v from 'valibot';
import { findJsonFlaw } from '../trace/json-text.ts';
import { seededSites } from './site-random.ts';
import { FaultSchema, WorldFaultSchema, isLiveFault } from './vocabulary.ts';
import type { AnyFault, DrivenFault } from './vocabulary.ts';

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

/** What a rank reports at the moments that races are made of; the last: it is in a generation that has agreed to go back, or learns beside the ring. */
export const MOMENTS = [
  'prepared',
  'promised',
  'voted',
  'chosen',
  'healing',
  'founded',
  'applied',
  'going-back',
  'learns',
] as const;
export type Moment = (typeof MOMENTS)[number];

/**
 * Whom a strike at a moment hits: who came to it, whom that one heals from, everybody else that has the state, everybody else, or the
 * witness.
 */
const CIRCLES = ['actor', 'donor', 'donors', 'others', 'witness'] as const;
export type Circle = (typeof CIRCLES)[number];

const page = whole(MAX_RANK, `Expected a page number from 0 to ${MAX_RANK}`);

/** One entry of a schedule. */
export const StrikeSchema = v.strictObject({
  /** When so many steps are committed, so long after the start, or at a moment of the protocol. */
  at: v.union(
    [
      v.strictObject({ step: whole(MAX_STEP) }),
      v.strictObject({ ms: v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_MS)) }),
      /** A little after some rank has come to such a moment for the nth time, counted over the room. */
      v.strictObject({
        moment: v.picklist(MOMENTS),
        nth: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000)),
        afterMs: v.pipe(v.number(), v.minValue(0), v.maxValue(60_000)),
        hits: v.picklist(CIRCLES),
      }),
    ],
    `Expected {"step": 0 to ${MAX_STEP}}, {"ms": 0 to ${MAX_MS}} or {"moment", "nth", "afterMs", "hits"}`,
  ),
  /** Whom it strikes, by rank number at that moment. */
  rank: v.optional(v.union([whole(MAX_RANK, RANK), v.literal('any')], RANK)),
  /** Or the page that it strikes, in the order in which pages were opened; then `to` in the fault is a page as well. */
  page: v.optional(page),
  fault: v.variant('kind', [...FaultSchema.options, ...WorldFaultSchema.options]),
});

export interface Strike {
  readonly at:
    | { readonly step: number }
    | { readonly ms: number }
    | { readonly moment: Moment; readonly nth: number; readonly afterMs: number; readonly hits: Circle };
  readonly rank?: number | 'any' | undefined;
  readonly page?: number | undefined;
  readonly fault: AnyFault;
}

const ScheduleSchema = v.strictObject({
  format: v.literal(1),
  /** Decides whom `"any"` strikes. */
  seed: v.optional(whole(0xffffffff)),
  faults: v.pipe(v.array(StrikeSchema), v.maxLength(MAX_FAULTS)),
});

export interface Schedule {
  readonly format: 1;
  readonly seed?: number | undefined;
  readonly faults: readonly Strike[];
}

/** What live tabs can act out: by rank, at a step or a time, and nothing that needs a simulated machine. */
export interface LiveStrike extends Strike {
  readonly at: { readonly step: number } | { readonly ms: number };
  readonly rank: number | 'any';
  readonly fault: DrivenFault;
}
export interface LiveSchedule extends Schedule {
  readonly faults: readonly LiveStrike[];
}

/** A schedule that cannot be used. The message names the place, what was expected and what was found. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
  constructor(
    /** Such as `faults[3].fault.forMs`, or `line 3, column 7` where the text is not JSON. */
    readonly place: string,
    readonly expected: string,
    readonly found: string,
  ) {
    super(
      `The fault schedule is wrong at ${place}: expected ${expected}, found ${found}. See docs/faults.md.`,
    );
  }
}

/** Reads the text of a schedule file. Throws a `ScheduleError`. */
export function parseScheduleText(text: string): Schedule {
  if (text.length > MAX_TEXT) {
    throw new ScheduleError('the whole text', `at most ${MAX_TEXT} characters`, `${text.length} characters`);
  }
  // Asked first: JSON.parse takes any depth, and whatever walks such a value then runs out of stack.
  const flaw = findJsonFlaw(text);
  if (flaw !== undefined)
    throw new ScheduleError(`line ${flaw.line}, column ${flaw.column}`, flaw.expected, flaw.found);
  return parseSchedule(JSON.parse(text));
}

/** Validates a schedule that is already a value. Throws a `ScheduleError`. */
export function parseSchedule(value: unknown): Schedule {
  const result = v.safeParse(ScheduleSchema, value);
  if (result.success) {
    result.output.faults.forEach(({ at, rank, page: struck }, i) => {
      const place = `faults[${i}].rank`;
      // A moment says itself whom it hits.
      if (!('moment' in at) && rank === undefined && struck === undefined)
        throw new ScheduleError(place, 'this field', 'nothing');
      if (rank !== undefined && struck !== undefined)
        throw new ScheduleError(place, 'a rank or a page, not both', shortText(rank));
    });
    return result.output;
  }
  const issue = result.issues[0];
  const path = issue.path ?? [];
  // To Valibot a list is an object, whose fields are then looked for in vain, or found to be methods.
  const list = path.findIndex(({ input, key }) => Array.isArray(input) && typeof key !== 'number');
  if (list >= 0)
    throw new ScheduleError(
      pathText(path.slice(0, list).map(({ key }) => key)),
      'an object',
      shortText(path[list]?.input),
    );
  const place = pathText(path.map((item) => item.key));
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

/** A schedule for live tabs. Throws a `ScheduleError` at the first entry that only the simulator can act out. */
export function liveSchedule(schedule: Schedule): LiveSchedule {
  const only = 'as only the simulator does it (rankfall sim --scenario)';
  const faults = schedule.faults.map(({ at, rank, fault }, i): LiveStrike => {
    const place = `faults[${i}]`;
    if ('moment' in at)
      throw new ScheduleError(`${place}.at`, 'a step or a time in a live run', `a moment, ${only}`);
    if (rank === undefined)
      throw new ScheduleError(`${place}.rank`, 'a rank number or "any" in a live run', `a page, ${only}`);
    if (!isLiveFault(fault))
      throw new ScheduleError(`${place}.fault.kind`, 'what a live rank can do', `"${fault.kind}", ${only}`);
    return { at, rank, fault };
  });
  return { ...schedule, faults };
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
  readonly fault: DrivenFault;
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
export function followSchedule(schedule: LiveSchedule): ScheduleCursor {
  const random = seededSites(schedule.seed ?? 0);
  let waiting = [...schedule.faults.entries()];
  return {
    due({ step, ms, ranks }) {
      if (ranks < 1) return [];
      const isDue = ({ at }: LiveStrike): boolean => ('step' in at ? at.step <= step : at.ms <= ms);
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
