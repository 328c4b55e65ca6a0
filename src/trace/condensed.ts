// A diagram in few words, to travel in a link: lanes, marks, messages, spans and the invariant that failed. What lanes say of themselves
// is left out; of a long run the end is kept, which is what matters of it. Who reads one trusts nothing in it.

import * as v from 'valibot';
import type { Diagram, Moment, Span, Tone } from './diagram.ts';

/** More do not fit into a link. */
export const MAX_MOMENTS = 20_000;
const MAX_LANES = 16_384;
const MAX_NAME = 120;
const MAX_TEXT = 400;
const MAX_SENTENCE = 2000;
/** Times are whole tenths of a millisecond. */
const TICKS = 10;
const MAX_TICKS = 1e12;

const TONES = ['plain', 'good', 'bad'] as const satisfies readonly Tone[];
const KINDS = ['step', 'generation', 'gone', 'frozen'] as const satisfies readonly Span['kind'][];

const whole = (low: number, high: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high));
const column = (high: number) => v.pipe(v.array(whole(0, high)), v.maxLength(MAX_MOMENTS));
const text = (most: number) => v.pipe(v.string(), v.maxLength(most));
const place = column(MAX_MOMENTS);
const word = column(2 * MAX_MOMENTS);
const lane = column(MAX_LANES);

/** Columns, since what is alike packs well. Places are those of moments, counted from the item before where not said otherwise. */
export const CondensedDiagramSchema = v.strictObject({
  lanes: v.pipe(
    v.array(v.strictObject({ name: text(MAX_NAME), group: v.optional(text(MAX_NAME)) })),
    v.maxLength(MAX_LANES),
  ),
  words: v.pipe(v.array(text(MAX_TEXT)), v.maxLength(2 * MAX_MOMENTS)),
  /** Of each moment, the ticks since the one before. The last is the end. */
  moments: v.pipe(v.array(whole(-MAX_TICKS, MAX_TICKS)), v.minLength(1), v.maxLength(MAX_MOMENTS)),
  marks: v.strictObject({ place, lane, text: word, tone: column(TONES.length - 1) }),
  /** `took`: places from sending to arrival; 0: it had not arrived. */
  arrows: v.strictObject({ place, from: lane, to: lane, kind: word, label: word, took: place }),
  spans: v.strictObject({ place, kind: column(KINDS.length - 1), lane, name: word, took: place }),
  headlines: v.strictObject({ place, text: word }),
  failing: v.optional(
    v.strictObject({
      place: whole(0, MAX_MOMENTS),
      invariant: text(MAX_SENTENCE),
      sentence: text(MAX_SENTENCE),
    }),
  ),
  /** So many moments of the beginning were left out. */
  skipped: whole(0, Number.MAX_SAFE_INTEGER),
  omitted: whole(0, Number.MAX_SAFE_INTEGER),
});
export type CondensedDiagram = Readonly<v.InferOutput<typeof CondensedDiagramSchema>>;

/** A diagram that says something of what it does not hold. */
export class CondensedError extends Error {
  override readonly name = 'CondensedError';
  constructor(
    readonly place: string,
    readonly expected: string,
    readonly found: string,
  ) {
    super(`The diagram is wrong at ${place}: expected ${expected}, found ${found}.`);
  }
}

const cut = (value: string, most: number): string =>
  value.length <= most ? value : `${value.slice(0, most - 1)}…`;

/** Everything that happens in it, by its number in the record. */
const momentsOf = ({ marks, arrows, spans, headlines, failing, end }: Diagram): Map<number, Moment> => {
  const all = [
    ...marks,
    ...arrows.flatMap(({ sent, received }) => (received === undefined ? [sent] : [sent, received])),
    ...spans.flatMap(({ from, to }) => [from, to]),
    ...headlines,
    ...(failing === undefined ? [] : [failing]),
    end,
  ];
  return new Map(all.map((moment) => [moment.seq, moment]));
};

/** How many moments a diagram has. */
export const sizeOfDiagram = (diagram: Diagram): number => momentsOf(diagram).size;

