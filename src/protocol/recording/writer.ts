// Writes down what a rank's core is told and what it answers, a line an input. The core runs as it would without.
//
//   {"format":"rankfall-recording","version":2,"member":…,"seat":…,"epoch":…,"now":…}   first line
//   [ms since the line before, event]                                                   the core answered nothing
//   [ms, event, effects in words or the number of such words said before, check]
//   {"after":ms,"note":event}                                                           what the host itself logs
//   {"end":"open"|"full","entries":n,"check":…}                                         last line

import { partBounds, partStart } from '../../collective/all-reduce.ts';
import type { Bucket } from '../../collective/buckets.ts';
import type { LaneLayout } from '../../collective/lanes.ts';
import type { MemberId, SeatId } from '../../ports/ids.ts';
import { sameGeneration, type GenerationId } from '../../ports/ids.ts';
import type { TraceEvent } from '../../trace/events.ts';
import type { Effect, Event } from '../effects.ts';
import { recordEvent, type LaneView } from './events.ts';
import { chain, checkOf, shapeOf } from './outcome.ts';
import { isNote } from './notes.ts';

export const RECORDING_FORMAT = 'rankfall-recording';
export const RECORDING_VERSION = 2;

export interface RecordingWriter {
  /** Before the core takes the event. */
  input(event: Event, now: number): void;
  /** What the core answered to the last input, before anything of it is carried out. Returns the line. */
  answered(effects: readonly Effect[]): string;
  /** The core threw. */
  threw(message: string): string;
  /** The line of what a host logs beside its core; undefined where nobody needs it. */
  note(event: TraceEvent, now: number): string | undefined;
  end(why: 'open' | 'full'): string;
}

/** `epoch`: milliseconds since 1970 at `now`, on the core's clock. */
export function createRecordingWriter(
  self: { readonly member: MemberId; readonly seat: SeatId },
  epoch: number,
  start: number,
): { readonly first: string; readonly writer: RecordingWriter } {
  let last = start;
  let crc = 0;
  let entries = 0;
  let pending = '';
  let layout: LaneLayout | undefined;
  let generation: { readonly id: GenerationId; readonly members: readonly MemberId[] } | undefined;
  const shapes = new Map<string, number>();

  /** The side lanes in a part whose place is not known lie among its last ones. */
  const unplaced = (length: number): number =>
    layout === undefined ? 0 : Math.max(0, length - (layout.length - layout.gradient));

  const extent = (bucket: number): Bucket => layout?.buckets[bucket] ?? { start: 0, end: 0 };
  /** Gradient lanes from this one on. */
  const gradientFrom = (start: number): number => Math.max(0, (layout?.gradient ?? 0) - start);

  const view = (): LaneView => ({
    cuts(bucket) {
      if (generation === undefined) return [];
      const { start, end } = extent(bucket);
      return partBounds(generation.members.length, end - start);
    },
    gradientOf: (bucket) => gradientFrom(extent(bucket).start),
    gradient: layout?.gradient ?? 0,
    gradientIn({ generation: theirs, round, bucket, part, payload }, from) {
      const { start, end } = extent(bucket);
      if (payload.length === end - start) return gradientFrom(start);
      const rank = generation?.members.findIndex((member) => member === from) ?? -1;
      if (layout === undefined || generation === undefined || round.attempt < 0 || rank < 0)
        return unplaced(payload.length);
      if (!sameGeneration(theirs, generation.id)) return unplaced(payload.length);
      return gradientFrom(start + partStart(generation.members.length, end - start, rank, part));
    },
  });

  const elapsed = (now: number): number => {
    const ms = now - last;
    last = now;
    return ms;
  };

  const answer = (shape: string): string => {
    entries += 1;
    if (shape === '') return `${pending}]`;
    let known: number | string | undefined = shapes.get(shape);
    if (known === undefined) {
      shapes.set(shape, shapes.size);
      known = JSON.stringify(shape);
    }
    return `${pending},${known},"${checkOf(crc)}"]`;
  };

  return {
    first: JSON.stringify({
      format: RECORDING_FORMAT,
      version: RECORDING_VERSION,
      ...self,
      epoch,
      now: start,
    }),
    writer: {
      input(event, now) {
        if (event.kind === 'engineReady') layout = event.layout;
        pending = `[${elapsed(now)},${JSON.stringify(recordEvent(event, view()))}`;
      },
      answered(effects) {
        for (const effect of effects) {
          if (effect.kind !== 'report') continue;
          if (effect.event.kind === 'installed')
            generation = { id: effect.event.generation, members: effect.event.members };
        }
        crc = chain(crc, effects);
        return answer(shapeOf(effects));
      },
      threw: (message) => answer(`throw ${message}`),
      note(event, now) {
        if (!isNote(event)) return undefined;
        return JSON.stringify({ after: elapsed(now), note: event });
      },
      end: (why) => JSON.stringify({ end: why, entries, check: checkOf(crc) }),
    },
  };
}
