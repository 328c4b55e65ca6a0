// Faults of the arithmetic and of the clock, each at its port, over the real CPU engine.

import { beforeEach, describe, expect, test } from 'vitest';
import { faultyClock } from '../../../src/faults/clock.ts';
import { engineFaults } from '../../../src/faults/engine.ts';
import type { EngineFaultsAtPort } from '../../../src/faults/engine.ts';
import { seededSites } from '../../../src/faults/site-random.ts';
import { jobLayout } from '../../../src/engine/graph/job-layout.ts';
import { modelGraph } from '../../../src/engine/graph/model-graph.ts';
import type { Engine } from '../../../src/ports/engine.ts';
import { SMALL_JOB, smallEngine } from '../live/small-job.ts';
import { injectInto } from './inject-into.ts';
import { virtualClock } from './virtual-clock.ts';
import type { VirtualClock } from './virtual-clock.ts';

const layout = jobLayout(SMALL_JOB, modelGraph(SMALL_JOB.model));
const microBatches = Array.from({ length: SMALL_JOB.microBatches }, (_, i) => i);
const contribute = (engine: Engine, step = 0): Promise<Int32Array> =>
  engine.contribute({ step, microBatches });

describe('an engine', () => {
  let clock: VirtualClock;
  let port: EngineFaultsAtPort;
  let engine: Engine;
  let bare: Engine;

  beforeEach(async () => {
    clock = virtualClock();
    port = engineFaults({ clock, random: seededSites(1), destroyDevice: () => false });
    bare = smallEngine(SMALL_JOB);
    engine = port.wrap(smallEngine(SMALL_JOB));
    await Promise.all([bare.reset(), engine.reset()]);
  });

  test('without faults contributes and applies what the bare one does', async () => {
    const lanes = await contribute(engine);
    expect(lanes).toEqual(await contribute(bare));
    const apply = { step: 0, reduced: Int32Array.from(lanes), mode: 'portable' } as const;
    expect(await engine.apply(apply)).toBe(await bare.apply(apply));
  });

  test('makes one contribution that is not finite, says where, and goes on from the state that it had', async () => {
    const injected = injectInto(port.faults, { kind: 'nan' });
    const before = await engine.hash();
    expect((await contribute(engine))[layout.nonFinite]).toBeGreaterThan(0);
    expect(injected.ended).toBe(1);
    expect(await engine.hash()).toBe(before);
    expect(await contribute(engine)).toEqual(await contribute(bare));
  });

  test.each(['parameters', 'moments'] as const)('flips one bit of the %s and tells nobody', async (where) => {
    injectInto(port.faults, { kind: 'flip-bit', where });
    const reduced = Int32Array.from(await contribute(bare));
    const told = await engine.apply({ step: 0, reduced, mode: 'portable' });
    expect(told).toBe(await bare.apply({ step: 0, reduced, mode: 'portable' }));
    expect(await engine.hash()).not.toBe(told);
  });

  test('flips one bit of a gradient, once', async () => {
    injectInto(port.faults, { kind: 'flip-bit', where: 'gradient' });
    const right = await contribute(bare);
    const wrong = await contribute(engine);
    expect(wrong.filter((lane, i) => lane !== right[i])).toHaveLength(1);
    expect(await contribute(engine)).toEqual(right);
  });

  test('strikes what comes bucket by bucket as well', async () => {
    const buckets = async (from: Engine): Promise<readonly Int32Array[]> => {
      const found: Int32Array[] = [];
      await from.contributeInBuckets({ step: 0, microBatches }, (_, lanes) => found.push(lanes));
      return found;
    };
    const right = await buckets(bare);
    injectInto(port.faults, { kind: 'flip-bit', where: 'gradient' });
    expect(await buckets(engine)).not.toEqual(right);
    expect(await buckets(engine)).toEqual(right);
    injectInto(port.faults, { kind: 'nan' });
    const poisoned = (await buckets(engine)).flatMap((lanes) => [...lanes]);
    expect(poisoned).not.toEqual(right.flatMap((lanes) => [...lanes]));
    expect(await buckets(engine)).toEqual(right);
  });

  test('hangs until that is healed, and then answers', async () => {
    const injected = injectInto(port.faults, { kind: 'hang-kernel', forMs: 1000 });
    let lanes: Int32Array | undefined;
    const asked = contribute(engine).then((value) => (lanes = value));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(lanes).toBeUndefined();
    injected.heal();
    expect(await asked).toEqual(await contribute(bare));
  });

  test('answers late while results are mapped late', async () => {
    injectInto(port.faults, { kind: 'slow-map', ms: 300, forMs: 1000 });
    let answered = false;
    const asked = contribute(engine).then(() => (answered = true));
    while (clock.timers === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    clock.pass(299);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(answered).toBe(false);
    clock.pass(1);
    await asked;
  });

  test('is lost where it has no device that could be destroyed', async () => {
    injectInto(port.faults, { kind: 'lose-device' });
    expect((await engine.lost).fault).toBe('device-lost');
  });
});

describe('a clock that jumps', () => {
  test('shows the later time, and what was due meanwhile comes at once', () => {
    const under = virtualClock();
    const { clock, faults } = faultyClock(under);
    const came: string[] = [];
    clock.after(500, () => came.push('soon'));
    clock.after(5000, () => came.push('late'));
    const cancel = clock.after(400, () => came.push('cancelled'));
    cancel();
    const before = clock.now();
    injectInto(faults, { kind: 'clock-jump', ms: 3000 });
    expect(clock.now() - before).toBe(3000);
    under.pass(0);
    expect(came).toEqual(['soon']);
    under.pass(1999);
    expect(came).toEqual(['soon']);
    under.pass(1);
    expect(came).toEqual(['soon', 'late']);
  });
});
