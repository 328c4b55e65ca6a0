// Every word of the space-time diagram, in English.

import { count } from '../format.ts';
import type { Wording } from '../language/word-table.ts';

export const english = {
  label: (lanes: number, messages: number) =>
    `Space-time diagram: ${count(lanes)} lanes, time downward, ${count(messages)} messages. Arrow keys step from event to event, page keys move, plus and minus zoom.`,
  scale: 'Rows by',
  scales: { order: 'order', time: 'time' },
  kinds: 'Messages',
  ranks: 'Lanes',
  fold: 'Fold',
  all: 'See all',
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  empty: 'Nothing happened that could be drawn.',
  differs: 'from here on the two differ',
  same: 'The two runs are the same.',
  omitted: (omitted: number) => `${count(omitted)} more events came after the limit and are not drawn.`,
  travel: 'Time travel',
  first: 'To the start',
  stepBack: 'One step back',
  back: 'One event back',
  forward: 'One event on',
  stepOn: 'One step on',
  last: 'To the end',
  moment: 'Moment',
  at: (seconds: string, place: number, of: number) => `${seconds} s, event ${count(place)} of ${count(of)}`,
  message: (kind: string, from: string, to: string) => `${kind} from ${from} to ${to}`,
  sentAt: (seconds: string) => `sent at ${seconds} s`,
  took: (ms: string) => `arrived ${ms} ms later`,
  missing: { arrived: 'arrived', lost: 'never arrived', 'under way': 'was on its way when the run ended' },
  cone: (past: number, future: number) =>
    `${count(past)} ${past === 1 ? 'message' : 'messages'} could have led to it, ${count(future)} could depend on it.`,
  hint: 'Point at a message to see what could have led to it and what could depend on it. Drag to move, scroll with Ctrl to zoom.',
  facts: 'What each lane says of itself then',
};

export type DiagramWords = Wording<typeof english>;
