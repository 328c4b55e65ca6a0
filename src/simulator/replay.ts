// Replay files: an experiment with the tape of its draws, as JSON or as one pasteable string.

import * as v from 'valibot';
import { findJsonFlaw } from '../faults/json-text.ts';
import { ExperimentSchema, type Experiment } from './experiment.ts';
import { STREAMS, type Draw, type Stream, type Tape } from './random.ts';

/** The protocol core that wrote a replay. It changes when old tapes would no longer fit. */
export const CORE_VERSION = 1;
const PREFIX = `rf${CORE_VERSION}:`;
const MAX_TEXT = 64 * 1024 * 1024;

export interface Replay<E = Experiment> {
  readonly experiment: E;
  readonly tape: Tape;
  /** What the run came to; absent in a file that a person wrote. */
  readonly invariant?: number | string | undefined;
  readonly reason?: string | undefined;
  readonly traceHash?: string | undefined;
}

/** Draws of one stream: sites as `name|low|high`, then `site.above` items in order, with `*n` for n alike. */
const StreamSchema = v.strictObject({
  sites: v.array(v.pipe(v.string(), v.regex(/^[^|]+\|-?\d+\|-?\d+$/, 'Expected "name|low|high"'))),
  draws: v.pipe(v.string(), v.regex(/^(\d+\.\d+(\*\d+)?( |$))*$/, 'Expected items such as "0.5" or "0.5*3"')),
});

const envelope = <E>(experiment: v.GenericSchema<unknown, E>) =>
  v.strictObject({
    format: v.literal('rankfall-replay'),
    core: v.literal(CORE_VERSION),
    experiment,
    tape: v.strictObject({
      net: StreamSchema,
      disk: StreamSchema,
      gpu: StreamSchema,
      sched: StreamSchema,
      workload: StreamSchema,
    }),
    invariant: v.optional(v.union([v.number(), v.string()])),
    reason: v.optional(v.string()),
    traceHash: v.optional(v.string()),
  });

type StreamText = v.InferOutput<typeof StreamSchema>;

/** A replay that cannot be used: where, what was expected and what was found. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
  constructor(
    readonly place: string,
    readonly expected: string,
    readonly found: string,
  ) {
    super(`The replay is wrong at ${place}: expected ${expected}, found ${found}.`);
  }
}

function encodeStream(draws: readonly Draw[]): StreamText {
  const sites = new Map<string, number>();
  const items: string[] = [];
  let last = '';
  let repeats = 0;
  const flush = (): void => {
    if (repeats > 0) items.push(repeats === 1 ? last : `${last}*${repeats}`);
  };
  for (const { site, low, high, value } of draws) {
    const name = `${site}|${low}|${high}`;
    let index = sites.get(name);
    if (index === undefined) {
      index = sites.size;
      sites.set(name, index);
    }
    const item = `${index}.${value - low}`;
    if (item === last) repeats += 1;
    else {
      flush();
      last = item;
      repeats = 1;
    }
  }
  flush();
  return { sites: [...sites.keys()], draws: items.join(' ') };
}

function decodeStream(stream: Stream, { sites, draws }: StreamText): Draw[] {
  const known = sites.map((name) => {
    const [site = '', low, high] = name.split('|');
    return { site, low: Number(low), high: Number(high) };
  });
  const out: Draw[] = [];
  if (draws === '') return out;
  for (const [position, item] of draws.split(' ').entries()) {
    const [, site, above, repeats = '1'] = /^(\d+)\.(\d+)(?:\*(\d+))?$/.exec(item) ?? [];
    const place = `tape.${stream}.draws, item ${position}`;
    const range = known[Number(site)];
    if (range === undefined) throw new ReplayError(place, `a site below ${known.length}`, `"${item}"`);
    const value = range.low + Number(above);
    if (value > range.high)
      throw new ReplayError(place, `at most ${range.high - range.low} above the least`, `"${item}"`);
    if (out.length + Number(repeats) > 50_000_000)
      throw new ReplayError(place, 'at most 50 million draws', 'more');
    for (let i = 0; i < Number(repeats); i++) out.push({ ...range, value });
  }
  return out;
}

export function encodeReplay(replay: Replay<object>): string {
  const { experiment, tape, ...outcome } = replay;
  const streams = Object.fromEntries(STREAMS.map((stream) => [stream, encodeStream(tape[stream])]));
  return JSON.stringify({
    format: 'rankfall-replay',
    core: CORE_VERSION,
    experiment,
    tape: streams,
    ...outcome,
  });
}

/** Base64 takes bytes: other characters are written as JSON escapes. */
const ascii = (json: string): string =>
  json.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** The whole experiment as one string, for a chat or a link. */
export const pasteable = (replay: Replay<object>): string =>
  PREFIX +
  btoa(ascii(encodeReplay(replay)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/** Reads a replay file's text, or a pasted string. Throws a `ReplayError`. */
export const parseReplay = (text: string): Replay => parseReplayOf(ExperimentSchema, text);

/** The same for experiments of another kind. */
export function parseReplayOf<E>(experiment: v.GenericSchema<unknown, E>, text: string): Replay<E> {
  const trimmed = text.trim();
  if (trimmed.length > MAX_TEXT)
    throw new ReplayError('the whole text', `at most ${MAX_TEXT} characters`, String(trimmed.length));
  const pasted = /^rf(\d+):(.*)$/.exec(trimmed);
  if (pasted === null) return parseJson(experiment, trimmed);
  if (pasted[1] !== String(CORE_VERSION))
    throw new ReplayError('character 0', `"${PREFIX}", the version of this core`, `"rf${pasted[1] ?? ''}:"`);
  const body = pasted[2] ?? '';
  const bad = /[^A-Za-z0-9_-]/.exec(body);
  if (bad !== null)
    throw new ReplayError(`character ${bad.index + PREFIX.length}`, 'base64url', JSON.stringify(bad[0]));
  let json: string;
  try {
    json = atob(body.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    throw new ReplayError(`character ${trimmed.length}`, 'the rest of the string', 'its end');
  }
  return parseJson(experiment, json);
}

function parseJson<E>(schema: v.GenericSchema<unknown, E>, text: string): Replay<E> {
  const flaw = findJsonFlaw(text);
  if (flaw !== undefined)
    throw new ReplayError(`line ${flaw.line}, column ${flaw.column}`, flaw.expected, flaw.found);
  const result = v.safeParse(envelope(schema), JSON.parse(text));
  if (!result.success) {
    const issue = result.issues[0];
    const path = issue.path?.map(({ key }) => String(key)).join('.') ?? 'the whole text';
    const own = /^Expected (.*)$/.exec(issue.message)?.[1];
    throw new ReplayError(path, issue.expected ?? own ?? 'another value', issue.received);
  }
  const { experiment, tape, invariant, reason, traceHash } = result.output;
  const decoded: Record<Stream, Draw[]> = { net: [], disk: [], gpu: [], sched: [], workload: [] };
  for (const stream of STREAMS) decoded[stream] = decodeStream(stream, tape[stream]);
  return { experiment, tape: decoded, invariant, reason, traceHash };
}
