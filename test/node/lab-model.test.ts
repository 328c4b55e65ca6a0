// What the lab makes of its ranks' words: one room, one log, one line for each regroup, one colour for each rank.

import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { FaultSchema } from '../../src/faults/vocabulary.ts';
import type { FaultKind } from '../../src/faults/vocabulary.ts';
import { DEFAULT_JOB, jobHash } from '../../src/job/job.ts';
import { createPlaces } from '../../src/lab/model/card-places.ts';
import { NO_CURVES, extendCurves } from '../../src/lab/model/curves.ts';
import { createEventBook } from '../../src/lab/model/event-book.ts';
import { createHashBook } from '../../src/lab/model/hash-book.ts';
import { createRankColours } from '../../src/lab/model/rank-colours.ts';
import { createRegroupBook } from '../../src/lab/model/regroups.ts';
import { drawRoom } from '../../src/lab/model/room-view.ts';
import type { LocalRank, RoomSources } from '../../src/lab/model/room-view.ts';
import { FIRST_DRAFT, buildFault } from '../../src/lab/view/fault-draft.ts';
import { words } from '../../src/lab/words.ts';
import type { MemberView, RankHandle, RankStatus } from '../../src/live/api.ts';
import type { GenerationId, IncarnationId, MemberId, SeatId, StateHash } from '../../src/ports/ids.ts';
import type { Phase, TraceEvent, TraceRecord } from '../../src/trace/events.ts';
import { keepLedger } from '../../src/trace/ledger.ts';

const member = (name: string): MemberId => name.padEnd(32, '0') as MemberId;
const [a, b, c] = [member('a'), member('b'), member('c')];
const incarnation = `00000000-${'1'.repeat(32)}` as IncarnationId;
const generation = (number: number): GenerationId => ({ incarnation, number });
const hash = (text: string): StateHash => text.padEnd(32, '0') as StateHash;
const NOW = 1_000_000;

let seq = 0;
const record = (by: MemberId, at: number, event: TraceEvent): TraceRecord => ({
  member: by,
  seq: seq++,
  at,
  event,
});

const view = (id: MemberId, rank: number, phase: Phase = 'computing'): MemberView => ({
  member: id,
  seat: id as string as SeatId,
  rank,
  self: false,
  phase,
  step: 10,
  silentMs: 40,
  suspected: false,
  hidden: false,
});

function local(id: MemberId, status: Partial<RankStatus> = {}, answeredAt = NOW): LocalRank {
  const whole: RankStatus = {
    member: id,
    seat: id as string as SeatId,
    room: 'KQWERT',
    phase: 'computing',
    engine: undefined,
    memory: undefined,
    preflight: undefined,
    path: 'KQWERT',
    pace: {
      heldUpMs: undefined,
      saveMs: undefined,
      mtbfMs: 3_600_000,
      failures: 0,
      automaticMs: undefined,
      intervalMs: undefined,
    },
    job: DEFAULT_JOB,
    jobHash: jobHash(DEFAULT_JOB),
    generation: generation(3),
    members: [view(a, 0), view(b, 1), view(c, 2)],
    colours: [],
    links: [],
    apart: [],
    carried: [],
    refusals: [],
    sent: { bytes: 0, saved: 0 },
    traffic: { sent: 0, received: 0, queued: 0 },
    ledger: keepLedger().ledger(),
    running: true,
    step: 10,
    committed: 10,
    stateHash: undefined,
    committedHash: undefined,
    exactness: { kind: 'exact' },
    resumedFromStep: undefined,
    evaluation: undefined,
    waitingFor: [],
    witness: undefined,
    incoming: undefined,
    stall: undefined,
    faults: [],
    problem: undefined,
    ...status,
  };
  return { member: id, handle: {} as RankHandle, status: whole, answeredAt };
}

const sources = (change: Partial<RoomSources>): RoomSources => ({
  locals: [],
  departures: [],
  opening: 0,
  now: NOW,
  job: DEFAULT_JOB,
  slot: () => 0,
  compare: () => new Map(),
  microBatches: () => undefined,
  ...change,
});

