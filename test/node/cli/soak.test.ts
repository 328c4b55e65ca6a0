import { describe, expect, it } from 'vitest';
import type { MemberId, StateHash } from '../../../src/ports/ids.ts';
import type { TraceEvent, TraceRecord } from '../../../src/trace/events.ts';
import { UsageError } from '../../../src/cli/errors.ts';
import type { Recovery } from '../../../src/cli/room/analysis.ts';
import {
  findFalseBlame,
  findFalseEvictions,
  findViolations,
  measureFaults,
  measureHeals,
} from '../../../src/cli/soak/measure.ts';
import { planSoak } from '../../../src/cli/soak/plan.ts';
import { compareTurns, followTurns, planTurns } from '../../../src/cli/soak/turns.ts';
import type { Throughput } from '../../../src/cli/soak/turns.ts';
import { findLeaks } from '../../../src/cli/soak/resources.ts';
import { judgeSoak, soakLines } from '../../../src/cli/soak/verdict.ts';
import type { SoakFacts } from '../../../src/cli/soak/verdict.ts';
import { ledgerOf } from '../../../src/trace/ledger.ts';

const A = 'a'.repeat(32) as MemberId;
const B = 'b'.repeat(32) as MemberId;
const C = 'c'.repeat(32) as MemberId;
const HASH = 'c'.repeat(32) as StateHash;
const generation = { incarnation: 'd'.repeat(32), number: 1 } as Recovery['generation'];

let seq = 0;
const record = (member: MemberId, at: number, event: TraceEvent): TraceRecord => ({
  member,
  seq: seq++,
  at,
  event,
});
const commits = (member: MemberId, at: number, step: number): TraceRecord =>
  record(member, at, { kind: 'committed', generation, step, hash: HASH });

describe('the invariants of a soak', () => {
  const differ: TraceEvent = {
    kind: 'violated',
    invariant: 1,
    sentence: 'Ranks contributed to step 7 from states that differ.',
  };
  const flip = (where: string): TraceEvent => ({
    kind: 'faultInjected',
    fault: 'flip-bit',
    detail: `fault-1: {"kind":"flip-bit","where":"${where}"}`,
  });
  const heal: TraceEvent = {
    kind: 'healed',
    generation,
    donor: B,
    step: 7,
    hash: HASH,
    by: 'state',
    bytes: 1,
  };
  const found = (...records: readonly TraceRecord[]): readonly string[] =>
    findViolations(records, []).map(({ sentence }) => sentence);

  it('may be broken by a bit flipped in a state, until that rank has healed', () => {
    const [strike, word] = [record(A, 10, flip('moments')), record(B, 20, differ)];
    expect(found(strike, word)).toEqual([]);
    expect(found(strike, record(A, 15, heal), word)).toEqual([differ.sentence]);
    expect(found(strike, record(B, 15, heal), word)).toEqual([]);
    expect(found(record(A, 10, flip('gradient')), word)).toEqual([differ.sentence]);
    expect(found(word)).toEqual([differ.sentence]);
  });

  it('hold where what is done about a goodbye bears the next millisecond', () => {
    const members = [A, B];
    const installed: TraceEvent = { kind: 'installed', generation, base: undefined, members, seats: [] };
    const goodbye = record(A, 20, { kind: 'linkDown', peer: B, evidence: 'goodbye' });
    const suspected = record(A, 21, { kind: 'suspected', peer: B, evidence: 'goodbye' });
    const later = record(A, 30, { kind: 'linkUp', peer: B });
    expect(found(record(A, 10, installed), goodbye, suspected, later)).toEqual([]);
    expect(found(record(A, 10, installed), goodbye, later)).toHaveLength(1);
  });
});

