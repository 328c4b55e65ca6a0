/** What a run's merged logs say, on logs short enough to read. Times are milliseconds; steps count updates. */
import { describe, expect, it } from 'vitest';
import {
  compareHashes,
  findAdmissions,
  findComplaints,
  findRecoveries,
  unexplainedRepeats,
} from '../../../src/cli/room/analysis.ts';
import type { IncarnationId, MemberId, SeatId, StateHash } from '../../../src/ports/ids.ts';
import type { TraceEvent, TraceRecord } from '../../../src/trace/events.ts';

const A = 'a'.repeat(32) as MemberId;
const B = 'b'.repeat(32) as MemberId;
const C = 'c'.repeat(32) as MemberId;
const D = 'd'.repeat(32) as MemberId;

const FIRST = `00000000-${'1'.repeat(32)}` as IncarnationId;
const SECOND = `00000001-${'2'.repeat(32)}` as IncarnationId;

const gen = (number: number, incarnation = FIRST) => ({ incarnation, number });
const hash = (text: string) => text.padEnd(32, '0') as StateHash;
const ballot = { round: 1, proposer: A };

/** Builds a log line by line, numbering each member's records. */
function logOf(
  ...lines: readonly (readonly [at: number, member: MemberId, event: TraceEvent])[]
): TraceRecord[] {
  const seq = new Map<MemberId, number>();
  return lines.map(([at, member, event]) => {
    const next = seq.get(member) ?? 0;
    seq.set(member, next + 1);
    return { member, seq: next, at, event };
  });
}

const installed = (number: number, members: readonly MemberId[], incarnation = FIRST): TraceEvent => ({
  kind: 'installed',
  generation: gen(number, incarnation),
  base: number === 0 ? undefined : gen(number - 1, incarnation),
  members,
  seats: members.map((member) => member as string as SeatId),
});
const contributed = (number: number, step: number, microBatches: readonly number[]): TraceEvent => ({
  kind: 'contributed',
  generation: gen(number),
  step,
  attempt: 0,
  microBatches,
});
const applied = (number: number, step: number): TraceEvent => ({
  kind: 'applied',
  generation: gen(number),
  step,
  hash: hash(`${step}`),
  counts: [1],
  loss: 1,
  correct: 1,
  samples: 1,
});
const committed = (number: number, step: number, text = `${step}`, incarnation = FIRST): TraceEvent => ({
  kind: 'committed',
  generation: gen(number, incarnation),
  step,
  hash: hash(text),
});
const suspected = (peer: MemberId, evidence: 'lock-released' | 'heartbeat' | 'goodbye'): TraceEvent => ({
  kind: 'suspected',
  peer,
  evidence,
});
const prepared = (number: number): TraceEvent => ({ kind: 'prepared', generation: gen(number), ballot });

/** Three ranks in generation 0; C dies at 1000 while step 5 is in the making. */
const before = [
  [1, A, installed(0, [A, B, C])],
  [1, B, installed(0, [A, B, C])],
  [1, C, installed(0, [A, B, C])],
  [990, A, committed(0, 5)],
  [990, B, committed(0, 5)],
  [995, A, contributed(0, 5, [0, 1, 2])],
  [995, B, contributed(0, 5, [3, 4, 5])],
  [995, C, contributed(0, 5, [6, 7])],
] as const;
const after = [
  [1030, B, suspected(C, 'lock-released')],
  [1042, A, suspected(C, 'lock-released')],
  [1045, A, prepared(0)],
  [1080, A, installed(1, [A, B])],
  [1095, B, installed(1, [A, B])],
  [1100, A, contributed(1, 5, [0, 1, 2, 3])],
  [1100, B, contributed(1, 5, [4, 5, 6, 7])],
  [1150, A, applied(1, 5)],
  [1150, B, applied(1, 5)],
  [1160, A, committed(1, 6)],
  [1160, B, committed(1, 6)],
] as const;
const killOfC = { cause: 'kill', at: 1000, members: [C] };

