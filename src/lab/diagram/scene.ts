// What of a diagram is shown, and where: columns for lanes or folded groups, positions by time or by order, without what was filtered out.
// Pure; the painter only turns positions into pixels.

import type { Arrow, Diagram, Failing, Headline, Moment } from '../../trace/diagram.ts';
import { laneSlots, type SlotOf } from './lane-colours.ts';
import { coloursOf } from './message-kinds.ts';
import { createSpanIndex, type SpanIndex, type Stretch } from './span-index.ts';

/** `order`: each thing that happened has a row of its own; races happen within milliseconds. */
export type Scale = 'order' | 'time';

export interface Filters {
  readonly scale: Scale;
  readonly hiddenKinds: ReadonlySet<string>;
  readonly hiddenLanes: ReadonlySet<number>;
  /** Each of these groups is one column. */
  readonly foldedGroups: ReadonlySet<string>;
}

export const NO_FILTERS: Filters = {
  scale: 'order',
  hiddenKinds: new Set(),
  hiddenLanes: new Set(),
  foldedGroups: new Set(),
};

export interface Column {
  readonly name: string;
  /** Its lanes; several where a group is folded. */
  readonly lanes: readonly number[];
}

export interface Scene {
  readonly diagram: Diagram;
  readonly scale: Scale;
  readonly columns: readonly Column[];
  /** The colour of each lane, whether it is shown or not: it keeps it when others are hidden. */
  readonly slots: readonly number[];
  /** All kinds of messages, in the order of their names, and the number of each one's colour. */
  readonly kinds: ReadonlyMap<string, number>;
  /** Messages; `item` is the arrow's place. */
  readonly messages: SpanIndex;
  /** Marks; `item` is the mark's place. */
  readonly marks: SpanIndex;
  /** Steps, generations, and lanes that were gone or stood still; `item` is the span's place. */
  readonly spans: SpanIndex;
  readonly headlines: readonly (Headline & { readonly position: number })[];
  readonly failing: (Failing & { readonly position: number }) | undefined;
  /** From 0 to here. */
  readonly length: number;
  position(moment: Moment): number;
  /** The time at a position, in milliseconds. */
  timeAt(position: number): number;
  /** What is shown, in order: what stepping goes through. */
  readonly moments: readonly Moment[];
}

/** How a message ended. */
export const FATES = ['arrived', 'lost', 'under way'] as const;
export type Fate = (typeof FATES)[number];

/** Looks of a message: its kind's colour, and how it ended. */
const messageLooks = (colour: number, fate: Fate): number => colour * FATES.length + FATES.indexOf(fate);
export const colourOfLooks = (looks: number): number => Math.floor(looks / FATES.length);
export const fateOfLooks = (looks: number): Fate => FATES[looks % FATES.length] ?? 'arrived';

/** What has not arrived so soon before the end, in milliseconds, may have been on its way. */
const ON_ITS_WAY_MS = 10;

export const fateOf = ({ received, sent }: Arrow, { end }: Diagram): Fate =>
  received !== undefined ? 'arrived' : end.at - sent.at < ON_ITS_WAY_MS ? 'under way' : 'lost';

/** Looks of spans. */
export const SPAN_LOOKS = { generation: 0, step: 2, gone: 4, frozen: 5 } as const;