describe('the picture of a room', () => {
  it('shows every member in ring order, and knows its own', () => {
    const room = drawRoom(sources({ locals: [local(b), local(a)] }));
    expect(room.ranks.map((rank) => [rank.member, rank.rank, rank.local])).toEqual([
      [a, 0, true],
      [b, 1, true],
      [c, 2, false],
    ]);
    expect(room).toMatchObject({ state: 'training', members: 3, step: 10 });
  });

  it('tells which pairs are apart, and whether the ring goes round that', () => {
    const d = member('d');
    const members = [a, b, c, d].map((id, rank) => view(id, rank));
    const room = drawRoom(
      sources({
        locals: [
          local(a, {
            members,
            apart: [
              [a, c],
              [d, a],
              [c, member('f')],
            ],
          }),
        ],
      }),
    );
    expect(room.apart).toEqual([
      { ranks: [0, 2], carried: false },
      { ranks: [0, 3], carried: true },
    ]);
  });

  it('believes the rank that is in the newest generation', () => {
    const behind = local(a, { generation: generation(2), members: [view(a, 0)] });
    const ahead = local(b, { generation: generation(10), members: [view(b, 0), view(c, 1)] });
    const room = drawRoom(sources({ locals: [behind, ahead] }));
    expect(room.generation?.number).toBe(10);
    expect(room.ranks.map((rank) => rank.member)).toEqual([b, c, a]);
    expect(room.ranks[2]?.rank).toBeUndefined();
  });

  it('does not believe a rank that has fallen silent', () => {
    const frozen = local(a, { generation: generation(9), members: [view(a, 0)] }, NOW - 5000);
    const room = drawRoom(sources({ locals: [frozen, local(b)] }));
    expect(room.observer?.member).toBe(b);
    expect(room.ranks.find((rank) => rank.member === a)?.activity).toBe('silent');
  });

  it('shows a killed rank as gone, until its peers have gone on without it and a little longer', () => {
    const departure = { member: c, how: 'killed', at: NOW - 300, status: undefined } as const;
    const before = drawRoom(sources({ locals: [local(a)], departures: [departure] }));
    expect(before.ranks.map((rank) => rank.activity)).toEqual(['training', 'training', 'gone']);
    const survivors = local(a, { members: [view(a, 0), view(b, 1)] });
    const just = drawRoom(sources({ locals: [survivors], departures: [departure] }));
    expect(just.ranks.map((rank) => rank.activity)).toEqual(['training', 'training', 'gone']);
    const later = drawRoom(sources({ locals: [survivors], departures: [{ ...departure, at: NOW - 9000 }] }));
    expect(later.ranks).toHaveLength(2);
  });

  it('tells a room that waits to start from one that was paused', () => {
    const idle = { phase: 'idle', running: false } as const;
    expect(drawRoom(sources({ locals: [local(a, { ...idle, committed: 0 })] })).state).toBe('ready');
    expect(drawRoom(sources({ locals: [local(a, { ...idle, committed: 5 })] })).state).toBe('paused');
  });

  it('is empty without ranks, and opening while one comes up', () => {
    expect(drawRoom(sources({})).state).toBe('empty');
    expect(drawRoom(sources({ opening: 1 })).state).toBe('opening');
  });
});

describe('the comparison of hashes', () => {
  it('compares at the newest step that all have reported', () => {
    const book = createHashBook();
    for (const id of [a, b, c]) book.note(id, generation(1), 4, hash('44'));
    for (const id of [a, b]) book.note(id, generation(1), 5, hash('55'));
    expect(book.compare([a, b, c]).get(c)).toEqual({ kind: 'agrees', step: 4, hash: hash('44'), ranks: 3 });
    expect(book.compare([a, b]).get(a)).toEqual({ kind: 'agrees', step: 5, hash: hash('55'), ranks: 2 });
  });

  it('goes on without a rank that has nothing to say yet', () => {
    const book = createHashBook();
    for (const id of [a, b]) book.note(id, generation(1), 5, hash('55'));
    const compared = book.compare([a, b, c]);
    expect([compared.get(a)?.kind, compared.has(c)]).toEqual(['agrees', false]);
  });

  it('says so when two states differ', () => {
    const book = createHashBook();
    book.note(a, generation(1), 5, hash('55'));
    book.note(b, generation(1), 5, hash('56'));
    expect(book.compare([a, b]).get(b)?.kind).toBe('differs');
  });

  it('has nothing to say about a rank alone', () => {
    const book = createHashBook();
    book.note(a, generation(1), 5, hash('55'));
    expect(book.compare([a]).size).toBe(0);
  });
});

