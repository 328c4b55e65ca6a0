import { describe, expect, it } from 'vitest';
import type { GenerationId, MemberId, StateHash } from '../../../src/ports/ids.ts';
import type { Phase, TraceEvent, TraceRecord } from '../../../src/trace/events.ts';
import { goodput, ledgerOf } from '../../../src/trace/ledger.ts';

const [A, B] = ['a', 'b'].map((digit) => digit.repeat(32) as MemberId) as [MemberId, MemberId];
const generation = { incarnation: 'd'.repeat(32), number: 1 } as GenerationId;
const at = (ms: number, member: MemberId, event: TraceEvent): TraceRecord => ({
  member,
  seq: ms,
  at: ms,
  event,
});
const phase = (ms: number, member: MemberId, name: Phase): TraceRecord =>
  at(ms, member, { kind: 'phase', phase: name });
const contributed = (ms: number, member: MemberId): TraceRecord =>
  at(ms, member, { kind: 'contributed', generation, step: 3, attempt: 0, microBatches: [] });
const committed = (ms: number, member: MemberId): TraceRecord =>
  at(ms, member, { kind: 'committed', generation, step: 3, hash: 'e'.repeat(32) as StateHash });

const nothing = {
  compute: 0,
  exposedCommunication: 0,
  straggler: 0,
  detect: 0,
  abort: 0,
  regroup: 0,
  heal: 0,
  redo: 0,
  checkpoint: 0,
  idle: 0,
};

describe('the ledger', () => {
  it('parts an all-reduce into the wait for the slowest rank and the communication after it', () => {
    const ledger = ledgerOf([
      phase(0, A, 'computing'),
      phase(0, B, 'computing'),
      phase(10, A, 'reducing'),
      contributed(10, A),
      phase(40, B, 'reducing'),
      contributed(40, B),
      committed(45, A),
      committed(46, B),
    ]);
    expect(ledger).toEqual({ ...nothing, compute: 50, straggler: 30, exposedCommunication: 5 + 6 });
    expect(goodput(ledger)).toBeCloseTo(50 / 91, 3);
  });

  it('parts an all-reduce that was aborted into detection and abortion, and counts its computing as done again', () => {
    const records = [
      phase(0, A, 'computing'),
      phase(20, A, 'reducing'),
      contributed(20, A),
      at(120, A, { kind: 'suspected', peer: B, evidence: 'heartbeat' }),
      at(130, A, { kind: 'aborted', generation, step: 3 }),
      phase(130, A, 'regrouping'),
      phase(180, A, 'healing'),
      phase(200, A, 'idle'),
      at(1200, A, { kind: 'seatAcquired', seat: '0'.repeat(32) as never }),
    ];
    expect(ledgerOf(records)).toEqual({
      ...nothing,
      redo: 20,
      detect: 100,
      abort: 10,
      regroup: 50,
      heal: 20,
      idle: 1000,
    });
  });

  it('books starting, and waiting to be taken in, as idle', () => {
    const log = [phase(0, A, 'starting'), phase(70, A, 'joining'), phase(100, A, 'idle')];
    expect(ledgerOf(log)).toEqual({ ...nothing, idle: 100 });
    expect(goodput(ledgerOf([]))).toBe(0);
  });
});
