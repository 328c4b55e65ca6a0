import { describe, expect, it } from 'vitest';
import type { MemberId, StateHash } from '../../../src/ports/ids.ts';
import type { TraceEvent, TraceRecord } from '../../../src/trace/events.ts';
import { UsageError } from '../../../src/cli/errors.ts';
import type { Recovery } from '../../../src/cli/room/analysis.ts';
import { findFalseEvictions, measureFaults } from '../../../src/cli/soak/measure.ts';
import { planSoak } from '../../../src/cli/soak/plan.ts';
import { findLeaks } from '../../../src/cli/soak/resources.ts';
import { judgeSoak, soakLines } from '../../../src/cli/soak/verdict.ts';
import type { SoakFacts } from '../../../src/cli/soak/verdict.ts';
import { ledgerOf } from '../../../src/trace/ledger.ts';

const A = 'a'.repeat(32) as MemberId;
const B = 'b'.repeat(32) as MemberId;
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

describe('a leak', () => {
  const start = { tab: { connections: 3, channels: 9, buffers: 40 }, checkpoints: 1, pieces: 2 };
  it('is whatever a tab holds more of at the end, and checkpoints past what the job keeps', () => {
    expect(findLeaks(start, { ...start, checkpoints: 6, pieces: 12 }, 5)).toEqual([]);
    expect(findLeaks(start, { ...start, tab: { ...start.tab, channels: 10 } }, 5)).toHaveLength(1);
    expect(findLeaks(start, { ...start, checkpoints: 8, pieces: 20 }, 5)).toHaveLength(2);
  });
});

describe('the verdict of a soak', () => {
  const facts: SoakFacts = {
    minutes: 1,
    committedSteps: 300,
    faults: [],
    ledger: ledgerOf([]),
    violations: [],
    falseEvictions: [],
    leaks: [],
    finalHash: HASH,
    referenceHash: HASH,
    failure: undefined,
  };
  it('is ok when nothing is wrong, and has exactly these fields', () => {
    const verdict = judgeSoak(facts);
    expect(verdict.failures).toEqual([]);
    expect(Object.keys(verdict.result)).toEqual(
      'minutes faults committedSteps goodput violations falseEvictions leaks finalHash referenceHash ok'.split(
        ' ',
      ),
    );
    expect(soakLines(verdict).at(-1)).toMatch(/^OK/);
  });

  it.each([
    ['another hash', { referenceHash: 'e'.repeat(32) as StateHash }],
    ['no hash', { finalHash: undefined }],
    ['a violation', { violations: ['Invariant 1 was violated.'] }],
    ['a false eviction', { falseEvictions: ['Somebody was put out.'] }],
    ['a leak', { leaks: ['12 channels.'] }],
    ['an early end', { failure: 'Waited in vain.' }],
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
});
