// A run as a space-time diagram, as data: a lane for each member, what happened on it, and the messages between them (L. Lamport,
// "Time, Clocks, and the Ordering of Events in a Distributed System", 1978). The SVG export and the lab's canvas draw the same.

import type { MemberId } from '../ports/ids.ts';

export type Tone = 'plain' | 'good' | 'bad';

/** A moment: milliseconds, and its place among all that was recorded, which orders what happened at once. */
export interface Moment {
  readonly at: number;
  readonly seq: number;
}

export interface Lane {
  readonly name: string;
  /** Whose it is, where it is known: a rank wears the colour that it has on the ring. */
  readonly member?: MemberId | undefined;
  /** The slot whose colour it wore at last (looks.ts), where the record tells. */
  readonly slot?: number | undefined;
  /** Lanes of one group can be folded into one: the pages of a browser. */
  readonly group: string | undefined;
}

/** Something happened on a lane. */
export interface Mark extends Moment {
  readonly lane: number;
  readonly text: string;
  readonly tone: Tone;
}

export interface Arrow {
  readonly from: number;
  readonly to: number;
  readonly kind: string;
  readonly label: string;
  readonly sent: Moment;
  /** Undefined: it had not arrived when the record ended. */
  readonly received: Moment | undefined;
}

/** A stretch of a lane: a step that was taken, a generation that it was in, or a time in which it was not there, or stood still. */
export interface Span {
  readonly kind: 'step' | 'generation' | 'gone' | 'frozen';
  readonly lane: number;
  readonly from: Moment;
  readonly to: Moment;
  readonly name: string;
}

/** What happened to all of them. */
export interface Headline extends Moment {
  readonly text: string;
}

/** What a lane says of itself from then on. */
export interface Fact extends Moment {
  readonly lane: number;
  readonly name: string;
  readonly value: string;
}

export interface Failing extends Moment {
  readonly invariant: string;
  readonly sentence: string;
}

/** Everything is in the order of its (first) moment's `seq`. */
export interface Diagram {
  readonly lanes: readonly Lane[];
  readonly marks: readonly Mark[];
  readonly arrows: readonly Arrow[];
  readonly spans: readonly Span[];
  readonly headlines: readonly Headline[];
  readonly facts: readonly Fact[];
  /** The invariant that broke at the end of the run. */
  readonly failing: Failing | undefined;
  readonly end: Moment;
  /** So many messages and marks came after the limit, and are not in it. */
  readonly omitted: number;
}

export interface DiagramRecorder {
  /** Names a lane, at the latest at its first use. */
  lane(name: string, group?: string): void;
  /** Lanes stand by their places, then as they came. The first place that is given stays; a lane that never comes takes no room. */
  place(name: string, place: number): void;
  /** Whose lane it is; a lane that never comes is nobody's. */
  owner(name: string, member: MemberId): void;
  /** Which slot's colour it wears from now on. */
  wears(name: string, slot: number): void;
  mark(lane: string, at: number, text: string, tone?: Tone): void;
  headline(at: number, text: string): void;
  fact(lane: string, at: number, name: string, value: string): void;
  /** `message` and the receiver tell one sending from another: a broadcast is one message. */
  sent(from: string, to: string, message: object, kind: string, label: string, at: number): void;
  /** The same message twice is another arrow. */
  received(from: string, to: string, message: object, sentAt: number, at: number): void;
  /** A span of this kind begins; it ends one that is open. */
  begin(kind: Span['kind'], lane: string, at: number, name: string): void;
  /** Does nothing where none is open; `name` is what it turned out to be. */
  end(kind: Span['kind'], lane: string, at: number, name?: string): void;
  /** How many moments were recorded so far: the number that the next one gets. */
  readonly moments: () => number;
  finish(at: number, failing?: { readonly invariant: string; readonly sentence: string }): Diagram;
}

