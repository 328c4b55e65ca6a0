// Replays: an experiment with the tape of its draws, as the JSON of a file; and reading them, from a file or from a pasted string.

import * as v from 'valibot';
import { CORE_VERSION } from './core-version.ts';
import { ExperimentSchema, type Experiment } from './experiment.ts';
import { OtherCoreError, parsePasted } from './pasted.ts';
import { STREAMS, type Draw, type Stream, type Tape } from './random.ts';
import { readAs, readJson, ReplayError } from './replay-error.ts';

const MAX_TEXT = 64 * 1024 * 1024;
/** Of all streams together: ten times what a thousand ranks draw in fifty steps. */
const MAX_DRAWS = 10_000_000;

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
  /** Looked at item by item: a pattern for all of them runs out of stack where there are some hundred thousand. */
  draws: v.string(),
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

function decodeStream(stream: Stream, { sites, draws }: StreamText, most: number): Draw[] {
  const known = sites.map((name) => {
    const [site = '', low, high] = name.split('|');
    return { site, low: Number(low), high: Number(high) };
  });
  const out: Draw[] = [];
  if (draws === '') return out;
  for (const [position, item] of draws.split(' ').entries()) {
    const [whole, site, above, repeats = '1'] = /^(\d+)\.(\d+)(?:\*(\d+))?$/.exec(item) ?? [];
    const place = `tape.${stream}.draws, item ${position}`;
    if (whole === undefined)
      throw new ReplayError(place, 'an item such as "0.5" or "0.5*3"', JSON.stringify(item.slice(0, 40)));
    const range = known[Number(site)];
    if (range === undefined) throw new ReplayError(place, `a site below ${known.length}`, `"${item}"`);
    const value = range.low + Number(above);
    if (value > range.high)
      throw new ReplayError(place, `at most ${range.high - range.low} above the least`, `"${item}"`);
    if (out.length + Number(repeats) > most)
      throw new ReplayError(place, `at most ${MAX_DRAWS} draws in all streams`, 'more');
    // One for all that are alike: a few words in the text are to stay a few in memory.
    const draw: Draw = { ...range, value };
    for (let i = 0; i < Number(repeats); i++) out.push(draw);
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

/** Reads a replay file's text, or a pasted string. Throws a `ReplayError` or an `OtherCoreError`. */
export const parseReplay = (text: string): Replay => parseReplayOf(ExperimentSchema, text);

/** The same for experiments of another kind. */
export function parseReplayOf<E>(experiment: v.GenericSchema<unknown, E>, text: string): Replay<E> {
  const trimmed = text.trim();
  if (trimmed.length > MAX_TEXT)
    throw new ReplayError('the whole text', `at most ${MAX_TEXT} characters`, String(trimmed.length));
  const pasted = parsePasted(trimmed);
  if (pasted === undefined) return readReplay(experiment, readJson(trimmed));
  const { core, replay, recorded } = pasted;
  if (core !== CORE_VERSION) throw new OtherCoreError(core, recorded);
  return readReplay(experiment, replay);
}

function readReplay<E>(schema: v.GenericSchema<unknown, E>, value: unknown): Replay<E> {
  const { experiment, tape, invariant, reason, traceHash } = readAs(envelope(schema), value);
  const decoded: Record<Stream, Draw[]> = { net: [], disk: [], gpu: [], sched: [], workload: [] };
  let left = MAX_DRAWS;
  for (const stream of STREAMS) {
    decoded[stream] = decodeStream(stream, tape[stream], left);
    left -= decoded[stream].length;
  }
  return { experiment, tape: decoded, invariant, reason, traceHash };
}