describe('the faults of a soak', () => {
  it('are timed from the strike to the first record that shows it, and from there to the next committed step', () => {
    const records = [
      commits(A, 1000, 10),
      record(A, 1130, { kind: 'suspected', peer: B, evidence: 'lock-released' }),
      commits(A, 1135, 10),
      commits(A, 1230, 11),
      commits(A, 5000, 50),
    ];
    const [row, ...rest] = measureFaults(records, [
      { cause: 'kill', at: 1100, members: [B] },
      { cause: 'delay', at: 2000, until: 3000, members: [B] },
    ]).toSorted((a, b) => b.kind.localeCompare(a.kind));
    expect(row).toEqual({
      kind: 'kill',
      count: 1,
      detectP50: 30,
      detectP99: 30,
      recoverP50: 100,
      recoverP99: 100,
      lostSteps: 0,
    });
    expect(rest).toMatchObject([{ kind: 'delay', count: 1, detectP50: null, recoverP99: null }]);
  });

  it('are not charged with what a later one shows', () => {
    const disturbances = [
      { cause: 'freeze', at: 1000, until: 1300, members: [B] },
      { cause: 'kill', at: 4000, members: [C] },
    ];
    const killed = [
      commits(A, 900, 9),
      record(B, 4030, { kind: 'suspected', peer: C, evidence: 'lock-released' }),
      record(B, 4035, { kind: 'aborted', generation, step: 10 }),
      commits(A, 4100, 11),
    ];
    const detect = (records: readonly TraceRecord[]): unknown =>
      measureFaults(records, disturbances).map(({ kind, detectP50 }) => [kind, detectP50]);
    expect(detect(killed)).toEqual([
      ['freeze', null],
      ['kill', 30],
    ]);
    // One that somebody else is missed in, whom nothing has struck since, is its own.
    const missed = record(A, 4500, { kind: 'suspected', peer: B, evidence: 'heartbeat' });
    expect(detect([...killed, missed, commits(A, 4600, 12)])).toEqual([
      ['freeze', 3500],
      ['kill', 30],
    ]);
  });

  it('take the nearest rank for a percentile', () => {
    const disturbances = Array.from({ length: 100 }, (_, i) => ({
      cause: 'kill',
      at: i * 100_000,
      members: [B],
    }));
    const records = disturbances.flatMap(({ at }, i) => [
      record(A, at + i + 1, { kind: 'suspected', peer: B, evidence: 'goodbye' }),
      commits(A, at + 1000, i + 1),
    ]);
    expect(measureFaults(records, disturbances)).toMatchObject([{ detectP50: 50, detectP99: 99 }]);
  });

  it('excuse an eviction only when they last as long as a second, or took the page away', () => {
    const recovery = {
      generation,
      evidence: 'heartbeat',
      lost: [B],
      firstInstalledAt: 5000,
      installedAt: 5010,
    } as unknown as Recovery;
    const evictions = (cause: string, lasts: number, members = [B]): number =>
      findFalseEvictions([recovery], [{ cause, at: 4000, until: 4000 + lasts, members }]).length;
    expect(evictions('freeze', 3000)).toBe(0);
    expect(evictions('freeze', 900)).toBe(1);
    expect(evictions('freeze', 3000, [A])).toBe(1);
    expect(evictions('delay', 3000)).toBe(1);
    expect(evictions('kill', 0)).toBe(0);
    expect(findFalseEvictions([recovery], [])).toHaveLength(1);
  });
});

describe('the samples that a room left out', () => {
  const quarantined = (member: MemberId, step: number, ...rows: readonly number[]): TraceRecord =>
    record(member, step * 10, { kind: 'quarantined', generation, step, rows });
  const records = [quarantined(A, 7, 3, 40), quarantined(B, 7, 3, 40), quarantined(B, 9, 5)];

  it('are each told of once, with the step, where no fault made a sample bad', () => {
    expect(findFalseBlame(records, [{ cause: 'lose-data', at: 10, members: [A] }])).toEqual([
      'Sample 3 was left out from step 7 on, although nothing had made it bad.',
      'Sample 40 was left out from step 7 on, although nothing had made it bad.',
      'Sample 5 was left out from step 9 on, although nothing had made it bad.',
    ]);
    expect(findFalseBlame(records, [{ cause: 'bad-sample', at: 10, members: [A] }])).toEqual([]);
  });
});