describe('the log of several ranks', () => {
  it('tells what several ranks saw once, and names them all', () => {
    const book = createEventBook();
    const event: TraceEvent = { kind: 'aborted', generation: generation(1), step: 5 };
    book.add([record(a, NOW, event), record(b, NOW + 20, event), record(a, NOW + 30, event)]);
    const entries = book.read(new Set(['membership']), undefined, 10);
    expect(entries.map((entry) => entry.reporters)).toEqual([[a], [a, b]]);
    expect(book.read(new Set(['membership']), b, 10)).toHaveLength(1);
  });

  it('keeps what happened to the membership through a flood of steps', () => {
    const book = createEventBook();
    book.add([record(a, NOW, { kind: 'suspected', peer: b, evidence: 'goodbye' })]);
    for (let step = 0; step < 5000; step++) {
      book.add([
        record(a, NOW + step, { kind: 'committed', generation: generation(1), step, hash: hash('1') }),
      ]);
    }
    expect(book.read(new Set(['membership', 'steps']), undefined, 10_000).length).toBeLessThan(1000);
    expect(book.read(new Set(['membership']), undefined, 10)).toHaveLength(1);
  });
});

describe('the generations', () => {
  it('tell who was lost, on what evidence, and how long each part took', () => {
    const book = createRegroupBook();
    const installed = (number: number, members: readonly MemberId[]): TraceEvent => ({
      kind: 'installed',
      generation: generation(number),
      base: number === 1 ? undefined : generation(number - 1),
      members,
      seats: [],
    });
    const applied: TraceEvent = {
      kind: 'applied',
      generation: generation(2),
      step: 7,
      hash: hash('1'),
      counts: [],
      loss: 1,
      correct: 0,
      samples: 1,
    };
    book.add([record(a, NOW, installed(1, [a, b, c]))]);
    book.removed(c, NOW + 1000);
    book.add([
      record(b, NOW + 1250, installed(2, [a, b])),
      record(b, NOW + 1060, { kind: 'suspected', peer: c, evidence: 'channel-closed' }),
      record(a, NOW + 1040, { kind: 'suspected', peer: c, evidence: 'lock-released' }),
      record(a, NOW + 1240, installed(2, [a, b])),
      record(a, NOW + 1400, applied),
    ]);
    expect(book.read()[0]).toMatchObject({
      number: 2,
      lost: [{ member: c, evidence: 'lock-released' }],
      joined: [],
      noticeMs: 40,
      regroupMs: 200,
      resumeMs: 160,
      step: 7,
    });
  });

  it('count neither the time in which nobody has started the room, nor what went before a rank was away', () => {
    const book = createRegroupBook();
    const installed = (number: number, base: number | undefined): TraceEvent => ({
      kind: 'installed',
      generation: generation(number),
      base: base === undefined ? undefined : generation(base),
      members: [a, b],
      seats: [],
    });
    const phase = (at: number, name: 'idle' | 'computing' | 'regrouping') =>
      record(a, NOW + at, { kind: 'phase', phase: name });
    const applied = (at: number, number: number): TraceRecord =>
      record(a, NOW + at, {
        kind: 'applied',
        generation: generation(number),
        step: number,
        hash: hash('1'),
        counts: [],
        loss: 1,
        correct: 0,
        samples: 1,
      });
    book.add([
      record(a, NOW, installed(1, undefined)),
      record(a, NOW + 10, {
        kind: 'prepared',
        generation: generation(1),
        ballot: { round: 1, proposer: a },
      }),
      record(a, NOW + 30, installed(2, 1)),
      phase(30, 'idle'),
      phase(40_000, 'computing'),
      applied(40_200, 2),
      // Frozen: the others went on in generation 3, and take it in again in generation 4.
      phase(60_000, 'regrouping'),
      record(a, NOW + 60_100, installed(4, undefined)),
      phase(60_120, 'computing'),
      applied(60_300, 4),
    ]);
    expect(book.read()).toMatchObject([
      { number: 4, regroupMs: undefined, resumeMs: 200 },
      { number: 2, regroupMs: 20, resumeMs: 200 },
      { number: 1 },
    ]);
  });

  it('know a newcomer as joined, though it cannot say what was before', () => {
    const book = createRegroupBook();
    const first: TraceEvent = {
      kind: 'installed',
      generation: generation(1),
      base: undefined,
      members: [a],
      seats: [],
    };
    const second = { kind: 'installed', generation: generation(2), members: [a, b], seats: [] } as const;
    book.add([
      record(a, NOW, first),
      record(b, NOW + 5, { ...second, base: undefined }),
      record(a, NOW + 9, { ...second, base: generation(1) }),
    ]);
    expect(book.read()[0]).toMatchObject({ joined: [b], lost: [] });
  });
});

