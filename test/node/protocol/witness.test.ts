// The witness as a pure machine: it votes by the rules of every seat, is bound by its book, and does nothing else.

import { describe, expect, it } from 'vitest';
import { DEFAULT_JOB } from '../../../src/job/job.ts';
import type { IncarnationId, MemberId, SeatId } from '../../../src/ports/ids.ts';
import { electorate, memberSeats, type Generation } from '../../../src/protocol/generation.ts';
import type { Effect } from '../../../src/protocol/effects.ts';
import type { Message } from '../../../src/protocol/messages.ts';
import { RULES } from '../../../src/protocol/rules.ts';
import { createWitness, stepWitness, type WitnessState } from '../../../src/protocol/witness.ts';
import {
  emptyBook,
  MAX_RECORDS,
  recordIn,
  withRecord,
  type WitnessBook,
} from '../../../src/protocol/witness-book.ts';
import { emptyRecord } from '../../../src/protocol/votes.ts';

const member = (digit: string): MemberId => digit.repeat(32) as MemberId;
const seat = (digit: string): SeatId => digit.repeat(32) as SeatId;
const [A, B, W] = [member('a'), member('b'), member('f')];
const SEAT = seat('9');
const INCARNATION = `00000001-${A}` as IncarnationId;

const generation = (number: number, witness: 'with witness' | 'without' = 'with witness'): Generation => ({
  id: { incarnation: INCARNATION, number },
  members: [
    { member: A, seat: seat('1'), fingerprint: 'x' },
    { member: B, seat: seat('2'), fingerprint: 'x' },
  ],
  updateMode: 'native',
  exactness: { kind: 'exact' },
  floor: 0,
  running: true,
  ...(witness === 'without' ? {} : { witness: SEAT }),
});

const ballot = (round: number, proposer: MemberId) => ({ round, proposer });
const say = (state: WitnessState, from: MemberId, message: Message): Effect[] =>
  stepWitness(state, { kind: 'message', from, message }, 0);
const room = (base: Generation): Message => ({
  kind: 'room',
  generation: base,
  committed: 0,
  job: DEFAULT_JOB,
});
const prepare = (base: Generation, round: number, by: MemberId): Message => ({
  kind: 'prepare',
  generation: base.id,
  ballot: ballot(round, by),
});
const accept = (base: Generation, round: number, by: MemberId, value: Generation): Message => ({
  kind: 'accept',
  generation: base.id,
  ballot: ballot(round, by),
  value,
});

function met(book?: WitnessBook): WitnessState {
  const state = createWitness({ member: W, seat: SEAT }, book);
  for (const peer of [A, B]) stepWitness(state, { kind: 'linkUp', peer }, 0);
  return state;
}

/** What is stored before it is said. */
const stores = (effects: readonly Effect[]) => effects.filter((effect) => effect.kind === 'store');
const said = (effects: readonly Effect[]): Message[] => [
  ...stores(effects).flatMap(({ thenSend }) => thenSend.map(({ message }) => message)),
  ...effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : [])),
];

