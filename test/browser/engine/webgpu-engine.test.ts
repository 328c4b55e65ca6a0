import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createCpuEngine } from '../../../src/engine/cpu/engine.ts';
import type { EngineHooks } from '../../../src/engine/hooks.ts';
import { openEngine } from '../../../src/engine/open.ts';
import { describeAdapter, requestAdapter, requestDevice } from '../../../src/engine/webgpu/device.ts';
import { createWebGpuEngine, type WebGpuEngine } from '../../../src/engine/webgpu/engine.ts';
import { bundledShader } from '../../../src/engine/webgpu/shader-bundle.ts';
import { DEFAULT_JOB, type Job } from '../../../src/job/job.ts';
import { batchRows } from '../../../src/job/sampler.ts';
import { EngineError, type Engine } from '../../../src/ports/engine.ts';
import type { Loader } from '../../../src/ports/loader.ts';
import {
  allMicroBatches,
  clusterLoader,
  combined,
  distance,
  GOLDEN,
  layoutOf,
  mlpJob,
  train,
  trainStep,
} from '../../support/engine.ts';
import { loadDigits } from './digits.ts';

const opened: Engine[] = [];

async function openWebGpu(job: Job, loader: Loader, hooks: EngineHooks = {}): Promise<WebGpuEngine> {
  const device = await requestDevice(await requestAdapter(navigator.gpu));
  const description = { kind: 'webgpu', adapter: 'test', software: true, reason: 'A test.' } as const;
  const engine = await createWebGpuEngine({
    device,
    shaders: bundledShader,
    job,
    loader,
    description,
    hooks,
  });
  opened.push(engine);
  return engine;
}

const onCpu = (job: Job, loader: Loader): Engine => createCpuEngine({ job, loader, reason: 'A test.' });

afterEach(() => {
  for (const engine of opened.splice(0)) engine.destroy();
});

const SMALL_JOB = mlpJob([11, 9, 7, 5], { globalBatch: 24, microBatches: 4 });
/** Micro-batches of five rows: slices of three and two. */
const ODD_JOB = mlpJob([11, 9, 5], { globalBatch: 15, microBatches: 3 });
const smallData = clusterLoader(11, 5);

const faultOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof EngineError) return error.fault;
    throw error;
  }
  return 'none';
};

const hashes = async (engine: Engine, steps: number): Promise<string[]> =>
  (await train(engine, steps)).map(({ hash }) => hash);