describe('the heals of a soak', () => {
  it('last from the moment that a rank is behind to the one when it has the state, and count only when they end so', () => {
    const phase = (member: MemberId, at: number, name: 'healing' | 'computing'): TraceRecord =>
      record(member, at, { kind: 'phase', phase: name });
    const healed = (member: MemberId, at: number): TraceRecord =>
      record(member, at, {
        kind: 'healed',
        generation,
        donor: A,
        step: 3,
        hash: HASH,
        by: 'state',
        bytes: 1,
      });
    const records = [
      phase(B, 100, 'healing'),
      phase(A, 150, 'healing'),
      phase(A, 180, 'computing'),
      healed(B, 300),
      phase(B, 310, 'computing'),
    ];
    expect(measureHeals(records)).toEqual({ count: 1, p50: 200, p99: 200 });
  });
});

describe('the turns of a soak that compares', () => {
  it('come round and round, each with room for two deaths', () => {
    const turns = planTurns(600_000, 30_000);
    expect(turns).toHaveLength(9);
    expect(turns.map(({ kind }) => kind).slice(0, 4)).toEqual([
      'undisturbed',
      'immediate',
      'silent',
      'undisturbed',
    ]);
    expect(turns.at(-1)?.until).toBeCloseTo(600_000);
  });

  it('see deaths with evidence in the one, silent ones in the other, and none in the first, the same for the same seed', () => {
    const turns = planTurns(180_000, 30_000);
    const run = (seed: number): readonly string[] => {
      const cursor = followTurns(turns, seed, 30_000);
      const seen: string[] = [];
      for (let ms = 0; ms < 180_000; ms += 50)
        for (const { fault, rank } of cursor.due({ ms, ranks: 4, step: 0 })) {
          const turn = turns.find(({ from, until }) => ms >= from && ms < until);
          seen.push(`${turn?.kind ?? 'none'}: ${fault.kind} of ${rank}`);
        }
      expect(cursor.pending).toBe(0);
      return seen;
    };
    expect(run(1).map((line) => line.split(' of ')[0])).toEqual([
      'immediate: kill',
      'immediate: close',
      'silent: freeze',
      'silent: freeze',
    ]);
    expect(run(1)).toEqual(run(1));
    expect([2, 3, 4, 5].map(run)).not.toEqual([run(1), run(1), run(1), run(1)]);
  });

  it('are told by the steps that were committed in each, and by what part that is of the undisturbed', () => {
    const turns = planTurns(3000, 500);
    // Ten steps in the first second, nine in the second, eight in the third.
    const records = [10, 9, 8].flatMap((steps, second) =>
      Array.from({ length: steps }, (_, i) =>
        commits(A, 5000 + second * 1000 + ((i + 1) * 1000) / steps, ([0, 10, 19][second] ?? 0) + i + 1),
      ),
    );
    expect(compareTurns(records, turns, 5000)).toEqual({
      undisturbed: { seconds: 1, steps: 10, perSecond: 10, ratio: 1 },
      immediate: { seconds: 1, steps: 9, perSecond: 9, ratio: 0.9 },
      silent: { seconds: 1, steps: 8, perSecond: 8, ratio: 0.8 },
    });
  });
});

describe('a leak', () => {
  const start = { tab: { connections: 3, channels: 9, buffers: 40 }, checkpoints: 1, pieces: 2 };
  it('is whatever a tab holds more of at the end, and checkpoints past what the job keeps', () => {
    expect(findLeaks(start, { ...start, checkpoints: 6, pieces: 12 }, 5)).toEqual([]);
    expect(findLeaks(start, { ...start, tab: { ...start.tab, channels: 10 } }, 5)).toHaveLength(1);
    expect(findLeaks(start, { ...start, checkpoints: 8, pieces: 20 }, 5)).toHaveLength(2);
  });
});

