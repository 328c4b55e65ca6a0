// The loader that does not give in: tries again with less time each, then one sample at a time, and names what is bad.

import { describe, expect, test } from 'vitest';
import { faultyLoader } from '../../../src/faults/loader.ts';
import type { Fault } from '../../../src/faults/vocabulary.ts';
import { DEFAULT_RECOVERY } from '../../../src/job/recovery-schema.ts';
import { guardedLoader } from '../../../src/live/guarded-loader.ts';
import type { Loader } from '../../../src/ports/loader.ts';
import { injectInto } from '../faults/inject-into.ts';
import { smallLoader } from './small-job.ts';
import { createVirtualClock } from './virtual-clock.ts';

const ROWS = Int32Array.of(5, 9, 2, 7);

/** `takesMs`: what a load takes, one that fails as well. */
function guarded(takesMs = 0) {
  const clock = createVirtualClock();
  const calls: number[][] = [];
  const watched: Loader = {
    ...smallLoader,
    load(split, rows) {
      calls.push([...rows]);
      return smallLoader.load(split, rows);
    },
  };
  const faulty = faultyLoader(watched);
  const notes: string[] = [];
  const slow: Loader = {
    ...faulty.loader,
    async load(split, rows) {
      if (takesMs > 0) await new Promise<void>((resolve) => void clock.after(takesMs, resolve));
      return await faulty.loader.load(split, rows);
    },
  };
  const loader = guardedLoader({
    loader: slow,
    recovery: DEFAULT_RECOVERY,
    clock,
    note: (detail) => void notes.push(detail),
  });
  /** Loads while the clock goes on. */
  const load = async (rows = ROWS, split: 'train' | 'test' = 'train') => {
    const loading = Promise.allSettled([loader.load(split, rows)]);
    let settled = false;
    void loading.then(() => (settled = true));
    const began = clock.now();
    // A timer of its own, so that there is always something to wait for.
    const tick = (): void => void clock.after(10, tick);
    tick();
    await clock.until('the load is over', () => settled);
    const [outcome] = await loading;
    return { outcome, ms: clock.now() - began };
  };
  return {
    clock,
    calls,
    notes,
    load,
    loader,
    inject: (fault: Fault) => injectInto(faulty.faults, fault as never),
  };
}

describe('a guarded loader', () => {
  test('tries a failed load again, with a pause, and nobody hears of it', async () => {
    for (const fault of [
      { kind: 'loader-throws', times: 2 },
      { kind: 'loader-garbles', how: 'short', times: 2 },
    ] as const) {
      const { load, inject, notes, calls } = guarded();
      inject(fault);
      const { outcome, ms } = await load();
      expect(outcome).toEqual({ status: 'fulfilled', value: await smallLoader.load('train', ROWS) });
      expect(ms).toBeGreaterThanOrEqual(20 + 40);
      expect(ms).toBeLessThan(200);
      expect(notes).toEqual([]);
      expect(calls.every((rows) => rows.length === ROWS.length)).toBe(true);
    }
  });

  test('gives a load that hangs less time once it has seen what loads take, though never less than half', async () => {
    const { load, inject, clock } = guarded();
    for (let i = 0; i < 20; i++) await load();
    const hang = inject({ kind: 'loader-hangs' });
    clock.after(1200, () => {
      hang.heal();
    });
    const { outcome, ms } = await load();
    expect(outcome).toMatchObject({ status: 'fulfilled' });
    expect(ms).toBeGreaterThanOrEqual(1000 + 20);
    expect(ms).toBeLessThan(1500);
  });

  test('gives a load that hangs half the time at each try, and gives up within the time of two', async () => {
    const { load, inject } = guarded();
    inject({ kind: 'loader-hangs' });
    const { outcome, ms } = await load();
    expect(outcome.status).toBe('rejected');
    expect(ms).toBeGreaterThanOrEqual(2000 + 1000 + 500);
    expect(ms).toBeLessThan(2 * 2000 + 2500);
  });

  test('falls back to the safe loader, one sample at a time, and comes back to the usual one', async () => {
    const { load, inject, notes, calls } = guarded();
    inject({ kind: 'loader-throws', times: 4 });
    const { outcome } = await load();
    expect(outcome).toEqual({ status: 'fulfilled', value: await smallLoader.load('train', ROWS) });
    expect(notes).toEqual([expect.stringContaining('The safe loader takes over')]);
    for (let i = 0; i < 31; i++) await load();
    expect(notes).toHaveLength(2);
    expect(calls.slice(1).every((rows) => rows.length === 1)).toBe(true);
    calls.length = 0;
    await load();
    expect(calls).toEqual([[...ROWS]]);
  });

  test('names the sample that is bad, and brings the others', async () => {
    const { load, inject, notes } = guarded();
    inject({ kind: 'bad-sample', row: 2 });
    const { outcome } = await load();
    const whole = await smallLoader.load('train', ROWS);
    if (outcome.status !== 'fulfilled') throw new Error('it loads');
    const { inputs, labels, bad } = outcome.value;
    expect(bad).toBe(2);
    expect([...labels]).toEqual([...whole.labels].map((label, i) => (i === 2 ? -1 : label)));
    expect([...inputs]).toEqual([...whole.inputs].map((input, i) => (i >= 8 && i < 12 ? 0 : input)));
    expect(notes).toContainEqual(expect.stringMatching(/^Sample 2 is bad/));
    // The only one that is asked for: another is loaded to tell the sample from the loader.
    expect((await load(Int32Array.of(2))).outcome).toMatchObject({ status: 'fulfilled', value: { bad: 2 } });
  });

  test('names none where nothing loads: then it is the loader that is bad', async () => {
    const { load, inject } = guarded();
    const failing = inject({ kind: 'loader-throws' });
    for (const rows of [ROWS, Int32Array.of(2)])
      expect((await load(rows)).outcome).toMatchObject({ status: 'rejected' });
    failing.heal();
    expect((await load()).outcome).toEqual({
      status: 'fulfilled',
      value: await smallLoader.load('train', ROWS),
    });
  });

  test('names none when all fails for a while, whenever it begins and ends', async () => {
    const whole = await smallLoader.load('train', ROWS);
    for (let from = 0; from <= 60; from += 15) {
      for (let ms = 20; ms <= 700; ms += 7) {
        const { load, inject, clock, notes } = guarded(10);
        // In safe mode already, as after an earlier failure.
        inject({ kind: 'loader-throws', times: 3 });
        await load();
        clock.after(from, () => {
          const failing = inject({ kind: 'loader-throws' });
          clock.after(ms, () => {
            failing.heal();
          });
        });
        const { outcome } = await load();
        expect(notes.filter((note) => note.includes('is bad'))).toEqual([]);
        if (outcome.status === 'fulfilled') expect(outcome.value).toEqual(whole);
      }
    }
  });

  test('takes what was read ahead, if that is what is asked for, and reads nothing ahead while it is safe', async () => {
    const { load, loader, inject, calls } = guarded();
    loader.expect?.('train', ROWS);
    expect(calls).toEqual([[...ROWS]]);
    expect((await load()).outcome).toMatchObject({ status: 'fulfilled' });
    expect(calls).toHaveLength(1);
    loader.expect?.('train', ROWS);
    expect((await load(Int32Array.of(1, 2))).outcome).toEqual({
      status: 'fulfilled',
      value: await smallLoader.load('train', Int32Array.of(1, 2)),
    });
    inject({ kind: 'loader-throws', times: 4 });
    await load();
    calls.length = 0;
    loader.expect?.('train', ROWS);
    expect(calls).toEqual([]);
  });
});
