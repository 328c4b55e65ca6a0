// The protocol's kinds of messages as diagrams show them: the same colour in each, one for what belongs together. A protocol of a
// reader's own has kinds of its own, which keep their names and are coloured in order.

import type { Message } from '../../protocol/messages.ts';

export type MessageKind = Message['kind'];

/** Numbers of `--kind-…` in diagram.css. */
const COLOURS: Readonly<Record<MessageKind, number>> = {
  // The all-reduce
  part: 0,
  resend: 0,
  // The vote, of which each part is to be told from the next
  prepare: 1,
  promise: 2,
  accept: 3,
  accepted: 4,
  reject: 4,
  // Where the members of a new generation stand
  standing: 5,
  target: 5,
  // Healing
  heal: 6,
  gradient: 6,
  state: 6,
  want: 6,
  piece: 6,
  learn: 6,
  lesson: 6,
  lessonOver: 6,
  // Coming, going, and what is told by the way
  join: 7,
  room: 7,
  refuse: 7,
  witness: 7,
  news: 7,
  seatHeld: 7,
  start: 7,
  beat: 7,
  relay: 7,
  recall: 7,
  flight: 7,
  copies: 7,
  holding: 7,
  colours: 7,
};

export const isMessageKind = (kind: string): kind is MessageKind => Object.hasOwn(COLOURS, kind);

/** Of a diagram's kinds, in the order of their names. Where one is not the protocol's, none is taken for it. */
export function coloursOf(kinds: readonly string[]): ReadonlyMap<string, number> {
  const ours = kinds.filter(isMessageKind);
  return ours.length === kinds.length
    ? new Map(ours.map((kind) => [kind, COLOURS[kind]]))
    : new Map(kinds.map((kind, place) => [kind, place]));
}