describe('a witness', () => {
  it('counts in the electorate and never among the members’ seats', () => {
    expect(electorate(generation(3))).toContain(SEAT);
    expect(memberSeats(generation(3))).not.toContain(SEAT);
    expect(electorate(generation(4, 'without'))).not.toContain(SEAT);
  });

  it('is given a vote where half of the ranks would be exactly half', () => {
    expect([1, 2, 3, 4].map(RULES.takesWitness)).toEqual([false, true, false, true]);
  });

  it('says whom it reaches, and stores a vote before it says it', () => {
    const state = createWitness({ member: W, seat: SEAT }, undefined);
    stepWitness(state, { kind: 'linkUp', peer: A }, 0);
    const offers = said(stepWitness(state, { kind: 'linkUp', peer: B }, 0));
    expect(offers).toMatchObject([
      { kind: 'witness', seat: SEAT, links: [A, B] },
      { kind: 'witness', seat: SEAT, links: [A, B] },
    ]);
    say(state, A, room(generation(3)));
    const [first, ...others] = say(state, A, prepare(generation(3), 1, A));
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      kind: 'store',
      record: { seat: SEAT, promised: ballot(1, A) },
      thenSend: [{ to: A, message: { kind: 'promise', seat: SEAT, joiners: [], links: [] } }],
    });
  });

  it('asks who prepares a generation that it has not heard of, and does not vote', () => {
    const state = met();
    const effects = say(state, A, prepare(generation(3), 1, A));
    expect(stores(effects)).toEqual([]);
    expect(said(effects)).toMatchObject([{ kind: 'witness', knows: undefined }]);
  });

  it('does not vote on a generation that gives it no vote', () => {
    const state = met();
    say(state, A, room(generation(4, 'without')));
    expect(say(state, A, prepare(generation(4, 'without'), 1, A))).toEqual([]);
  });

  it('keeps a promise, and tells the next proposer what it has accepted', () => {
    const state = met();
    const base = generation(3);
    say(state, A, room(base));
    say(state, A, prepare(base, 1, A));
    say(state, A, accept(base, 1, A, generation(4)));
    expect(said(say(state, B, prepare(base, 0, B)))).toMatchObject([
      { kind: 'reject', promised: ballot(1, A) },
    ]);
    expect(said(say(state, B, prepare(base, 2, B)))).toMatchObject([
      { kind: 'promise', accepted: { ballot: ballot(1, A), value: { id: { number: 4 } } } },
    ]);
  });

  it('comes back as another peer with the same ballots', () => {
    const state = met();
    const base = generation(3);
    say(state, A, room(base));
    say(state, A, accept(base, 2, A, generation(4)));
    const again = met(state.book);
    expect(said(say(again, B, prepare(base, 1, B)))).toMatchObject([
      { kind: 'reject', promised: ballot(2, A) },
    ]);
    expect(said(say(again, B, prepare(base, 3, B)))).toMatchObject([
      { kind: 'promise', accepted: { value: { id: { number: 4 } } } },
    ]);
  });

  it('does not go back to a generation after it has voted in a later one', () => {
    const state = met();
    say(state, A, room(generation(3)));
    say(state, A, prepare(generation(3), 1, A));
    say(state, A, room(generation(4)));
    say(state, A, prepare(generation(4), 1, A));
    say(state, B, room(generation(3)));
    expect(stores(say(state, B, prepare(generation(3), 9, B)))).toEqual([]);
  });

  it('neither proposes nor computes nor heals, whatever it is sent', () => {
    const state = met();
    const base = generation(3);
    say(state, A, room(base));
    const others: Message[] = [
      { kind: 'start', generation: base.id },
      { kind: 'heal', generation: base.id, have: undefined, piece: 0 },
      {
        kind: 'standing',
        generation: base.id,
        standing: undefined,
        best: undefined,
        paused: false,
        again: true,
      },
      { kind: 'seatHeld', generation: base.id, seat: SEAT },
    ];
    for (const message of others) expect(say(state, A, message)).toEqual([]);
  });
});

describe('the book of a witness', () => {
  const line = (n: number): IncarnationId => `${n.toString(16).padStart(8, '0')}-${A}` as IncarnationId;
  const record = (n: number) =>
    emptyRecord(SEAT, { ...generation(1), id: { incarnation: line(n), number: 1 } });
  const full = Array.from({ length: MAX_RECORDS }, (_, i) => record(i + 10)).reduce<WitnessBook>(
    (book, next) => withRecord(book, next) ?? book,
    emptyBook(SEAT),
  );

  it('is bounded, and what it no longer keeps is closed for good', () => {
    const next = withRecord(full, record(1000));
    expect(next?.records).toHaveLength(MAX_RECORDS);
    expect(next && recordIn(next, line(10))).toBeUndefined();
    expect(next && recordIn(next, line(9))).toBeUndefined();
    expect(next && withRecord(next, record(10))).toBeUndefined();
    expect(next && recordIn(next, line(2000))).toEqual(emptyRecord(SEAT, undefined));
  });

  it('takes no line that is older than all that it keeps', () => {
    expect(withRecord(full, record(1))).toBeUndefined();
  });
});
