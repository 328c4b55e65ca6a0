// A run of a user's protocol, drawn: a space-time diagram of its messages and of what mattered.

import { writeSpaceTime } from '../../trace/space-time.ts';
import type { GuestOutcome, GuestRunOptions } from './run.ts';
import type { GuestEvent } from './shape.ts';
import { eventInWords, inWords, strikeInWords } from './story.ts';

/** Listens to a run. */
export interface Drawing extends Required<Pick<GuestRunOptions, 'onRecord' | 'onStrike' | 'onMessage'>> {
  /** The SVG's text. */
  text(outcome: Pick<GuestOutcome, 'virtualMs' | 'reason'>): string;
}

/** What no arrow and no report says. */
const DRAWN: ReadonlySet<GuestEvent['kind']> = new Set(['start', 'linkDown', 'notStored']);

const nameOf = (node: number): string => `node ${node}`;

export function drawGuest(): Drawing {
  const diagram = writeSpaceTime();
  return {
    onRecord({ node, at, event, effects }) {
      if (DRAWN.has(event.kind)) diagram.note(nameOf(node), at, eventInWords(event));
      for (const effect of effects) {
        if (effect.kind === 'report') diagram.note(nameOf(node), at, effect.what);
        if (effect.kind === 'exit') diagram.note(nameOf(node), at, 'leaves for good');
      }
    },
    onStrike: (strike, at) => diagram.headline(at, strikeInWords(strike)),
    onMessage: (from, to, { text }, sentAt, now) =>
      diagram.message(nameOf(from), nameOf(to), inWords(JSON.parse(text)), sentAt, now),
    text({ virtualMs, reason }) {
      if (reason !== undefined) diagram.headline(virtualMs, reason);
      return diagram.text();
    },
  };
}
