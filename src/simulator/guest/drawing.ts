// A run of a user's protocol as a diagram: its messages, what mattered, when nodes were down or stood still, and what they said of
// themselves.

import { recordDiagram, type Diagram } from '../../trace/diagram.ts';
import type { GuestOutcome, GuestRunOptions } from './run.ts';
import type { GuestEvent } from './shape.ts';
import { eventInWords, inWords, kindOf, strikeInWords } from './story.ts';

/** Listens to a run. */
export interface Drawing extends Required<
  Pick<GuestRunOptions, 'onRecord' | 'onStrike' | 'onSend' | 'onMessage' | 'onState' | 'onCondition'>
> {
  /** How many moments were recorded so far. */
  readonly moments: () => number;
  diagram(outcome: Pick<GuestOutcome, 'virtualMs' | 'invariant' | 'reason'>): Diagram;
}

/** What no arrow and no report says. */
const DRAWN: ReadonlySet<GuestEvent['kind']> = new Set(['start', 'linkDown', 'notStored']);
/** Of a node's state, so much is shown. */
const MAX_STATE = 400;

export function drawGuest(): Drawing {
  const diagram = recordDiagram();
  const nameOf = (node: number): string => {
    const name = `node ${node}`;
    diagram.place(name, node);
    return name;
  };
  return {
    onRecord({ node, at, event, effects }) {
      const lane = nameOf(node);
      if (DRAWN.has(event.kind)) diagram.mark(lane, at, eventInWords(event));
      for (const effect of effects) {
        if (effect.kind === 'report') diagram.mark(lane, at, effect.what);
        if (effect.kind === 'exit') diagram.mark(lane, at, 'leaves for good');
      }
    },
    onStrike: (strike, at) => diagram.headline(at, strikeInWords(strike)),
    onSend: (from, to, letter, at) => {
      const message: unknown = JSON.parse(letter.text);
      diagram.sent(nameOf(from), nameOf(to), letter, kindOf(message), inWords(message), at);
    },
    onMessage: (from, to, letter, sentAt, now) =>
      diagram.received(nameOf(from), nameOf(to), letter, sentAt, now),
    onCondition(node, condition, at) {
      const lane = nameOf(node);
      // One that leaves is down first, and stays so.
      if (condition === 'gone') return;
      for (const kind of ['gone', 'frozen'] as const) diagram.end(kind, lane, at);
      if (condition === 'frozen') diagram.begin('frozen', lane, at, 'stands still');
      else if (condition === 'crashed') diagram.begin('gone', lane, at, 'is down');
    },
    onState(node, state, at) {
      const text = textOf(state);
      diagram.fact(
        nameOf(node),
        at,
        'state',
        text.length <= MAX_STATE ? text : `${text.slice(0, MAX_STATE)}…`,
      );
    },
    moments: () => diagram.moments(),
    diagram: ({ virtualMs, invariant, reason }) =>
      diagram.finish(
        virtualMs,
        invariant === undefined ? undefined : { invariant, sentence: reason ?? invariant },
      ),
  };
}

/** JSON that shows maps and sets as well. */
const textOf = (state: unknown): string => {
  // Of undefined and functions there is no text, whatever the declaration says.
  const text = JSON.stringify(state, (_key, value: unknown) =>
    value instanceof Map
      ? Object.fromEntries(value as Map<string, unknown>)
      : value instanceof Set
        ? [...(value as Set<unknown>)]
        : value,
  ) as string | undefined;
  return text ?? 'undefined';
};
