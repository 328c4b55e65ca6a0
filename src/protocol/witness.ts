// A witness as a pure state machine: a voter with no micro-batches. It answers proposers by the rules of every seat, and does nothing
// else: it proposes nothing, computes nothing, holds no state of the training, and is in no generation's members.
//
// It hears of generations from their members, and votes only where one of them counts its seat in the electorate. What it has said
// outlives it in its book: a witness that comes back is a new peer with the same seat.

import type { GenerationId, IncarnationId, MemberId, SeatId } from '../ports/ids.ts';
import { sameGeneration } from '../ports/ids.ts';
import { accept, ballotsOn, castAccepted, castPromise, promise, rejection } from './acceptor.ts';
import type { Effect, Event } from './effects.ts';
import type { Generation } from './generation.ts';
import type { Message } from './messages.ts';
import { RULES, type Rules } from './rules.ts';
import type { SeatRecord } from './votes.ts';
import { emptyBook, recordIn, withRecord, type WitnessBook } from './witness-book.ts';

export interface WitnessConfig {
  /** New at every start, as a page's is at every load. */
  readonly member: MemberId;
  readonly seat: SeatId;
}

interface WitnessPeer {
  lastHeard: number;
  /** The newest generation that it has told of. */
  told: GenerationId | undefined;
}

export interface WitnessState {
  readonly self: WitnessConfig;
  book: WitnessBook;
  /** Of each incarnation that it has heard of lately, the newest generation. */
  readonly heard: Map<IncarnationId, Generation>;
  readonly peers: Map<MemberId, WitnessPeer>;
  /** As the room's job has them, once it is known: milliseconds. */
  heartbeatMs: number;
  suspicionMs: number;
  beating: boolean;
}

/** Incarnations whose newest generation is remembered; a room seldom has more than two at a time. */
const MAX_HEARD = 16;
/** Its heartbeats are as far apart as this many of a rank's: what hangs on it is a vote, and no step. */
const BEATS_APART = 3;

/** `stored` is what the seat's file holds; undefined: it has never voted. */
export const createWitness = (
  self: WitnessConfig,
  stored: WitnessBook | undefined,
  rules: Rules = RULES,
): WitnessState => ({
  self,
  book: rules.keptBallots(stored) ?? emptyBook(self.seat),
  heard: new Map(),
  peers: new Map(),
  heartbeatMs: 100,
  suspicionMs: 1500,
  beating: false,
});

/** As `stepRank`: feeds one event, and returns what the world has to do, in order. Events that only ranks have change nothing. */
export function stepWitness(state: WitnessState, event: Event, now: number, rules: Rules = RULES): Effect[] {
  switch (event.kind) {
    case 'linkUp':
      state.peers.set(event.peer, { lastHeard: now, told: undefined });
      // Every rank learns whom the witness reaches.
      return [...offers(state, now), ...beat(state)];
    case 'linkDown':
      state.peers.delete(event.peer);
      return [];
    case 'message':
      return onMessage(state, event.from, event.message, now, rules);
    case 'timer':
      state.beating = false;
      return state.peers.size === 0 ? [] : [...offers(state, now), ...beat(state)];
    case 'boot':
    case 'engineReady':
    case 'engineFailed':
    case 'garbled':
    case 'unsent':
    case 'visibility':
    case 'computed':
    case 'computeFailed':
    case 'applied':
    case 'copied':
    case 'exported':
    case 'imported':
    case 'importFailed':
    case 'restored':
    case 'seatAcquired':
    // An abstention: the record in memory stays ahead of the file, and binds.
    case 'seatNotStored':
    case 'checkpointed':
    case 'checkpointFailed':
    case 'command':
    case 'rollBack':
      return [];
  }
}

