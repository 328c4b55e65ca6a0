// What storage has confirmed to a page, so that nothing is said which is not durable: the design's invariant 6, seen from outside.

import { sameGeneration, type GenerationId } from '../ports/ids.ts';
import type { Ballot, TraceEvent } from '../trace/events.ts';
import type { Generation } from '../protocol/generation.ts';
import type { Message } from '../protocol/messages.ts';
import { compareBallots, type SeatRecord } from '../protocol/votes.ts';
import { recordIn, type WitnessBook } from '../protocol/witness-book.ts';
import { shortId } from '../trace/short-names.ts';

export interface Durability {
  /** The newest record of each seat that this page was told is stored. */
  readonly ballots: Map<string, SeatRecord>;
  /** The last ballot that each seat's votes were told of in the log. */
  readonly told: Map<string, Ballot>;
  readonly checkpoints: Set<string>;
}

export const createDurability = (): Durability => ({
  ballots: new Map(),
  told: new Map(),
  checkpoints: new Set(),
});

const nameOf = (generation: GenerationId): string => `${generation.incarnation}/${generation.number}`;

const isLost = (ballot: Ballot | undefined, kept: Ballot | undefined): boolean =>
  ballot !== undefined && (kept === undefined || compareBallots(kept, ballot) < 0);

/** What a seat had said and is no longer in what is kept of it. */
function lostOf(said: SeatRecord, kept: SeatRecord | undefined): 'promised' | 'accepted' | undefined {
  if (isLost(said.promised, kept?.promised)) return 'promised';
  return isLost(said.accepted?.ballot, kept?.accepted?.ballot) ? 'accepted' : undefined;
}

/** Storage has confirmed it. What is wrong with it: a seat takes nothing back that it has said on a generation's successor. */
export function ballotStored({ ballots }: Durability, record: SeatRecord): string | undefined {
  const { seat, base } = record;
  if (base === undefined) return undefined;
  const key = `${seat}/${nameOf(base.id)}`;
  const before = ballots.get(key);
  ballots.set(key, record);
  const lost = before && lostOf(before, record);
  return (
    lost && `Seat ${shortId(seat)} stored a vote without what it had ${lost} in generation ${base.id.number}.`
  );
}

/** What is wrong with an heir's record of a seat, where `stored` is what it found: by all of that it is bound. */
export function disinheritedVote(stored: SeatRecord, kept: SeatRecord | undefined): string | undefined {
  const { seat, base } = stored;
  if (base === undefined || kept === undefined) return undefined;
  if (kept.base === undefined || !sameGeneration(kept.base.id, base.id))
    return isAfter(kept.base, base)
      ? undefined
      : `Seat ${shortId(seat)} was taken over as if it had not voted in generation ${base.id.number}.`;
  const lost = lostOf(stored, kept);
  if (lost !== undefined)
    return `Seat ${shortId(seat)} was taken over without what it had ${lost} in generation ${base.id.number}.`;
  // What it accepts as an heir comes later.
  const [before, after] = [stored.accepted?.ballot, kept.accepted?.ballot];
  return before === undefined || after === undefined || compareBallots(before, after) === 0
    ? undefined
    : `Seat ${shortId(seat)} was taken over with another ballot than it had accepted in generation ${base.id.number}.`;
}

/** Only on a later generation of its line a seat votes anew: what it said before may have been written over. */
const isAfter = (kept: Generation | undefined, stored: Generation): boolean =>
  kept?.id.incarnation === stored.id.incarnation && kept.id.number > stored.id.number;

export function checkpointStored(
  { checkpoints }: Durability,
  place: { readonly generation: GenerationId; readonly step: number },
): void {
  checkpoints.add(`${nameOf(place.generation)}/${place.step}`);
}

/** The log tells of a vote. */
export function voteTold({ told }: Durability, event: TraceEvent): void {
  if (event.kind === 'promised' || event.kind === 'voted')
    told.set(`${event.kind}/${event.seat}/${nameOf(event.generation)}`, event.ballot);
}

/** What is wrong with saying this, if its sender's storage has not confirmed it, or its log does not tell of it. */
export function unstoredVote({ ballots, told }: Durability, message: Message): string | undefined {
  if (message.kind !== 'promise' && message.kind !== 'accepted') return undefined;
  const stored = ballots.get(`${message.seat}/${nameOf(message.generation)}`);
  const ballot = message.kind === 'promise' ? stored?.promised : stored?.accepted?.ballot;
  if (ballot === undefined || compareBallots(ballot, message.ballot) < 0)
    return `Seat ${shortId(message.seat)} sent a vote that was not stored.`;
  const kind = message.kind === 'promise' ? 'promised' : 'voted';
  const last = told.get(`${kind}/${message.seat}/${nameOf(message.generation)}`);
  if (last === undefined || compareBallots(last, message.ballot) < 0)
    return `Seat ${shortId(message.seat)} sent a vote of which its log does not tell.`;
  return undefined;
}

/** What is wrong with a witness that starts with `known`, where its file holds `stored`: by all of that it is bound. */
export function forgottenVote(stored: WitnessBook, known: WitnessBook): string | undefined {
  for (const record of stored.records) {
    const { base } = record;
    const lost = lostOf(record, base && recordIn(known, base.id.incarnation));
    if (lost !== undefined)
      return `The witness started again without what it had ${lost} in generation ${base?.id.number ?? '-'}.`;
  }
  return undefined;
}

export function unstoredCheckpoint({ checkpoints }: Durability, event: TraceEvent): string | undefined {
  if (event.kind !== 'checkpointed') return undefined;
  if (checkpoints.has(`${nameOf(event.generation)}/${event.step}`)) return undefined;
  return `A checkpoint of step ${event.step} was acknowledged before it was durable.`;
}