describe('the WebGPU engine on the digits', () => {
  let digits: Loader;
  beforeAll(async () => {
    digits = await loadDigits();
  });

  test('follows the CPU engine step by step', async () => {
    const gpu = await openWebGpu(DEFAULT_JOB, digits);
    const cpu = onCpu(DEFAULT_JOB, digits);
    expect(await gpu.hash()).toBe(await cpu.hash());
    const layout = layoutOf(DEFAULT_JOB);
    for (let step = 0; step < 4; step++) {
      const mine = await trainStep(gpu, step);
      const theirs = await trainStep(cpu, step);
      expect(Math.abs(mine.loss - theirs.loss)).toBeLessThan(1e-4 * theirs.loss);
      expect([...mine.lanes.subarray(layout.predictions, layout.exponents)]).toEqual([
        ...theirs.lanes.subarray(layout.predictions, layout.exponents),
      ]);
      expect(
        Math.abs((mine.lanes[layout.correct] ?? NaN) - (theirs.lanes[layout.correct] ?? NaN)),
      ).toBeLessThan(2);
    }
    const a = await gpu.exportState();
    const b = await cpu.exportState();
    expect(a.powers).toEqual(b.powers);
    for (const name of ['firstMoments', 'secondMoments'] as const) {
      const { error, scale } = distance(a[name], b[name]);
      expect(error / scale, name).toBeLessThan(1e-3);
    }
    const mine = await gpu.evaluate();
    const theirs = await cpu.evaluate();
    expect(mine.predictions).toBe(2000);
    expect(Math.abs(mine.correct - theirs.correct)).toBeLessThan(20);
    expect(Math.abs(mine.loss - theirs.loss)).toBeLessThan(0.01 * theirs.loss);
  });

  test('gives its buckets in backward order, and together they are the contribution, in one pass and in many', async () => {
    const layout = layoutOf(DEFAULT_JOB);
    const request = { step: 0, microBatches: [1, 2, 6] };
    const whole = await (await openWebGpu(DEFAULT_JOB, digits)).contribute(request);
    const small = await openWebGpu(DEFAULT_JOB, digits, {
      createBuffer: (device, descriptor) => {
        if (descriptor.size > 2_000_000) throw new RangeError('refused by the test');
        return device.createBuffer(descriptor);
      },
    });
    for (const engine of [await openWebGpu(DEFAULT_JOB, digits), small]) {
      const seen: number[] = [];
      const lanes = new Int32Array(layout.length);
      await engine.contributeInBuckets(request, (bucket, part) => {
        seen.push(bucket);
        lanes.set(part, layout.buckets[bucket]?.start ?? 0);
      });
      expect(seen).toEqual([0, 1, 2]);
      expect(lanes).toEqual(whole);
    }
  });

  test('computes the same bits in a second run, and with smaller passes after a refused allocation', async () => {
    const steps = 3;
    const expected = await hashes(await openWebGpu(DEFAULT_JOB, digits), steps);
    expect(await hashes(await openWebGpu(DEFAULT_JOB, digits), steps)).toEqual(expected);

    const plans: number[] = [];
    const halved = await openWebGpu(DEFAULT_JOB, digits, {
      // 16 slices of gradients take 7 MB, 8 take 3.5.
      createBuffer: (device, descriptor) => {
        if (descriptor.size > 4_000_000) throw new RangeError('refused by the test');
        return device.createBuffer(descriptor);
      },
      onReplan: ({ slicesPerPass }) => plans.push(slicesPerPass),
    });
    expect(await hashes(halved, steps)).toEqual(expected);
    expect(plans).toContain(8);
  });
});

