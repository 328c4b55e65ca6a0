// The injector: hands faults to the ports, ends them in time, and leaves a pair of lines in the log for each.

import { describe, expect, test } from 'vitest';
import { FaultError } from '../../../src/faults/fault-error.ts';
import { createFaultInjector, parseFault } from '../../../src/faults/injector.ts';
import type { FaultPort, Injection } from '../../../src/faults/port.ts';
import type { Fault, FaultKind } from '../../../src/faults/vocabulary.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { virtualClock } from './virtual-clock.ts';

function recordingPort(...kinds: FaultKind[]) {
  const log: string[] = [];
  const injections: Injection[] = [];
  const port: FaultPort = {
    kinds,
    inject(injection, fault) {
      log.push(`inject ${injection.id} ${fault.kind}`);
      injections.push(injection);
    },
    heal: (id) => void log.push(`heal ${id}`),
  };
  return { log, injections, port };
}

function injector(...ports: FaultPort[]) {
  const clock = virtualClock();
  const trace: TraceEvent[] = [];
  const faults = createFaultInjector({
    ports,
    clock,
    resolvePeer: () => undefined,
    report: (event) => void trace.push(event),
  });
  return { clock, trace, faults };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the fault injector', () => {
  test('starts a fault in every port that takes its kind, lists it, and heals it', () => {
    const [checkpoints, ballots, loader] = [
      recordingPort('refuse-storage'),
      recordingPort('refuse-storage'),
      recordingPort('loader-hangs'),
    ];
    const { faults, trace } = injector(checkpoints.port, ballots.port, loader.port);
    const id = faults.inject({ kind: 'refuse-storage' });
    expect(faults.active()).toEqual([{ id, fault: { kind: 'refuse-storage' } }]);
    expect(faults.heal(id)).toBe(true);
    expect(faults.heal(id)).toBe(false);
    expect(faults.active()).toEqual([]);
    for (const { log } of [checkpoints, ballots])
      expect(log).toEqual([`inject ${id} refuse-storage`, `heal ${id}`]);
    expect(loader.log).toEqual([]);
    expect(trace).toEqual([
      { kind: 'faultInjected', fault: 'refuse-storage', detail: `${id}: {"kind":"refuse-storage"}` },
      { kind: 'faultHealed', fault: 'refuse-storage', detail: `${id}: by hand` },
    ]);
  });

  test('heals a timed fault when its time is over, and once', () => {
    const { port, log } = recordingPort('cut');
    const { faults, trace, clock } = injector(port);
    const id = faults.inject({ kind: 'cut', forMs: 100 });
    const other = faults.inject({ kind: 'cut', forMs: 100 });
    faults.heal(other);
    clock.pass(99);
    expect(faults.active()).toHaveLength(1);
    clock.pass(1);
    expect(faults.active()).toEqual([]);
    clock.pass(1000);
    expect(log.filter((line) => line === `heal ${id}`)).toHaveLength(1);
    expect(trace.at(-1)).toEqual({ kind: 'faultHealed', fault: 'cut', detail: `${id}: after 100 ms` });
    expect(trace).toHaveLength(4);
    expect(clock.timers).toBe(0);
  });

  test('heals a fault that has used itself up', () => {
    const { port, injections } = recordingPort('loader-throws');
    const { faults, trace } = injector(port);
    faults.inject({ kind: 'loader-throws', times: 1 });
    injections[0]?.ended();
    injections[0]?.ended();
    expect(faults.active()).toEqual([]);
    expect(trace.map((event) => event.kind)).toEqual(['faultInjected', 'faultHealed']);
  });

  test('heals all at once', () => {
    const { port, log } = recordingPort('cut', 'delay');
    const { faults } = injector(port);
    faults.inject({ kind: 'cut' });
    faults.inject({ kind: 'delay', ms: 5 });
    faults.healAll();
    expect(faults.active()).toEqual([]);
    expect(log.filter((line) => line.startsWith('heal'))).toHaveLength(2);
  });

  test('refuses what nothing here can act out, what is no fault, and what a port refuses; and then nothing has begun', () => {
    const refusing: FaultPort<'cut'> = {
      kinds: ['cut'],
      inject: () => {
        throw new FaultError('no-such-rank', 'no such rank');
      },
      heal: () => undefined,
    };
    const first = recordingPort('cut');
    const { faults, trace } = injector(first.port, refusing);
    expect(() => faults.inject({ kind: 'kill' })).toThrow('Fault "kill" cannot be injected into this rank');
    expect(() => faults.inject({ kind: 'melt' } as unknown as Fault)).toThrow(FaultError);
    expect(() => faults.inject({ kind: 'cut' })).toThrow('no such rank');
    expect(first.log).toEqual(['inject fault-1 cut', 'heal fault-1']);
    expect([faults.active(), trace]).toEqual([[], []]);
  });

  test('has a limit on how many are active', () => {
    const { faults } = injector(recordingPort('cut').port);
    for (let i = 0; i < 1000; i++) faults.inject({ kind: 'cut' });
    expect(() => faults.inject({ kind: 'cut' })).toThrow('Heal some first');
  });

  test('tells what came of a fault that takes its time, or heals it with the reason', async () => {
    const outcomes = [Promise.resolve('held'), Promise.reject(new Error('refused'))];
    const port: FaultPort<'exhaust-gpu'> = {
      kinds: ['exhaust-gpu'],
      inject: ({ working }) => {
        working(outcomes.shift() ?? Promise.resolve(''));
      },
      heal: () => undefined,
    };
    const { faults, trace } = injector(port);
    const good = faults.inject({ kind: 'exhaust-gpu' });
    const bad = faults.inject({ kind: 'exhaust-gpu' });
    await settle();
    expect(faults.active().map(({ id }) => id)).toEqual([good]);
    expect(trace.slice(2)).toEqual([
      { kind: 'engine', detail: `${good}: held` },
      { kind: 'faultHealed', fault: 'exhaust-gpu', detail: `${bad}: refused` },
    ]);
  });

  test('takes from outside only faults of the vocabulary', () => {
    expect(parseFault({ kind: 'freeze', forMs: 10 })).toEqual({ kind: 'freeze', forMs: 10 });
    for (const wrong of [
      undefined,
      'cut',
      {},
      { kind: 'cut', to: -1 },
      { kind: 'freeze' },
      { kind: 'cut', surprise: 1 },
    ]) {
      expect(() => parseFault(wrong)).toThrow(FaultError);
    }
  });
});
