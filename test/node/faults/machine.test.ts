// Faults of the machine and of the page around a rank: busy threads, taken memory, turns once a second, clocks, data that is gone.

import { describe, expect, test } from 'vitest';
import { faultyClock } from '../../../src/faults/clock.ts';
import { LONGEST_HOLD_MS } from '../../../src/faults/consent.ts';
import { losableData } from '../../../src/faults/data-asset.ts';
import { HOG_BUSY_MS, HOG_TURN_MS, machineFaults } from '../../../src/faults/machine.ts';
import { faultyPagePort } from '../../../src/faults/page-turns.ts';
import type { Turns } from '../../../src/faults/page-turns.ts';
import { LoaderError } from '../../../src/ports/loader.ts';
import { smallLoader } from '../live/small-job.ts';
import { injectInto } from './inject-into.ts';
import { virtualClock } from './virtual-clock.ts';

const MIB = 1024 * 1024;
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function machine(agrees = true, room = Infinity) {
  const clock = virtualClock();
  const burnt: number[] = [];
  const page: boolean[] = [];
  const asked: string[] = [];
  const stored = new Map<string, number>();
  const port = machineFaults({
    consent: (what) => {
      asked.push(what);
      return Promise.resolve(agrees);
    },
    clock,
    busy: (ms) => void burnt.push(ms),
    hogPage: (on) => void page.push(on),
    ballast: {
      store(id, bytes) {
        const all = [...stored.values()].reduce((sum, each) => sum + each, bytes);
        if (all > room) return Promise.reject(new Error('full'));
        stored.set(id, (stored.get(id) ?? 0) + bytes);
        return Promise.resolve();
      },
      release(id) {
        stored.delete(id);
        return Promise.resolve();
      },
    },
    budget: { maxBytes: 64 * MIB, maxMs: 1000 },
  });
  return { clock, burnt, page, asked, stored, port };
}

describe('a machine that is really short of something', () => {
  test('is asked first, and nothing happens without consent', async () => {
    const { port, burnt, page, asked } = machine(false);
    for (const fault of [
      { kind: 'hog-cpu', where: 'worker', forMs: 1000 },
      { kind: 'hog-cpu', where: 'page', forMs: 1000 },
      { kind: 'grow-memory' },
      { kind: 'fill-storage' },
    ] as const)
      await expect(injectInto(port, fault).outcomes[0]).rejects.toMatchObject({ refusal: 'no-consent' });
    expect([burnt, page]).toEqual([[], []]);
    expect(asked).toEqual(['cpu', 'cpu', 'memory', 'storage']);
  });

  test('has its storage filled to the last checkpoint’s worth, within the budget, until it is healed or a minute is over', async () => {
    const room = 20 * MIB + 4096;
    const { port, stored, clock } = machine(true, room);
    const full = injectInto(port, { kind: 'fill-storage' });
    expect(await full.outcomes[0]).toMatch(/of storage held, and more was refused$/);
    const [held = 0] = stored.values();
    expect(held).toBeLessThanOrEqual(room);
    expect(held).toBeGreaterThan(room - 16 * 1024);
    full.heal();
    expect(stored.size).toBe(0);
    const little = injectInto(port, { kind: 'fill-storage', maxBytes: 3 * MIB });
    expect(await little.outcomes[0]).toBe(`${3 * MIB} bytes of storage held, then the budget ended`);
    clock.pass(LONGEST_HOLD_MS);
    expect([little.ended, stored.size]).toEqual([1, 0]);
  });

  test('has a thread that is busy for most of every quarter of a second, until it is healed', async () => {
    const { port, burnt, clock } = machine();
    const hog = injectInto(port, { kind: 'hog-cpu', where: 'worker', forMs: 10_000 });
    await settle();
    clock.pass(4 * (HOG_TURN_MS - HOG_BUSY_MS));
    hog.heal();
    const turns = burnt.length;
    expect(turns).toBeGreaterThanOrEqual(4);
    expect(new Set(burnt)).toEqual(new Set([HOG_BUSY_MS]));
    clock.pass(10_000);
    expect(burnt).toHaveLength(turns);
  });

  test('has a busy page until the last such fault is healed', async () => {
    const { port, page } = machine();
    const hogs = [1, 2].map(() => injectInto(port, { kind: 'hog-cpu', where: 'page', forMs: 1000 }));
    await settle();
    hogs[0]?.heal();
    expect(page).toEqual([true, true]);
    hogs[1]?.heal();
    expect(page).toEqual([true, true, false]);
  });

  test('gives no more memory than its budget, and no more once it is healed', async () => {
    const { port, clock } = machine();
    const taken = injectInto(port, { kind: 'grow-memory', maxBytes: 512 * MIB });
    for (let i = 0; i < 20; i++) {
      await settle();
      clock.pass(1);
    }
    expect(await taken.outcomes[0]).toBe(`${64 * MIB} bytes of memory held, then the budget ended`);
    const early = injectInto(port, { kind: 'grow-memory', maxBytes: 32 * MIB });
    await settle();
    early.heal();
    clock.pass(1);
    expect(await early.outcomes[0]).toBe(`${16 * MIB} bytes of memory held, then the budget ended`);
  });
});