describe('a recovery', () => {
  it('is told from the first suspicion, the first proposal and the last installation', () => {
    const [recovery, ...more] = findRecoveries(logOf(...before, ...after), [killOfC]);
    expect(more).toEqual([]);
    expect(recovery).toEqual({
      cause: 'kill',
      evidence: 'lock-released',
      detectMs: 30,
      regroupMs: 50,
      lostSteps: 0,
      redoneMicroBatches: 8,
      generation: gen(1),
      lost: [C],
      committed: 5,
      firstInstalledAt: 1080,
      installedAt: 1095,
    });
  });

  it('counts only micro-batches that had been contributed before', () => {
    const idle = before.filter(([, member, event]) => event.kind !== 'contributed' || member === A);
    expect(findRecoveries(logOf(...idle, ...after), [killOfC])[0]?.redoneMicroBatches).toBe(3);
  });

  it('has lost the committed steps that were applied again', () => {
    const again = [
      [1120, A, applied(1, 3)],
      [1120, B, applied(1, 3)],
      [1130, A, applied(1, 4)],
    ] as const;
    expect(findRecoveries(logOf(...before, ...after, ...again), [killOfC])[0]?.lostSteps).toBe(2);
  });

  it('is charged with steps that a new incarnation takes again while a rank that had them lives', () => {
    const redo: TraceEvent = { ...applied(0, 3), generation: gen(0, SECOND) } as TraceEvent;
    const records = logOf(...before, ...after, [1300, B, redo], [1400, A, committed(1, 7)]);
    expect(findRecoveries(records, [killOfC])[0]?.lostSteps).toBe(1);
  });

  it('is not charged with steps whose outcome nobody had any more', () => {
    const redo: TraceEvent = { ...applied(0, 3), generation: gen(0, SECOND) } as TraceEvent;
    const records = logOf(...before, ...after, [1300, D, redo], [1400, D, committed(0, 4, '4', SECOND)]);
    expect(findRecoveries(records, [killOfC])[0]?.lostSteps).toBe(0);
    expect(unexplainedRepeats(records, findRecoveries(records, [killOfC]))).toBe(0);
  });

  it('is not charged with what a page that was frozen finishes late, in the generation that it knows', () => {
    const late = [1300, C, applied(0, 5)] as const;
    const records = logOf(...before, ...after, late, [1400, A, committed(1, 7)]);
    expect(findRecoveries(records, [{ ...killOfC, cause: 'freeze' }])[0]?.lostSteps).toBe(0);
    expect(unexplainedRepeats(records, [])).toBe(0);
  });

  it('that does not count is charged with nothing: its steps go to the one before, or stay unexplained', () => {
    const redo: TraceEvent = { ...applied(0, 3), generation: gen(0, SECOND) } as TraceEvent;
    const records = logOf(...before, ...after, [1300, B, redo], [1400, A, committed(1, 7)]);
    expect(findRecoveries(records, [killOfC], () => false)).toEqual([]);
    expect(unexplainedRepeats(records, [])).toBe(1);
  });

  it('is missing where steps are taken again out of the blue', () => {
    const redo: TraceEvent = { ...applied(0, 3), generation: gen(0, SECOND) } as TraceEvent;
    const records = logOf(...before, [1300, B, redo], [1400, A, committed(0, 6)]);
    expect(unexplainedRepeats(records, [])).toBe(1);
  });

  it('is not made of generations that only add members', () => {
    const records = logOf(...before, [1200, A, installed(1, [A, B, C, D])]);
    expect(findRecoveries(records, [killOfC])).toEqual([]);
  });

  it('is not made of a new incarnation, which succeeds nobody', () => {
    const records = logOf(...before, [1200, A, installed(0, [A], SECOND)]);
    expect(findRecoveries(records, [killOfC])).toEqual([]);
  });

  it('is unexplained where nothing was done to those who are gone', () => {
    const [recovery] = findRecoveries(logOf(...before, ...after), [{ ...killOfC, members: [B] }]);
    expect(recovery).toMatchObject({
      cause: 'unexplained',
      evidence: 'lock-released',
      detectMs: null,
      regroupMs: 50,
    });
  });

  it('says so where no log tells how it came about', () => {
    const silent = after.filter(([, , event]) => event.kind === 'installed');
    const [recovery] = findRecoveries(logOf(...before, ...silent), [killOfC]);
    expect(recovery).toMatchObject({ cause: 'kill', evidence: null, detectMs: null, regroupMs: null });
  });

  it('does not take an older suspicion of the same member for its own', () => {
    const records = logOf(...before, [500, A, suspected(C, 'heartbeat')], ...after);
    expect(findRecoveries(records, [killOfC])[0]).toMatchObject({ evidence: 'lock-released', detectMs: 30 });
  });

  it('of two that are lost together lasts until the second is missed', () => {
    const records = logOf(
      [1, A, installed(0, [A, B, C])],
      [1010, A, suspected(B, 'lock-released')],
      [1050, A, suspected(C, 'heartbeat')],
      [1020, A, prepared(0)],
      [1100, A, installed(1, [A])],
    );
    expect(findRecoveries(records, [{ cause: 'kill', at: 1000, members: [B, C] }])).toMatchObject([
      { evidence: 'lock-released', detectMs: 50, regroupMs: 80, lost: [B, C] },
    ]);
  });

  it('of a member that was taken back while it was still disturbed counts from there', () => {
    const records = logOf(
      ...before,
      ...after,
      [2000, A, installed(2, [A, B, C])],
      [2400, A, suspected(C, 'heartbeat')],
      [2410, A, prepared(2)],
      [2430, A, installed(3, [A, B])],
    );
    const found = findRecoveries(records, [{ ...killOfC, cause: 'cut' }]);
    expect(found).toMatchObject([
      { cause: 'cut', evidence: 'lock-released', detectMs: 30, regroupMs: 50 },
      { cause: 'cut', evidence: 'heartbeat', detectMs: 400, regroupMs: 20 },
    ]);
  });

  it('of two that are lost one after the other is two', () => {
    const records = logOf(
      ...before,
      ...after,
      [2010, A, suspected(B, 'goodbye')],
      [2020, A, prepared(1)],
      [2030, A, installed(2, [A])],
      [2040, A, contributed(2, 6, [0, 1, 2, 3, 4, 5, 6, 7])],
    );
    const found = findRecoveries(records, [killOfC, { cause: 'close', at: 2000, members: [B] }]);
    expect(
      found.map(({ cause, detectMs, regroupMs, redoneMicroBatches }) => [
        cause,
        detectMs,
        regroupMs,
        redoneMicroBatches,
      ]),
    ).toEqual([
      ['kill', 30, 50, 8],
      ['close', 10, 10, 0],
    ]);
  });
});

