// Time travel through a recorded run: from moment to moment, from step to step, and what each lane says of itself at one.

import type { Moment } from '../../trace/diagram.ts';
import { toldWords } from '../told-words.ts';
import type { Scene } from './scene.ts';

/** The place of the first moment after `seq`. */
function placeAfter(moments: readonly Moment[], seq: number): number {
  let [low, high] = [0, moments.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((moments[middle]?.seq ?? Infinity) > seq) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The place of the newest moment that is not after `seq`. */
export const placeOf = ({ moments }: Scene, seq: number): number => Math.max(0, placeAfter(moments, seq) - 1);

/** The place of the end of the next step of any lane, or of the one before; in a run without steps, of what its nodes reported. */
export function stepFrom({ diagram, moments }: Scene, place: number, direction: -1 | 1): number {
  const here = moments[place]?.seq ?? 0;
  const steps = diagram.spans.filter(({ kind }) => kind === 'step').map(({ to }) => to.seq);
  const ends = steps.length > 0 ? steps : diagram.marks.map(({ seq }) => seq);
  const ahead = ends.filter((seq) => (direction > 0 ? seq > here : seq < here));
  if (ahead.length === 0) return direction > 0 ? moments.length - 1 : 0;
  const target = direction > 0 ? least(ahead) : -least(ahead.map((seq) => -seq));
  const found = placeAfter(moments, target) - 1;
  // A step's end has no row of its own: in one row there may be several.
  return Math.max(0, Math.min(moments.length - 1, found === place ? place + direction : found));
}

const least = (values: readonly number[]): number =>
  values.reduce((smallest, value) => (value < smallest ? value : smallest), Infinity);

/** What each lane has said of itself last, by name, until then. */
export function factsAt({ diagram }: Scene, seq: number): readonly ReadonlyMap<string, string>[] {
  const facts = diagram.lanes.map(() => new Map<string, string>());
  for (const fact of diagram.facts) {
    if (fact.seq > seq) break;
    facts[fact.lane]?.set(fact.name, fact.value);
  }
  return facts;
}

/** What happened at a moment, in words. */
export function momentText({ diagram }: Scene, seq: number): string {
  const name = (lane: number): string => toldWords.lane(diagram.lanes[lane]?.name ?? '');
  const mark = diagram.marks.find((one) => one.seq === seq);
  if (mark !== undefined) return `${name(mark.lane)}: ${mark.text}`;
  const headline = diagram.headlines.find((one) => one.seq === seq);
  if (headline !== undefined) return headline.text;
  const arrow = diagram.arrows.find(({ sent, received }) => sent.seq === seq || received?.seq === seq);
  if (arrow === undefined)
    return diagram.failing?.seq === seq ? toldWords.told(diagram.failing.sentence) : '';
  return arrow.sent.seq === seq
    ? `${name(arrow.from)} → ${name(arrow.to)}: ${arrow.label}`
    : `${name(arrow.to)} ← ${name(arrow.from)}: ${arrow.label}`;
}