describe('the WebGPU engine on small models', () => {
  test.each([
    ['even slices', SMALL_JOB],
    ['slices of unequal length', ODD_JOB],
    ['the narrow wire format', { ...SMALL_JOB, wire: { format: 'narrow', bits: 16 } } as const],
    ['micro-batches of one sample', mlpJob([11, 5], { globalBatch: 3, microBatches: 3 })],
  ])('agrees with the CPU engine with %s', async (_, job) => {
    const [gpu, cpu] = [await openWebGpu(job, smallData), onCpu(job, smallData)];
    for (let step = 0; step < 8; step++) {
      const [mine, theirs] = [await trainStep(gpu, step), await trainStep(cpu, step)];
      expect(Math.abs(mine.loss - theirs.loss)).toBeLessThan(1e-4 * theirs.loss);
    }
    const [mine, theirs] = [await gpu.evaluate(), await cpu.evaluate()];
    expect(mine.predictions).toBe(40);
    expect(Math.abs(mine.loss - theirs.loss)).toBeLessThan(1e-3 * theirs.loss);
  });

  test('adds up to the same lanes in any split of the micro-batches', async () => {
    const engine = await openWebGpu(SMALL_JOB, smallData);
    await train(engine, 2);
    const layout = layoutOf(SMALL_JOB);
    const whole = await engine.contribute({ step: 2, microBatches: allMicroBatches(SMALL_JOB) });
    for (const split of [
      [[0, 1, 2], [3]],
      [[1, 3], [], [0, 2]],
      [[0], [1], [2], [3]],
    ]) {
      const parts: Int32Array[] = [];
      for (const microBatches of split) parts.push(await engine.contribute({ step: 2, microBatches }));
      expect(combined(layout, parts)).toEqual(whole);
    }
    expect([...whole.subarray(layout.counters, layout.sums)]).toEqual([1, 1, 1, 1]);
  });

  test('computes the same bits with passes of every size down to one slice', async () => {
    const expected = await hashes(await openWebGpu(SMALL_JOB, smallData), 4);
    for (const slices of [5, 2, 1]) {
      const plans: number[] = [];
      // The gradients of one slice take 4 · 218 bytes, and a buffer is a multiple of 16.
      const limit = Math.ceil((4 * 218 * slices) / 16) * 16;
      const engine = await openWebGpu(SMALL_JOB, smallData, {
        createBuffer: (device, descriptor) => {
          if (descriptor.label === 'gradients' && descriptor.size > limit)
            throw new RangeError('refused by the test');
          return device.createBuffer(descriptor);
        },
        onReplan: ({ slicesPerPass }) => plans.push(slicesPerPass),
      });
      expect(await hashes(engine, 4)).toEqual(expected);
      expect(plans.length, `${slices} slices`).toBeGreaterThan(0);
    }
  });

  test('plans anew under pressure in mid-run, and gives memory back', async () => {
    const expected = await hashes(await openWebGpu(SMALL_JOB, smallData), 4);
    let pressed = false;
    const engine = await openWebGpu(SMALL_JOB, smallData, {
      createBuffer: (device, descriptor) => {
        if (pressed && descriptor.label === 'gradients' && descriptor.size > 2000)
          throw new RangeError('no more');
        return device.createBuffer(descriptor);
      },
    });
    const found = [(await trainStep(engine, 0)).hash, (await trainStep(engine, 1)).hash];
    const before = engine.memory();
    pressed = true;
    engine.replan();
    found.push((await trainStep(engine, 2)).hash);
    expect(engine.memory().bytes).toBeLessThan(before.bytes);
    pressed = false;
    engine.replan();
    found.push((await trainStep(engine, 3)).hash);
    expect(engine.memory()).toEqual(before);
    expect(found).toEqual(expected);
  });

  test('names the buffer and its bytes when not even one slice fits', async () => {
    const engine = await openWebGpu(SMALL_JOB, smallData, {
      createBuffer: (device, descriptor) => {
        if (descriptor.label === 'gradients') throw new RangeError('refused by the test');
        return device.createBuffer(descriptor);
      },
    });
    const before = engine.memory();
    const contribution = engine.contribute({ step: 0, microBatches: [0] });
    await expect(contribution).rejects.toThrow(/880 bytes for "gradients" \(refused by the test\)/u);
    expect(await faultOf(engine.contribute({ step: 0, microBatches: [0] }))).toBe('out-of-memory');
    expect(engine.memory()).toEqual(before);
  });

  test('takes a buffer over the limits of the adapter for a lack of memory', async () => {
    const huge = mlpJob([784, 65_536, 65_536, 10], { globalBatch: 8, microBatches: 8 });
    const loader = clusterLoader(784, 10);
    const opening = openEngine({ choice: 'webgpu', job: huge, loader });
    await expect(opening).rejects.toThrow(/bytes for "parameters"/u);
    expect(await faultOf(openEngine({ choice: 'webgpu', job: huge, loader }))).toBe('out-of-memory');
  });

  test('has nothing of a sample in quarantine, and its state says so as the CPU engine’s does', async () => {
    const job = { ...SMALL_JOB, globalBatch: 4 };
    const layout = layoutOf(job);
    const engine = await openWebGpu(job, smallData);
    const [out = -1] = batchRows(job, smallData.sizes.train, 0).slice(2);
    const request = { step: 0, microBatches: allMicroBatches(job) };
    const without = await engine.contribute({ ...request, quarantined: [out] });
    const others: Int32Array[] = [];
    for (const microBatch of [0, 1, 3])
      others.push(await engine.contribute({ step: 0, microBatches: [microBatch] }));
    const sum = combined(layout, others);
    sum[layout.counters + 2] = 1;
    expect(without).toEqual(sum);
    const cpu = onCpu(job, smallData);
    const apply = { step: 0, reduced: without, mode: 'portable', quarantined: [out] } as const;
    expect(await engine.apply(apply)).toBe(await cpu.apply(apply));
    const state = await engine.exportState();
    expect([...state.quarantine]).toEqual([out]);
    expect(await (await openWebGpu(job, smallData)).importState(state)).toBe(await cpu.hash());
  });

  test('redoes an overflow at the agreed exponents', async () => {
    const engine = await openWebGpu(SMALL_JOB, smallData);
    const state = await engine.exportState();
    state.exponents.fill(-30);
    await engine.importState(state);
    const step = await trainStep(engine, 0);
    expect(step.redone).toBe(true);
    expect(step.lanes[layoutOf(SMALL_JOB).overflows]).toBe(0);
    await engine.importState(state);
    expect(await trainStep(engine, 0, 'native', true)).toMatchObject({ redone: true, hash: step.hash });
  });

  test('flags weights and inputs that are not finite', async () => {
    const layout = layoutOf(SMALL_JOB);
    const engine = await openWebGpu(SMALL_JOB, smallData);
    const state = await engine.exportState();
    state.parameters[5] = NaN;
    await engine.importState(state);
    const reduced = await engine.contribute({ step: 0, microBatches: allMicroBatches(SMALL_JOB) });
    expect(reduced[layout.nonFinite]).toBeGreaterThan(0);
    await expect(engine.apply({ step: 0, reduced, mode: 'native' })).rejects.toThrow(/must not be applied/u);
  });

  test('in portable mode holds the same bits as the CPU engine when both apply the same lanes', async () => {
    const [gpu, cpu] = [await openWebGpu(SMALL_JOB, smallData), onCpu(SMALL_JOB, smallData)];
    for (let step = 0; step < 5; step++) {
      // A mixed room: some micro-batches from either engine.
      const parts = [
        await gpu.contribute({ step, microBatches: [0, 2] }),
        await cpu.contribute({ step, microBatches: [1, 3] }),
      ];
      const reduced = combined(layoutOf(SMALL_JOB), parts);
      const mine = await gpu.apply({ step, reduced, mode: 'portable' });
      expect(mine).toBe(await cpu.apply({ step, reduced, mode: 'portable' }));
    }
    expect(await gpu.exportState()).toEqual(await cpu.exportState());
    const state = await gpu.exportState();
    const expected = await trainStep(gpu, 5, 'portable');
    await gpu.importState(state);
    expect((await trainStep(gpu, 5, 'portable', true)).hash).toBe(expected.hash);
    await gpu.importState(state);
    const step = 5;
    const reduced = await gpu.contribute({ step, microBatches: allMicroBatches(SMALL_JOB) });
    await gpu.apply({ step, reduced, mode: 'native' });
    const native = await gpu.exportState();
    await cpu.importState(native);
    expect(await gpu.hash()).toBe(await cpu.hash());
  });

  test('applies what a rank alone has contributed once, and only what it has', async () => {
    const engine = await openWebGpu(SMALL_JOB, smallData);
    const all = { step: 0, microBatches: allMicroBatches(SMALL_JOB), alone: true } as const;
    const reduced = await engine.contribute(all);
    const apply = { step: 0, reduced, mode: 'native', alone: true } as const;
    expect(await faultOf(engine.contribute({ ...all, microBatches: [0, 1] }))).toBe('bad-state');
    await engine.contribute({ step: 0, microBatches: [0] });
    expect(await faultOf(engine.apply(apply))).toBe('bad-state');
    await engine.contribute(all);
    await engine.apply(apply);
    expect(await faultOf(engine.apply(apply))).toBe('bad-state');
  });

  test('takes snapshots that the steps after them do not change, read in any order, in memory that is kept', async () => {
    for (const mode of ['native', 'portable'] as const) {
      const engine = await openWebGpu(SMALL_JOB, smallData);
      const states = [];
      const snapshots = [];
      for (let step = 0; step < 3; step++) {
        await trainStep(engine, step, mode);
        states.push(await engine.exportState());
        snapshots.push(await engine.snapshot());
      }
      await trainStep(engine, 3, mode);
      const read = await Promise.all(snapshots.reverse().map((snapshot) => snapshot.read()));
      expect(read.reverse()).toEqual(states);
      const kept = engine.memory();
      await (await engine.snapshot()).read();
      expect(engine.memory()).toEqual(kept);
    }
  });

  test('hands its state to another engine, which goes on with the same bits', async () => {
    const [donor, heir] = [await openWebGpu(SMALL_JOB, smallData), await openWebGpu(SMALL_JOB, smallData)];
    await train(donor, 3);
    expect(await heir.importState(await donor.exportState())).toBe(await donor.hash());
    expect((await trainStep(heir, 3)).hash).toBe((await trainStep(donor, 3)).hash);
    expect(await donor.reset()).toBe(await onCpu(SMALL_JOB, smallData).hash());
  });

  test('has one fingerprint for one adapter, and leaves the state alone while taking it', async () => {
    const [one, other] = [await openWebGpu(SMALL_JOB, smallData), await openWebGpu(SMALL_JOB, smallData)];
    await train(one, 2);
    const before = await one.hash();
    const fingerprint = await one.fingerprint();
    expect(fingerprint).toMatch(/^[0-9a-f]{32}$/u);
    expect(await one.hash()).toBe(before);
    expect(await other.fingerprint()).toBe(fingerprint);
  });

  test('says that its device was lost, at once and at every call after', async () => {
    const engine = await openWebGpu(SMALL_JOB, smallData);
    const running = engine.contribute({ step: 0, microBatches: [0] });
    engine.device.destroy();
    expect((await engine.lost).fault).toBe('device-lost');
    expect(await faultOf(running)).toBe('device-lost');
    expect(await faultOf(engine.contribute({ step: 0, microBatches: [0] }))).toBe('device-lost');
    expect(await faultOf(engine.hash())).toBe('device-lost');
    engine.destroy();
    expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  test('holds no buffer once it is destroyed', async () => {
    const engine = await openWebGpu(SMALL_JOB, smallData);
    await train(engine, 1);
    expect(engine.memory().buffers).toBeGreaterThan(10);
    engine.destroy();
    expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
    expect(await faultOf(engine.hash())).toBe('bad-state');
  });
});

describe('opening an engine in a browser', () => {
  test('takes WebGPU on a real adapter only, unless it is asked for', async () => {
    const { software } = describeAdapter((await requestAdapter(navigator.gpu)).info);
    const chosen = await openEngine({ choice: 'auto', job: SMALL_JOB, loader: smallData });
    opened.push(chosen);
    expect(chosen.description.kind).toBe(software ? 'cpu' : 'webgpu');
    if (software) expect(chosen.description.reason).toMatch(/\(software\), is itself a program on the CPU/u);
    const forced = await openEngine({ choice: 'webgpu', job: SMALL_JOB, loader: smallData });
    opened.push(forced);
    expect(forced.description).toMatchObject({ kind: 'webgpu', software, reason: 'WebGPU was asked for.' });
  });

  test('falls back to the CPU engine when the adapter is gone, and says so', async () => {
    const gpu = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;
    const engine = await openEngine({ choice: 'auto', job: SMALL_JOB, loader: smallData, gpu });
    expect(engine.description.reason).toMatch(/no adapter.*So the CPU engine runs\./u);
    expect(await faultOf(openEngine({ choice: 'webgpu', job: SMALL_JOB, loader: smallData, gpu }))).toBe(
      'unavailable',
    );
  });

  test('the CPU engine computes here what it computes in Node', async () => {
    const engine = onCpu(GOLDEN.job, GOLDEN.loader);
    expect((await hashes(engine, GOLDEN.steps)).at(-1)).toBe(GOLDEN.hash);
    expect(await engine.fingerprint()).toBe(GOLDEN.fingerprint);
  });
});
