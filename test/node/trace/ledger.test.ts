import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GenerationId, MemberId, StateHash } from '../../../src/ports/ids.ts';
import type { Phase, TraceEvent, TraceRecord } from '../../../src/trace/events.ts';
import { goodput, ledgerOf } from '../../../src/trace/ledger.ts';
import { drawExperiment } from '../../../src/simulator/draw-experiment.ts';
import { runExperiment } from '../../../src/simulator/swarm.ts';

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

  it('books the copy for a checkpoint that the update waited for, and none that it did not wait for', () => {
    const heldUp = (ms: number, step: number, by: number): TraceRecord =>
      at(ms, A, { kind: 'heldUp', step, ms: by });
    const ledger = ledgerOf([
      phase(0, A, 'computing'),
      phase(10, A, 'reducing'),
      contributed(10, A),
      committed(15, A),
      phase(15, A, 'applying'),
      heldUp(19, 3, 4),
      phase(22, A, 'computing'),
      // More than the phase has lasted: the copy began while nobody waited for it.
      heldUp(24, 4, 7),
      phase(30, A, 'reducing'),
      heldUp(33, 4, 3),
      contributed(33, A),
      committed(35, A),
    ]);
    expect(ledger).toEqual({
      ...nothing,
      compute: 10 + 3 + 6,
      checkpoint: 4 + 2,
      straggler: 3,
      exposedCommunication: 5 + 2,
    });
  });

  it('accounts for every millisecond of every rank, whatever the ranks say in whatever order', () => {
    const suspicion: TraceEvent = { kind: 'suspected', peer: B, evidence: 'heartbeat' };
    const event = fc.oneof(
      fc
        .constantFrom<Phase>(
          'starting',
          'joining',
          'regrouping',
          'healing',
          'idle',
          'computing',
          'reducing',
          'applying',
          'stuck',
          'done',
        )
        .map((name): TraceEvent => ({ kind: 'phase', phase: name })),
      fc.nat(50).map((ms): TraceEvent => ({ kind: 'heldUp', step: 3, ms })),
      fc.constantFrom<TraceEvent>(
        suspicion,
        { kind: 'aborted', generation, step: 3 },
        { kind: 'left', generation, why: 'evicted' },
        { kind: 'contributed', generation, step: 3, attempt: 0, microBatches: [] },
        { kind: 'committed', generation, step: 3, hash: 'e'.repeat(32) as StateHash },
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40), fc.constantFrom(A, B), event), { maxLength: 60 }), (log) => {
        let now = 0;
        const records = log.map(([ms, member, said]) => at((now += ms), member, said));
        const times = (member: MemberId): number[] =>
          records.filter((record) => record.member === member).map((record) => record.at);
        const wall = [A, B].map(times).reduce((sum, all) => sum + ((all.at(-1) ?? 0) - (all[0] ?? 0)), 0);
        const ledger = ledgerOf(records);
        const accounts = Object.values(ledger) as readonly number[];
        expect(accounts.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(wall, 6);
        expect(Math.min(...accounts)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('accounts for every millisecond of rooms that are struck', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const first = new Map<MemberId, number>();
      const last = new Map<MemberId, number>();
      const { ledger } = runExperiment(drawExperiment(seed), {
        watch: true,
        onRecord({ member, at }) {
          if (!first.has(member)) first.set(member, at);
          last.set(member, at);
        },
      });
      const wall = [...last].reduce((sum, [member, at]) => sum + at - (first.get(member) ?? at), 0);
      const booked = (Object.values(ledger) as readonly number[]).reduce((sum, ms) => sum + ms, 0);
      expect(booked, `seed ${seed}`).toBeCloseTo(wall, 1);
    }
  });

  it('books starting, and waiting to be taken in, as idle', () => {
    const log = [phase(0, A, 'starting'), phase(70, A, 'joining'), phase(100, A, 'idle')];
    expect(ledgerOf(log)).toEqual({ ...nothing, idle: 100 });
    expect(goodput(ledgerOf([]))).toBe(0);
  });
});
