// Two runs side by side: the first thing that happened in one and not in the other.

import type { Diagram, Moment } from '../../trace/diagram.ts';

export interface Difference {
  /** Undefined: that run is over by then. */
  readonly left: Moment | undefined;
  readonly right: Moment | undefined;
}

interface Item extends Moment {
  readonly text: string;
}

/** All that happened, in order, in words that are equal where it is the same. */
function itemsOf({ lanes, marks, arrows, headlines }: Diagram): readonly Item[] {
  const name = (lane: number): string => lanes[lane]?.name ?? '';
  const item = ({ at, seq }: Moment, text: string): Item => ({ at, seq, text: `${at} ${text}` });
  return [
    ...marks.map((mark) => item(mark, `${name(mark.lane)} ${mark.text}`)),
    ...headlines.map((headline) => item(headline, headline.text)),
    ...arrows.flatMap(({ from, to, label, sent, received }) => [
      item(sent, `${name(from)} sends ${label} to ${name(to)}`),
      ...(received === undefined ? [] : [item(received, `${name(to)} gets ${label} from ${name(from)}`)]),
    ]),
  ].sort((a, b) => a.seq - b.seq);
}

/** Undefined: the runs are the same. */
export function firstDifference(left: Diagram, right: Diagram): Difference | undefined {
  const [a, b] = [itemsOf(left), itemsOf(right)];
  for (let i = 0; i < Math.max(a.length, b.length); i++)
    if (a[i]?.text !== b[i]?.text) return { left: a[i], right: b[i] };
  return undefined;
}