describe('the curves', () => {
  const points = fc.array(
    fc.record({ step: fc.nat(50), loss: fc.double({ noNaN: true }), trainAccuracy: fc.constant(0) }),
  );

  it('have ascending steps and the latest word on each, however they are read', () => {
    fc.assert(
      fc.property(points, fc.nat(), (all, cut) => {
        const at = cut % (all.length + 1);
        const first = extendCurves(NO_CURVES, all.slice(0, at), [], at);
        const whole = extendCurves(first, all.slice(at), [], all.length);
        expect(whole.step).toEqual([...new Set(whole.step)].sort((x, y) => x - y));
        const last = all.at(-1);
        if (last !== undefined)
          expect([whole.step.at(-1), whole.loss.at(-1)]).toEqual([last.step, last.loss]);
        expect(whole).toEqual(extendCurves(NO_CURVES, all, [], all.length));
      }),
    );
  });
});

describe('the colours of ranks', () => {
  it('are those that the room tells, and stay in memory when the room has forgotten them', () => {
    const colours = createRankColours();
    colours.told([
      { member: a, slot: 4 },
      { member: b, slot: 0 },
    ]);
    colours.told([{ member: b, slot: 2 }]);
    expect([a, b, c].map(colours.known)).toEqual([4, 2, undefined]);
  });

  it('are, of a rank that is not in yet, one that nobody wears', () => {
    const colours = createRankColours();
    expect(colours.slot(c)).toBe(0);
    colours.told([
      { member: a, slot: 0 },
      { member: b, slot: 1 },
    ]);
    expect(colours.slot(c)).toBe(2);
  });
});

describe('the cards of ranks', () => {
  it('stay where they stand when the order of the ring changes, and newcomers come after them', () => {
    const inPlace = createPlaces();
    const cards = (...names: string[]) => inPlace(names.map((name) => ({ member: member(name) })));
    const names = (ranks: readonly { readonly member: MemberId }[]) => ranks.map((rank) => rank.member);
    expect(names(cards('a', 'b', 'c'))).toEqual(['a', 'b', 'c'].map(member));
    expect(names(cards('a', 'c', 'd', 'b'))).toEqual(['a', 'b', 'c', 'd'].map(member));
    expect(names(cards('a', 'c', 'd'))).toEqual(['a', 'c', 'd'].map(member));
    // Gone for good is gone: one that is seen again is new.
    expect(names(cards('b', 'd', 'a', 'c'))).toEqual(['a', 'c', 'd', 'b'].map(member));
  });
});

describe('the fault palette', () => {
  it('makes a valid fault of every kind', () => {
    for (const kind of Object.keys(words.faults) as FaultKind[]) {
      for (const draft of [FIRST_DRAFT, { ...FIRST_DRAFT, forMs: undefined, to: 2 }]) {
        expect(v.safeParse(FaultSchema, buildFault({ ...draft, kind })).issues).toBeUndefined();
      }
    }
  });
});