/** More than this is no picture any more, and only takes memory. */
const MAX_ITEMS = 400_000;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function recordDiagram(): DiagramRecorder {
  const numbers = new Map<string, number>();
  const lanes: Lane[] = [];
  const places = new Map<string, number>();
  const owners = new Map<string, MemberId>();
  const slots = new Map<string, number>();
  const marks: Mutable<Mark>[] = [];
  const arrows: Mutable<Arrow>[] = [];
  const spans: Mutable<Span>[] = [];
  const headlines: Headline[] = [];
  const facts: Mutable<Fact>[] = [];
  /** By kind and lane. */
  const open = new Map<string, Mutable<Span>>();
  /** Arrows that have not arrived, by message, receiver and time of sending. */
  const underWay = new WeakMap<object, Map<string, Mutable<Arrow>>>();
  let seq = 0;
  let latest = 0;
  let items = 0;
  let omitted = 0;

  const moment = (at: number): Moment => {
    latest = Math.max(latest, at);
    return { at, seq: seq++ };
  };

  function numberOf(name: string, group?: string): number {
    let number = numbers.get(name);
    if (number === undefined) {
      number = lanes.length;
      numbers.set(name, number);
      lanes.push({ name, group });
    }
    return number;
  }

  /** Numbers of lanes follow their places from here on. */
  function inOrder(): readonly Lane[] {
    const placeOf = (lane: Lane): number => places.get(lane.name) ?? Infinity;
    const byPlace = lanes.map((lane, number) => ({ lane, number }));
    byPlace.sort((a, b) => {
      const [one, other] = [placeOf(a.lane), placeOf(b.lane)];
      return one === other ? a.number - b.number : one - other;
    });
    const moved = new Int32Array(lanes.length);
    byPlace.forEach(({ number }, place) => (moved[number] = place));
    const to = (number: number): number => moved[number] ?? number;
    for (const each of [...marks, ...spans, ...facts]) each.lane = to(each.lane);
    for (const arrow of arrows) [arrow.from, arrow.to] = [to(arrow.from), to(arrow.to)];
    return byPlace.map(({ lane }) => {
      const member = owners.get(lane.name);
      const slot = slots.get(lane.name);
      return {
        ...lane,
        ...(member !== undefined && { member }),
        ...(slot !== undefined && { slot }),
      };
    });
  }

  function end(kind: Span['kind'], lane: string, at: number, name?: string): void {
    const span = open.get(`${kind} ${lane}`);
    if (span === undefined) return;
    span.to = moment(at);
    if (name !== undefined) span.name = name;
    open.delete(`${kind} ${lane}`);
  }

  function isRoom(): boolean {
    if (items < MAX_ITEMS) {
      items += 1;
      return true;
    }
    omitted += 1;
    return false;
  }

  return {
    lane: (name, group) => void numberOf(name, group),
    place(name, place) {
      if (!places.has(name)) places.set(name, place);
    },
    owner: (name, member) => void owners.set(name, member),
    wears: (name, slot) => void slots.set(name, slot),
    mark(lane, at, text, tone = 'plain') {
      if (isRoom()) marks.push({ lane: numberOf(lane), ...moment(at), text, tone });
    },
    headline(at, text) {
      headlines.push({ ...moment(at), text });
    },
    fact(lane, at, name, value) {
      if (isRoom()) facts.push({ lane: numberOf(lane), ...moment(at), name, value });
    },
    sent(from, to, message, kind, label, at) {
      if (!isRoom()) return;
      const arrow: Mutable<Arrow> = {
        from: numberOf(from),
        to: numberOf(to),
        kind,
        label,
        sent: moment(at),
        received: undefined,
      };
      arrows.push(arrow);
      const pending = underWay.get(message) ?? new Map<string, Mutable<Arrow>>();
      pending.set(`${to} ${at}`, arrow);
      underWay.set(message, pending);
    },
    received(from, to, message, sentAt, at) {
      const arrow = underWay.get(message)?.get(`${to} ${sentAt}`);
      if (arrow?.received === undefined) {
        if (arrow !== undefined) arrow.received = moment(at);
        return;
      }
      if (isRoom()) arrows.push({ ...arrow, from: numberOf(from), received: moment(at) });
    },
    begin(kind, lane, at, name) {
      end(kind, lane, at);
      const from = moment(at);
      const span: Mutable<Span> = { kind, lane: numberOf(lane), from, to: from, name };
      spans.push(span);
      open.set(`${kind} ${lane}`, span);
    },
    end,
    moments: () => seq,
    finish(at, failing) {
      // Runs tell their length in whole milliseconds.
      const last = moment(Math.max(at, latest));
      for (const span of open.values()) span.to = last;
      open.clear();
      arrows.sort((a, b) => a.sent.seq - b.sent.seq);
      return {
        lanes: inOrder(),
        marks,
        arrows,
        spans,
        headlines,
        facts,
        failing: failing === undefined ? undefined : { ...last, ...failing },
        end: last,
        omitted,
      };
    },
  };
}