describe('a page in the background', () => {
  test('passes what it has to pass once a second, in order, and all of it when it is healed', () => {
    const clock = virtualClock();
    const out: unknown[] = [];
    const inner: Turns = { onmessage: null, postMessage: (message) => void out.push(message) };
    const turned: boolean[] = [];
    const { port, faults } = faultyPagePort(inner, clock, (is) => void turned.push(is));
    const heard: unknown[] = [];
    port.onmessage = ({ data }) => void heard.push(data);
    const say = (data: unknown): void => inner.onmessage?.({ data } as MessageEvent<unknown>);
    say(1);
    port.postMessage('a');
    expect([heard, out]).toEqual([[1], ['a']]);
    const hidden = injectInto(faults, { kind: 'hide', forMs: 5000 });
    say(2);
    port.postMessage('b');
    say(3);
    clock.pass(999);
    expect([heard, out]).toEqual([[1], ['a']]);
    clock.pass(1);
    expect([heard, out]).toEqual([
      [1, 2, 3],
      ['a', 'b'],
    ]);
    say(4);
    hidden.heal();
    expect(heard).toEqual([1, 2, 3, 4]);
    clock.pass(2000);
    expect(clock.timers).toBe(0);
    expect(turned).toEqual([true, false]);
  });
});

describe('a clock', () => {
  test('that drifts fires its timers as early or late as it shows the time, and never goes back', () => {
    const inner = virtualClock();
    const { clock, faults } = faultyClock(inner);
    const fired: number[] = [];
    clock.after(1000, () => void fired.push(inner.now()));
    const drift = injectInto(faults, { kind: 'clock-drift', rate: 2 });
    inner.pass(500);
    expect(fired).toEqual([500]);
    expect(clock.now()).toBe(1000);
    clock.after(1000, () => void fired.push(inner.now()));
    drift.heal();
    expect(clock.now()).toBe(1000);
    inner.pass(1000);
    expect(fired).toEqual([500, 1500]);
    injectInto(faults, { kind: 'clock-jump', ms: 300 });
    expect(clock.now()).toBe(2300);
  });
});

describe('a data set', () => {
  test('that is lost is fetched anew at each load, damaged as the fault says, and whole once it is healed', async () => {
    const opened: (string | undefined)[] = [];
    const { loader, faults } = losableData(smallLoader, (damage) => {
      opened.push(damage);
      return damage === undefined
        ? Promise.resolve(smallLoader)
        : Promise.reject(new LoaderError(`The data are ${damage}.`));
    });
    const rows = Int32Array.of(1, 2);
    expect(await loader.load('train', rows)).toEqual(await smallLoader.load('train', rows));
    const lost = injectInto(faults, { kind: 'lose-data', how: 'truncated' });
    for (let i = 0; i < 2; i++) await expect(loader.load('train', rows)).rejects.toThrow('truncated');
    lost.heal();
    expect(await loader.load('train', rows)).toEqual(await smallLoader.load('train', rows));
    await loader.load('train', rows);
    expect(opened).toEqual(['truncated', 'truncated', undefined]);
  });
});
