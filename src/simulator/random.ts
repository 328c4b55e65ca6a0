// The one door for chance: every draw names its stream, its site and its range. Streams are independent, a forced choice draws
// nothing, and what was drawn can be recorded on a tape that replays exactly.

import { mix32 } from '../collective/digest.ts';

export const STREAMS = ['net', 'disk', 'gpu', 'sched', 'workload'] as const;
export type Stream = (typeof STREAMS)[number];

/** One decision: a whole number from `low` to `high`. `low` is the least choice: no fault, the shortest delay, first come. */
export interface Draw {
  readonly site: string;
  readonly low: number;
  readonly high: number;
  readonly value: number;
}

/** What was drawn, in order, stream by stream. */
export type Tape = Readonly<Record<Stream, readonly Draw[]>>;

export interface Entropy {
  /** A whole number from `low` to `high`, both included. Draws nothing when they are equal. */
  between(stream: Stream, site: string, low: number, high: number): number;
  /** True with the given chance (0 to 1); 0 and 1 draw nothing. */
  chance(stream: Stream, site: string, probability: number): boolean;
  /** The first option is the least choice. */
  pick<T>(stream: Stream, site: string, options: readonly T[]): T;
}

/** A replay asked for another draw than its tape holds: the first place where it differs. */
export class TapeDivergence extends Error {
  override readonly name = 'TapeDivergence';
  constructor(
    readonly stream: Stream,
    readonly position: number,
    readonly expected: string,
    readonly found: string,
  ) {
    super(
      `The replay differs from its tape at draw ${position} of stream ${stream}: the tape has ${expected}, ` +
        `the run asks for ${found}. It was recorded by another version, or was edited.`,
    );
  }
}

/** Where numbers come from. */
type Source = (stream: Stream, site: string, low: number, high: number) => number;

const MILLION = 1_000_000;

function entropyFrom(source: Source): Entropy {
  const between: Entropy['between'] = (stream, site, low, high) =>
    low >= high ? low : source(stream, site, low, high);
  return {
    between,
    chance: (stream, site, probability) =>
      probability <= 0
        ? false
        : probability >= 1
          ? true
          : between(stream, site, 0, MILLION - 1) >= MILLION - Math.round(probability * MILLION),
    pick: (stream, site, options) => {
      const option = options[between(stream, site, 0, options.length - 1)];
      if (option === undefined) throw new RangeError(`Nothing to pick from at ${site}.`);
      return option;
    },
  };
}

/** A counter-based generator for each stream: draw n of a stream is a function of (seed, stream, n). */
export function createEntropy(seed: number): Entropy {
  return entropyFrom(seededSource(seed));
}

/** Numbers that depend on the seed, the stream and how many were drawn of it. */
export function seededSource(seed: number): Source {
  const keys = STREAMS.map((_, index) => mix32(mix32(seed) + Math.imul(index, 0x51ed270b)));
  const counters = STREAMS.map(() => 0);
  const indexOf: Readonly<Record<Stream, number>> = { net: 0, disk: 1, gpu: 2, sched: 3, workload: 4 };
  return (stream, _site, low, high) => {
    const index = indexOf[stream];
    const n = (counters[index] ?? 0) + 1;
    counters[index] = n;
    const word = mix32((keys[index] ?? 0) + Math.imul(n, 0x9e3779b1)) >>> 0;
    return low + Math.floor((word / 0x1_0000_0000) * (high - low + 1));
  };
}

/** Chance from a seed that remembers what it drew. */
export function recordingEntropy(seed: number): { readonly entropy: Entropy; readonly tape: Tape } {
  return record(seededSource(seed));
}

/** Chance that remembers what it drew. */
export function record(source: Source): { readonly entropy: Entropy; readonly tape: Tape } {
  const tape: Record<Stream, Draw[]> = { net: [], disk: [], gpu: [], sched: [], workload: [] };
  const entropy = entropyFrom((stream, site, low, high) => {
    const value = source(stream, site, low, high);
    tape[stream].push({ site, low, high, value });
    return value;
  });
  return { entropy, tape };
}

const describeDraw = (draw: Omit<Draw, 'value'>): string => `${draw.site} from ${draw.low} to ${draw.high}`;

/** Exactly what a tape holds; throws a `TapeDivergence` at the first draw that is another one, or past the end. */
export function replayingEntropy(tape: Tape): Entropy {
  const positions: Record<Stream, number> = { net: 0, disk: 0, gpu: 0, sched: 0, workload: 0 };
  return entropyFrom((stream, site, low, high) => {
    const position = positions[stream]++;
    const draw = tape[stream][position];
    if (draw?.site !== site || draw.low !== low || draw.high !== high)
      throw new TapeDivergence(
        stream,
        position,
        draw === undefined ? 'nothing more' : describeDraw(draw),
        describeDraw({ site, low, high }),
      );
    return draw.value;
  });
}

/** Numbers above the least, by position in each stream: a tape that may be edited. What is missing is the least choice. */
export type Choices = Readonly<Record<Stream, readonly number[]>>;

export const choicesOf = (tape: Tape): Choices => ({
  net: tape.net.map(({ value, low }) => value - low),
  disk: tape.disk.map(({ value, low }) => value - low),
  gpu: tape.gpu.map(({ value, low }) => value - low),
  sched: tape.sched.map(({ value, low }) => value - low),
  workload: tape.workload.map(({ value, low }) => value - low),
});

/** Follows choices as far as they go, within each draw's range; and records what came of it. */
export function editedEntropy(choices: Choices): { readonly entropy: Entropy; readonly tape: Tape } {
  const positions: Record<Stream, number> = { net: 0, disk: 0, gpu: 0, sched: 0, workload: 0 };
  return record((stream, _site, low, high) =>
    Math.min(high, low + (choices[stream][positions[stream]++] ?? 0)),
  );
}
