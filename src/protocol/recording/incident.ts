// An incident: who was there when something went wrong, what each was at, whom they waited for; and behind it the recordings of the
// ranks whose pages lived. Its first line is this head, and what follows is a log as `rankfall replay` runs it.

import * as v from 'valibot';
import { count, generationId, maybe, memberId, phase, stateHash } from '../message-schema.ts';
import { attempt, FlightEntriesSchema, OPERATIONS } from '../flight-schema.ts';
import { findJsonFlaw } from '../../trace/json-text.ts';
import { expectedBy } from './events.ts';
import { stallCause, time } from './fields.ts';

export const INCIDENT_FORMAT = 'rankfall-incident';
const INCIDENT_VERSION = 1;

/** A head is read whole: a few thousand ranks would fit. */
export const MAX_HEAD_CHARACTERS = 8 * 1024 * 1024;
const MAX_RANKS = 1024;
const MAX_STALLS = 200;
const MAX_SENTENCES = 200;

const text = (longest: number) => v.pipe(v.string(), v.maxLength(longest));

const StallSchema = v.strictObject({
  generation: generationId,
  operation: v.picklist(OPERATIONS),
  step: count,
  attempt,
  bucket: maybe(count),
  peer: memberId,
  cause: stallCause,
  forMs: time,
  said: maybe(v.strictObject({ phase, step: count, agoMs: v.pipe(v.number(), v.finite()) })),
});

const RankSchema = v.strictObject({
  member: memberId,
  /** Its place in the ring, where it had one. */
  rank: maybe(count),
  phase,
  step: count,
  committed: count,
  hash: maybe(stateHash),
  hidden: v.boolean(),
  engine: maybe(text(300)),
  problem: maybe(text(2000)),
  /** Kinds of faults that acted on it. */
  faults: v.pipe(v.array(text(64)), v.maxLength(64)),
  stall: maybe(StallSchema),
  /** How its page went, if it did. */
  gone: maybe(text(32)),
});

const IncidentSchema = v.strictObject({
  format: v.literal(INCIDENT_FORMAT),
  version: v.literal(INCIDENT_VERSION),
  /** Milliseconds since the epoch. */
  at: time,
  room: text(64),
  /** What did not hold, a sentence each. Empty: a person asked for it. */
  failures: v.pipe(v.array(text(2000)), v.maxLength(MAX_SENTENCES)),
  ranks: v.pipe(v.array(RankSchema), v.maxLength(MAX_RANKS)),
  /** The newest, oldest first. */
  stalls: v.pipe(
    v.array(v.strictObject({ at: time, by: memberId, stall: StallSchema })),
    v.maxLength(MAX_STALLS),
  ),
  /** Of ranks whose recordings are not in the file: pages that are gone, and other machines. */
  flights: v.pipe(
    v.array(v.strictObject({ member: memberId, entries: FlightEntriesSchema })),
    v.maxLength(MAX_RANKS),
  ),
});

export type Incident = v.InferOutput<typeof IncidentSchema>;
export type IncidentRank = Incident['ranks'][number];

/** A file that says that it is an incident, and is none. */
export class IncidentError extends Error {
  override readonly name = 'IncidentError';
  constructor(
    readonly place: string,
    readonly expected: string,
    readonly found: string,
  ) {
    super(`The incident is wrong at line 1, ${place}: expected ${expected}, found ${found}.`);
  }
}

const START = `{"format":"${INCIDENT_FORMAT}"`;

/** Whether a file's first line begins an incident. */
export const isIncident = (line: string): boolean => line.startsWith(START);

/** The head of an incident as a line of text. Lists are cut to what a reader takes: the newest are kept. */
export function incidentLine(incident: Omit<Incident, 'format' | 'version'>): string {
  const { at, room, failures, ranks, stalls, flights } = incident;
  const head: Incident = {
    format: INCIDENT_FORMAT,
    version: INCIDENT_VERSION,
    at,
    room: room.slice(0, 64),
    failures: failures.slice(0, MAX_SENTENCES).map((sentence) => sentence.slice(0, 2000)),
    ranks: ranks.slice(-MAX_RANKS),
    stalls: stalls.slice(-MAX_STALLS),
    flights: flights.slice(-MAX_RANKS),
  };
  return JSON.stringify(head);
}

/** Reads the first line. Throws an `IncidentError` that names the place, what was expected and what was found. */
export function parseIncident(line: string): Incident {
  if (line.length > MAX_HEAD_CHARACTERS)
    throw new IncidentError(
      'the whole line',
      `at most ${MAX_HEAD_CHARACTERS} characters`,
      String(line.length),
    );
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    const flaw = findJsonFlaw(line);
    throw new IncidentError(
      `column ${flaw?.column ?? 1}`,
      flaw?.expected ?? 'JSON',
      flaw?.found ?? 'something else',
    );
  }
  const result = v.safeParse(IncidentSchema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = issue.path?.map(({ key }) => String(key)).join('.') ?? 'the whole line';
  throw new IncidentError(path, expectedBy(issue), issue.received);
}