function onMessage(
  state: WitnessState,
  from: MemberId,
  message: Message,
  now: number,
  rules: Rules,
): Effect[] {
  const peer = state.peers.get(from);
  if (peer === undefined) return [];
  peer.lastHeard = now;
  switch (message.kind) {
    case 'room':
      peer.told = message.generation.id;
      state.heartbeatMs = message.job.policies.heartbeatMs;
      state.suspicionMs = message.job.policies.suspicionMs;
      hear(state, message.generation);
      return [];
    case 'prepare':
      return vote(
        state,
        from,
        message.generation,
        (base, record) => {
          const next = promise(rules, record, message.ballot);
          if (next === undefined) return rejected(from, base, record, message.ballot);
          const answer: Message = {
            kind: 'promise',
            generation: base.id,
            ballot: message.ballot,
            seat: state.self.seat,
            accepted: next.accepted,
            links: [],
            vouched: 0,
            leaving: true,
            joiners: [],
            suspects: [],
          };
          return store(state, next, () =>
            castPromise(rules, base, next, message.ballot, { to: from, message: answer }),
          );
        },
        now,
      );
    case 'accept':
      return vote(
        state,
        from,
        message.generation,
        (base, record) => {
          const next = accept(rules, record, message.ballot, message.value);
          if (next === undefined) return rejected(from, base, record, message.ballot);
          const answer: Message = {
            kind: 'accepted',
            generation: base.id,
            ballot: message.ballot,
            seat: state.self.seat,
          };
          return store(state, next, () =>
            castAccepted(rules, base, next, message.ballot, message.value, { to: from, message: answer }),
          );
        },
        now,
      );
    // Nothing else is for a witness, and nothing else moves it.
    case 'beat':
    case 'join':
    case 'witness':
    case 'recall':
    case 'flight':
    case 'colours':
    case 'copies':
    case 'holding':
    case 'learn':
    case 'lesson':
    case 'lessonOver':
    case 'piece':
    case 'want':
    case 'refuse':
    case 'promise':
    case 'reject':
    case 'accepted':
    case 'news':
    case 'seatHeld':
    case 'standing':
    case 'target':
    case 'part':
    case 'resend':
    case 'heal':
    case 'gradient':
    case 'state':
    case 'start':
    case 'relay':
      return [];
  }
}

/** Remembers a generation that is newer than what was heard of its line. */
function hear(state: WitnessState, generation: Generation): void {
  const { incarnation, number } = generation.id;
  const known = state.heard.get(incarnation);
  if (known !== undefined && known.id.number >= number) return;
  state.heard.delete(incarnation);
  state.heard.set(incarnation, generation);
  for (const oldest of [...state.heard.keys()].slice(0, -MAX_HEARD)) state.heard.delete(oldest);
}

/** Answers on the successor of this generation, if the seat has a vote there. */
function vote(
  state: WitnessState,
  from: MemberId,
  id: GenerationId,
  answer: (base: Generation, record: SeatRecord) => Effect[],
  now: number,
): Effect[] {
  const record = recordIn(state.book, id.incarnation);
  // Of generations that are over it knows the one that it has voted in: a proposer that comes late learns what was accepted.
  const base = [record?.base, state.heard.get(id.incarnation)].find(
    (known) => known !== undefined && sameGeneration(known.id, id),
  );
  // It has not heard of it: the proposer sees so, tells, and asks again.
  if (base === undefined) return [offerTo(state, from, now)];
  if (record === undefined || base.witness !== state.self.seat) return [];
  const ballots = ballotsOn(base, record);
  return ballots === undefined ? [] : answer(base, ballots);
}

/** A vote binds from the moment at which it is given, whether or not it is stored; said it is only once it is. */
function store(state: WitnessState, record: SeatRecord, cast: () => readonly Effect[]): Effect[] {
  const book = withRecord(state.book, record);
  if (book === undefined) return [];
  state.book = book;
  return [...cast()];
}

const rejected = (
  to: MemberId,
  base: Generation,
  record: SeatRecord,
  ballot: Parameters<typeof rejection>[2],
): Effect[] => rejection(base, record, ballot).map((message) => ({ kind: 'send', to, message }));

function offerTo(state: WitnessState, to: MemberId, now: number): Effect {
  const links = [...state.peers]
    .filter(([, peer]) => now - peer.lastHeard <= state.suspicionMs)
    .map(([member]) => member);
  const knows = state.peers.get(to)?.told;
  return { kind: 'send', to, message: { kind: 'witness', seat: state.self.seat, knows, links } };
}

const offers = (state: WitnessState, now: number): Effect[] =>
  [...state.peers.keys()].map((member) => offerTo(state, member, now));

function beat(state: WitnessState): Effect[] {
  if (state.beating) return [];
  state.beating = true;
  return [{ kind: 'setTimer', name: 'beat', ms: BEATS_APART * state.heartbeatMs }];
}

/** A copy that shares what is never changed in place. */
export const cloneWitness = (state: WitnessState): WitnessState => ({
  ...state,
  heard: new Map(state.heard),
  peers: new Map([...state.peers].map(([member, peer]) => [member, { ...peer }])),
});