/** The newest moments of a diagram, at most so many. */
export function condense(diagram: Diagram, most: number): CondensedDiagram {
  const all = [...momentsOf(diagram).values()].sort((a, b) => a.seq - b.seq);
  const kept = all.slice(-Math.max(1, Math.min(most, MAX_MOMENTS)));
  const places = new Map(kept.map(({ seq }, index) => [seq, index]));
  const first = kept[0]?.seq ?? 0;
  const placeOf = ({ seq }: Moment): number => places.get(seq) ?? 0;

  const words = new Map<string, number>();
  const wordOf = (value: string): number => {
    const short = cut(value, MAX_TEXT);
    const known = words.get(short) ?? words.size;
    words.set(short, known);
    return known;
  };
  const marks = diagram.marks.filter(({ seq }) => seq >= first);
  const arrows = diagram.arrows.filter(({ sent }) => sent.seq >= first);
  const headlines = diagram.headlines.filter(({ seq }) => seq >= first);
  // What lasts into the part that is kept begins with it.
  const spans = diagram.spans.filter(({ to }) => to.seq >= first);
  const { failing } = diagram;
  const ticks = kept.map(({ at }) => Math.round(at * TICKS));
  return {
    lanes: diagram.lanes.map(({ name, group }) => ({
      name: cut(name, MAX_NAME),
      ...(group === undefined ? {} : { group: cut(group, MAX_NAME) }),
    })),
    moments: differences(ticks),
    marks: {
      place: differences(marks.map(placeOf)),
      lane: marks.map((mark) => mark.lane),
      text: marks.map((mark) => wordOf(mark.text)),
      tone: marks.map(({ tone }) => TONES.indexOf(tone)),
    },
    arrows: {
      place: differences(arrows.map(({ sent }) => placeOf(sent))),
      from: arrows.map(({ from }) => from),
      to: arrows.map(({ to }) => to),
      kind: arrows.map(({ kind }) => wordOf(kind)),
      label: arrows.map(({ label }) => wordOf(label)),
      took: arrows.map(({ sent, received }) =>
        received === undefined ? 0 : placeOf(received) - placeOf(sent),
      ),
    },
    spans: {
      place: differences(spans.map(({ from }) => placeOf(from))),
      kind: spans.map(({ kind }) => KINDS.indexOf(kind)),
      lane: spans.map((span) => span.lane),
      name: spans.map(({ name }) => wordOf(name)),
      took: spans.map(({ from, to }) => placeOf(to) - placeOf(from)),
    },
    headlines: {
      place: differences(headlines.map(placeOf)),
      text: headlines.map((headline) => wordOf(headline.text)),
    },
    ...(failing === undefined
      ? {}
      : {
          failing: {
            place: placeOf(failing),
            invariant: cut(failing.invariant, MAX_SENTENCE),
            sentence: cut(failing.sentence, MAX_SENTENCE),
          },
        }),
    skipped: all.length - kept.length,
    omitted: diagram.omitted,
    words: [...words.keys()],
  };
}

const differences = (values: readonly number[]): number[] =>
  values.map((value, index) => value - (values[index - 1] ?? 0));

function sums(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((value) => (sum += value));
}

/** The diagram again. Throws a `CondensedError` where it speaks of a lane, a word or a moment that it does not have. */
export function expand({ lanes, words, failing, omitted, ...condensed }: CondensedDiagram): Diagram {
  const moments: readonly Moment[] = sums(condensed.moments).map((ticks, seq) => ({
    at: ticks / TICKS,
    seq,
  }));
  const end = moments.at(-1);
  if (end === undefined) throw new CondensedError('moments', 'at least one', 'none');

  const known = <T>(list: readonly T[], index: number | undefined, what: string): T => {
    const found = index === undefined ? undefined : list[index];
    if (found === undefined)
      throw new CondensedError(what, `a number below ${list.length}`, String(index ?? 'nothing'));
    return found;
  };
  const moment = (index: number | undefined, what: string): Moment => known(moments, index, what);
  const wordAt = (index: number | undefined, what: string): string => known(words, index, what);
  const laneAt = (index: number | undefined, what: string): number => {
    known(lanes, index, what);
    return index ?? 0;
  };

  const { marks, arrows, spans, headlines } = condensed;
  return {
    lanes: lanes.map(({ name, group }) => ({ name, group })),
    marks: sums(marks.place).map((at, i) => ({
      ...moment(at, `marks.place.${i}`),
      lane: laneAt(marks.lane[i], `marks.lane.${i}`),
      text: wordAt(marks.text[i], `marks.text.${i}`),
      tone: known(TONES, marks.tone[i], `marks.tone.${i}`),
    })),
    arrows: sums(arrows.place).map((at, i) => {
      const took = arrows.took[i] ?? 0;
      return {
        from: laneAt(arrows.from[i], `arrows.from.${i}`),
        to: laneAt(arrows.to[i], `arrows.to.${i}`),
        kind: wordAt(arrows.kind[i], `arrows.kind.${i}`),
        label: wordAt(arrows.label[i], `arrows.label.${i}`),
        sent: moment(at, `arrows.place.${i}`),
        received: took === 0 ? undefined : moment(at + took, `arrows.took.${i}`),
      };
    }),
    spans: sums(spans.place).map((at, i) => ({
      kind: known(KINDS, spans.kind[i], `spans.kind.${i}`),
      lane: laneAt(spans.lane[i], `spans.lane.${i}`),
      name: wordAt(spans.name[i], `spans.name.${i}`),
      from: moment(at, `spans.place.${i}`),
      to: moment(at + (spans.took[i] ?? 0), `spans.took.${i}`),
    })),
    headlines: sums(headlines.place).map((at, i) => ({
      ...moment(at, `headlines.place.${i}`),
      text: wordAt(headlines.text[i], `headlines.text.${i}`),
    })),
    facts: [],
    failing:
      failing === undefined
        ? undefined
        : {
            ...moment(failing.place, 'failing.place'),
            invariant: failing.invariant,
            sentence: failing.sentence,
          },
    end,
    omitted,
  };
}