const throughput = (immediate: number, silent: number): Throughput => {
  const speed = { seconds: 60, steps: 600, perSecond: 10 };
  return {
    undisturbed: { ...speed, ratio: 1 },
    immediate: { ...speed, ratio: immediate },
    silent: { ...speed, ratio: silent },
  };
};

describe('the verdict of a soak', () => {
  const facts: SoakFacts = {
    minutes: 1,
    committedSteps: 300,
    faults: [],
    regroup: { count: 0, p50: null, p99: null },
    heal: { count: 0, p50: null, p99: null },
    everyMs: 10_000,
    throughput: undefined,
    ledger: ledgerOf([]),
    violations: [],
    falseEvictions: [],
    falseBlame: [],
    leaks: [],
    finalHash: HASH,
    referenceHash: HASH,
    failure: undefined,
  };
  it('is ok when nothing is wrong, and has exactly these fields', () => {
    const verdict = judgeSoak(facts);
    expect(verdict.failures).toEqual([]);
    expect(Object.keys(verdict.result)).toEqual(
      'minutes faults regroup heal committedSteps goodput violations falseEvictions leaks finalHash referenceHash ok'.split(
        ' ',
      ),
    );
    expect(soakLines(verdict).at(-1)).toMatch(/^OK/);
  });

  it('tells what was compared, and asks for no speed where deaths come more often than twice a minute', () => {
    const verdict = judgeSoak({ ...facts, throughput: throughput(0.5, 0.5) });
    expect(verdict.result).toMatchObject({ ok: true, throughput: { silent: { ratio: 0.5 } } });
    expect(soakLines(verdict).join('\n')).toContain('0.5 of undisturbed');
  });

  it.each([
    ['another hash', { referenceHash: 'e'.repeat(32) as StateHash }],
    ['no hash', { finalHash: undefined }],
    ['a violation', { violations: ['Invariant 1 was violated.'] }],
    ['a false eviction', { falseEvictions: ['Somebody was put out.'] }],
    ['a sample left out without cause', { falseBlame: ['Sample 3 was left out.'] }],
    ['a leak', { leaks: ['12 channels.'] }],
    ['an early end', { failure: 'Waited in vain.' }],
    ['deaths that cost too much', { everyMs: 30_000, throughput: throughput(0.94, 0.9) }],
    ['silent deaths that cost too much', { everyMs: 30_000, throughput: throughput(0.96, 0.79) }],
  ])('is not ok with %s', (_, change) => {
    const verdict = judgeSoak({ ...facts, ...change });
    expect(verdict.result.ok).toBe(false);
    expect(verdict.failures).toHaveLength(1);
  });
});

describe('the plan of a soak', () => {
  const options = { ranks: 4, minutes: 1, faultEvery: 10, seed: 1, engine: 'cpu' } as const;
  it('takes all kinds, some, or none, and names one that there is not', () => {
    expect(planSoak(options).kinds).toContain('kill');
    expect(planSoak({ ...options, faults: 'kill,freeze,kill' }).kinds).toEqual(['kill', 'freeze']);
    expect(planSoak({ ...options, faults: 'none' }).kinds).toEqual([]);
    expect(() => planSoak({ ...options, faults: 'kill,flood' })).toThrow(UsageError);
    expect(() => planSoak({ ...options, faults: 'kill,flood' })).toThrow('"flood"');
  });

  it('that compares has faults of its own, and time for one in each turn', () => {
    const compare = { ...options, compare: true } as const;
    expect(planSoak(compare)).toMatchObject({ kinds: [], turns: { length: 3 } });
    expect(() => planSoak({ ...compare, faults: 'kill' })).toThrow(UsageError);
    expect(() => planSoak({ ...compare, faultEvery: 30 })).toThrow('--minutes of 1.5');
    expect(planSoak({ ...compare, ranks: 3 }).turns).toHaveLength(3);
    expect(() => planSoak({ ...compare, ranks: 2 })).toThrow('expected --ranks of 3 or more, found 2');
  });
});