export function createScene(diagram: Diagram, filters: Filters, slotOf?: SlotOf): Scene {
  const { columns, columnOf } = columnsOf(diagram, filters);
  const kinds = coloursOf([...new Set(diagram.arrows.map(({ kind }) => kind))].sort());
  const shown = (lane: number): boolean => columnOf(lane) !== undefined;

  const arrows = diagram.arrows.flatMap((arrow, item) => {
    const [from, to] = [columnOf(arrow.from), columnOf(arrow.to)];
    if (from === undefined || to === undefined || filters.hiddenKinds.has(arrow.kind)) return [];
    // Within a folded group nothing is seen to move.
    return from === to && arrow.from !== arrow.to ? [] : [{ arrow, item, from, to }];
  });
  const marks = diagram.marks.flatMap((mark, item) => (shown(mark.lane) ? [{ mark, item }] : []));

  /** What arrived twice was sent once. */
  const moments = [
    ...arrows.flatMap(({ arrow: { sent, received } }) =>
      received === undefined ? [sent] : [sent, received],
    ),
    ...marks.map(({ mark }) => mark),
    ...diagram.headlines,
    diagram.end,
  ]
    .sort((a, b) => a.seq - b.seq)
    .filter(({ seq }, i, all) => all[i - 1]?.seq !== seq);
  const axis = axisOf(diagram, filters.scale, moments);

  const messages: Stretch[] = arrows.map(({ arrow, item, from, to }) => {
    const start = axis.position(arrow.sent);
    const { received } = arrow;
    const end = received === undefined ? start : Math.max(start, axis.position(received));
    const kind = messageLooks(kinds.get(arrow.kind) ?? 0, fateOf(arrow, diagram));
    return { from, to, start, end, kind, item };
  });
  return {
    diagram,
    scale: filters.scale,
    columns,
    slots: laneSlots(diagram.lanes, slotOf),
    kinds,
    messages: createSpanIndex(messages),
    marks: createSpanIndex(
      marks.map(({ mark, item }) => {
        const [at, column] = [axis.position(mark), columnOf(mark.lane) ?? 0];
        return { from: column, to: column, start: at, end: at, kind: TONES[mark.tone], item };
      }),
    ),
    spans: createSpanIndex(
      diagram.spans.flatMap((span, item) => {
        const column = columnOf(span.lane);
        if (column === undefined) return [];
        const [start, end] = [axis.position(span.from), axis.position(span.to)];
        const odd = span.kind === 'step' || span.kind === 'generation' ? item & 1 : 0;
        return [{ from: column, to: column, start, end, kind: SPAN_LOOKS[span.kind] + odd, item }];
      }),
    ),
    headlines: diagram.headlines.map((headline) => ({ ...headline, position: axis.position(headline) })),
    failing:
      diagram.failing === undefined
        ? undefined
        : { ...diagram.failing, position: axis.position(diagram.failing) },
    length: Math.max(1, axis.position(diagram.end)),
    position: axis.position,
    timeAt: axis.timeAt,
    moments,
  };
}

const TONES = { plain: 0, good: 1, bad: 2 } as const;

function columnsOf(
  { lanes }: Diagram,
  { hiddenLanes, foldedGroups }: Filters,
): { readonly columns: readonly Column[]; readonly columnOf: (lane: number) => number | undefined } {
  const columns: { name: string; lanes: number[] }[] = [];
  const groups = new Map<string, number>();
  const places: (number | undefined)[] = [];
  for (const [lane, { name, group }] of lanes.entries()) {
    if (hiddenLanes.has(lane)) continue;
    const folded = group !== undefined && foldedGroups.has(group) ? group : undefined;
    let place = folded === undefined ? undefined : groups.get(folded);
    if (place === undefined) {
      place = columns.length;
      columns.push({ name: folded ?? name, lanes: [] });
      if (folded !== undefined) groups.set(folded, place);
    }
    columns[place]?.lanes.push(lane);
    places[lane] = place;
  }
  return { columns, columnOf: (lane) => places[lane] };
}

interface Axis {
  readonly position: (moment: Moment) => number;
  readonly timeAt: (position: number) => number;
}

function axisOf(diagram: Diagram, scale: Scale, moments: readonly Moment[]): Axis {
  if (scale === 'time') return { position: ({ at }) => at, timeAt: (position) => position };
  /** The row of each number in the record; what has no row of its own has that of what comes next. */
  const rows = new Float64Array(diagram.end.seq + 1);
  let row = 0;
  for (let seq = 0; seq < rows.length; seq++) {
    rows[seq] = row;
    if (moments[row]?.seq === seq) row += 1;
  }
  return {
    position: ({ seq }) => rows[seq] ?? row,
    timeAt: (position) => moments[Math.max(0, Math.min(moments.length - 1, Math.round(position)))]?.at ?? 0,
  };
}