describe('parity', () => {
  it('holds where all who committed a step hold the same state', () => {
    const records = logOf([1, A, committed(0, 1)], [1, B, committed(0, 1)], [2, A, committed(0, 2)]);
    expect(compareHashes(records)).toEqual({ equal: true, compared: 1, conflict: undefined });
  });

  it('is broken by the first step at which two states differ', () => {
    const records = logOf(
      [1, A, committed(0, 1)],
      [1, B, committed(0, 1)],
      [2, A, committed(0, 2, 'e')],
      [2, B, committed(0, 2, 'f')],
      [3, A, committed(0, 3, 'e')],
      [3, B, committed(0, 3, 'f')],
    );
    expect(compareHashes(records)).toEqual({
      equal: false,
      compared: 3,
      conflict: { step: 2, hashes: [hash('e'), hash('f')] },
    });
  });

  it('is broken by one rank that commits a step twice with different states', () => {
    const records = logOf([1, A, committed(0, 1, 'e')], [2, A, committed(1, 1, 'f')]);
    expect(compareHashes(records).equal).toBe(false);
  });

  it('does not compare one incarnation with another', () => {
    const records = logOf([1, A, committed(0, 1, 'e')], [2, B, committed(0, 1, 'f', SECOND)]);
    expect(compareHashes(records)).toEqual({ equal: true, compared: 0, conflict: undefined });
  });
});

describe('an admission', () => {
  it('tells who healed the newcomer and when it first helped', () => {
    const records = logOf(
      ...before,
      [1200, A, installed(1, [A, B, C, D])],
      [1205, D, installed(1, [A, B, C, D])],
      [
        1220,
        D,
        { kind: 'healed', generation: gen(1), donor: A, step: 6, hash: hash('6'), by: 'state', bytes: 100 },
      ],
      [1230, D, contributed(1, 6, [])],
      [1240, D, contributed(1, 7, [6, 7])],
    );
    expect(findAdmissions(records, [D])).toEqual([
      {
        member: D,
        generation: gen(1),
        installedAt: 1200,
        healed: { donor: A, step: 6, by: 'state' },
        firstContribution: 7,
      },
    ]);
  });

  it('is missing for a member that never came in', () => {
    expect(findAdmissions(logOf(...before), [D])).toEqual([]);
  });
});

describe('complaints', () => {
  it('are the violations and stops that ranks logged, each sentence once', () => {
    const violated: TraceEvent = { kind: 'violated', invariant: 3, sentence: 'micro-batch 2 came twice.' };
    const records = logOf(
      [1, A, violated],
      [1, B, violated],
      [2, A, { kind: 'stopped', reason: 'non-finite', detail: 'the loss is not finite.' }],
      [2, B, { kind: 'stopped', reason: 'left', detail: 'asked to leave.' }],
    );
    expect(findComplaints(records)).toEqual([
      'Invariant 3 was violated: micro-batch 2 came twice.',
      'A rank stopped (non-finite): the loss is not finite.',
    ]);
  });
});
