import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeState, encodeState } from '../../../src/checkpoint/state-file.ts';
import { emptyLanes, firstNonFinite, nonFiniteCode } from '../../../src/collective/lanes.ts';
import { createCpuEngine } from '../../../src/engine/cpu/engine.ts';
import { modelGraph } from '../../../src/engine/graph/model-graph.ts';
import { parameterTensors } from '../../../src/engine/graph/parameters.ts';
import { openEngine } from '../../../src/engine/open.ts';
import { initialState, stateHash } from '../../../src/engine/state.ts';
import { jobHash, type Job } from '../../../src/job/job.ts';
import { JOB_PRESETS } from '../../../src/job/presets.ts';
import { batchRows } from '../../../src/job/sampler.ts';
import { EngineError, type Engine } from '../../../src/ports/engine.ts';
import { LoaderError } from '../../../src/ports/loader.ts';
import {
  allMicroBatches,
  clusterLoader,
  combined,
  GOLDEN,
  KINDS,
  layoutOf,
  noiseLoader,
  train,
  trainStep,
} from '../../support/engine.ts';

const JOB = GOLDEN.job;
const LAYOUT = layoutOf(JOB);
const { loader } = GOLDEN;
const open = (changes: Partial<typeof JOB> = {}): Engine =>
  createCpuEngine({ job: { ...JOB, ...changes }, loader, reason: 'A test.' });

const faultOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof EngineError) return error.fault;
    throw error;
  }
  return 'none';
};

describe('a contribution', () => {
  test('is the sum of its micro-batches, in any split, with nothing in the lanes that are not its own', async () => {
    const engine = open();
    await train(engine, 2);
    const whole = await engine.contribute({ step: 2, microBatches: allMicroBatches(JOB) });
    expect([...whole.subarray(LAYOUT.counters, LAYOUT.sums)]).toEqual([1, 1, 1, 1]);
    expect(whole[LAYOUT.predictions]).toBe(20);
    expect(whole.subarray(LAYOUT.agreement)).toEqual(emptyLanes(LAYOUT).subarray(LAYOUT.agreement));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }), async (ranks) => {
        const parts = await [0, 1, 2].reduce<Promise<Int32Array[]>>(async (before, rank) => {
          const microBatches = allMicroBatches(JOB).filter((i) => ranks[i] === rank);
          return [...(await before), await engine.contribute({ step: 2, microBatches })];
        }, Promise.resolve([]));
        expect(combined(LAYOUT, parts)).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });

  test('in the narrow wire format fits its bits, and is the same sum in any split', async () => {
    for (const bits of [4, 8, 16]) {
      const job: Job = { ...JOB, wire: { format: 'narrow', bits } };
      const layout = layoutOf(job);
      const engine = createCpuEngine({ job, loader, reason: 'A test.' });
      await train(engine, 2);
      const whole = await engine.contribute({ step: 2, microBatches: allMicroBatches(job) });
      const gradient = whole.subarray(0, layout.gradient);
      expect(gradient.some((lane) => lane !== 0)).toBe(true);
      expect(gradient.every((lane) => Math.abs(lane) < 2 ** (bits + Math.log2(job.microBatches) - 1))).toBe(
        true,
      );
      const parts: Int32Array[] = [];
      for (const microBatches of [[1], [], [0, 3], [2]]) {
        parts.push(await engine.contribute({ step: 2, microBatches }));
      }
      expect(combined(layout, parts)).toEqual(whole);
    }
  });

  test('comes bucket by bucket in backward order, each when it is whole, and together they are the contribution', async () => {
    for (const job of [
      JOB_PRESETS.digits,
      { ...JOB_PRESETS.digits, globalBatch: 8 },
      JOB_PRESETS['moby-dick'],
    ]) {
      const layout = layoutOf(job);
      const engine = createCpuEngine({ job, loader: noiseLoader(job), reason: 'A test.' });
      for (const microBatches of [[], [2, 5]]) {
        const request = { step: 0, microBatches };
        const whole = await engine.contribute(request);
        const seen: number[] = [];
        const lanes = new Int32Array(layout.length);
        await engine.contributeInBuckets(request, (bucket, part) => {
          seen.push(bucket);
          lanes.set(part, layout.buckets[bucket]?.start ?? 0);
        });
        expect(seen).toEqual(layout.buckets.map((_, i) => i));
        expect(seen.length).toBeGreaterThan(1);
        expect(lanes).toEqual(whole);
      }
    }
  });

  test('of nothing is zeros', async () => {
    expect(await open().contribute({ step: 0, microBatches: [] })).toEqual(emptyLanes(LAYOUT));
  });

  test('of a micro-batch of odd size, or of one sample, is whole too', async () => {
    for (const globalBatch of [4, 12]) {
      const engine = open({ globalBatch });
      const lanes = await engine.contribute({ step: 0, microBatches: allMicroBatches(JOB) });
      expect(lanes[LAYOUT.predictions]).toBe(globalBatch);
      expect(lanes[LAYOUT.loss]).toBeGreaterThan(0);
    }
  });

  test('has nothing of a sample in quarantine, and the divisor stays', async () => {
    // One sample a micro-batch.
    const engine = open({ globalBatch: 4 });
    const rows = [...batchRows({ ...JOB, globalBatch: 4 }, loader.sizes.train, 0)];
    const step = { step: 0, microBatches: allMicroBatches(JOB) };
    const whole = await engine.contribute(step);
    const [out = -1] = rows.slice(2);
    const without = await engine.contribute({ ...step, quarantined: [out] });
    const parts = await Promise.all(
      [0, 1, 3].map((microBatch) => engine.contribute({ step: 0, microBatches: [microBatch] })),
    );
    const others = combined(LAYOUT, parts);
    others[LAYOUT.counters + 2] = 1;
    expect(without).toEqual(others);
    expect(without).not.toEqual(whole);
    // It is the state's from the update on.
    await engine.apply({ step: 0, reduced: without, mode: 'native', quarantined: [out] });
    expect([...(await engine.exportState()).quarantine]).toEqual([out]);
    const other = open({ globalBatch: 4 });
    await other.apply({ step: 0, reduced: without, mode: 'native' });
    expect(await other.hash()).not.toBe(await engine.hash());
  });

  test('carries what the loader says when it fails', async () => {
    const broken = { ...loader, load: () => Promise.reject(new LoaderError('the disk is gone')) };
    const engine = createCpuEngine({ job: JOB, loader: broken, reason: 'A test.' });
    await expect(engine.contribute({ step: 0, microBatches: [0] })).rejects.toThrow(/the disk is gone/u);
    expect(await faultOf(engine.contribute({ step: 0, microBatches: [0] }))).toBe('loader');
  });

  test('flags sums that are not finite and is then refused by apply', async () => {
    const poisoned = {
      ...loader,
      load: async (...asked: Parameters<typeof loader.load>) => {
        const samples = await loader.load(...asked);
        samples.inputs.fill(3e38);
        return samples;
      },
    };
    const engine = createCpuEngine({ job: JOB, loader: poisoned, reason: 'A test.' });
    const reduced = await engine.contribute({ step: 0, microBatches: [0, 1, 2, 3] });
    expect(reduced[LAYOUT.nonFinite]).toBeGreaterThan(0);
    const before = await engine.hash();
    await expect(engine.apply({ step: 0, reduced, mode: 'native' })).rejects.toThrow(/must not be applied/u);
    expect(await engine.hash()).toBe(before);
  });

  test('that overflows is redone at the agreed exponents, and training goes on as if the scale had fitted', async () => {
    const engine = open();
    const narrow = new Int32Array(LAYOUT.tensors).fill(-30);
    await engine.importState({ ...initialState(JOB), exponents: narrow });
    const redone = await trainStep(engine, 0);
    expect(redone.redone).toBe(true);
    expect(redone.lanes[LAYOUT.overflows]).toBe(0);
    const other = open();
    await trainStep(other, 0);
    const [a, b] = [await engine.exportState(), await other.exportState()];
    expect(a.exponents).toEqual(b.exponents);
    a.parameters.forEach((value, i) => expect(value).toBeCloseTo(b.parameters[i] ?? NaN, 4));
  });
});

describe('a prediction', () => {
  test('gives the logits that the loss comes from, in one request as in many, and changes nothing', async () => {
    const engine = open();
    await train(engine, 3);
    const before = await engine.hash();
    const { inputs, labels } = await loader.load(
      'test',
      Int32Array.from({ length: 40 }, (_, row) => row),
    );
    const logits = await engine.predict({ inputs, position: 0 });
    expect(logits.length).toBe(40 * 3);
    let correct = 0;
    labels.forEach((label, row) => {
      const mine = [...logits.subarray(3 * row, 3 * row + 3)];
      if (mine.indexOf(Math.max(...mine)) === label) correct++;
    });
    expect(correct).toBe((await engine.evaluate()).correct);
    const last = await engine.predict({ inputs: inputs.slice(-6), position: 0 });
    expect(last).toEqual(logits.slice(-3));
    expect(await engine.hash()).toBe(before);
  });

  test('is refused for half a sample, none, or a position that is not there', async () => {
    const engine = open();
    for (const length of [0, 5, 6 * 1025]) {
      expect(await faultOf(engine.predict({ inputs: new Float32Array(length), position: 0 }))).toBe(
        'bad-state',
      );
    }
    expect(await faultOf(engine.predict({ inputs: new Float32Array(6), position: 1 }))).toBe('bad-state');
  });
});

describe('the CPU engine', () => {
  test('computes the same bits twice, and again after a reset', async () => {
    const engine = open();
    const first = (await train(engine, 5)).map(({ hash }) => hash);
    await engine.reset();
    expect((await train(engine, 5)).map(({ hash }) => hash)).toEqual(first);
    expect((await train(open(), 5)).map(({ hash }) => hash)).toEqual(first);
    expect(new Set(first).size).toBe(5);
  });

  test('computes the same bits in native and in portable mode, in any JavaScript engine', async () => {
    const steps = await train(open(), 5);
    expect((await train(open(), 5, 'portable')).at(-1)?.hash).toBe(steps.at(-1)?.hash);
    expect(steps.at(-1)?.hash).toBe(GOLDEN.hash);
    expect(await open().fingerprint()).toBe(GOLDEN.fingerprint);
  });

  test('learns', async () => {
    const engine = open({ optimizer: { ...JOB.optimizer, learningRate: 0.02 } });
    const before = await engine.evaluate();
    const steps = await train(engine, 60);
    const after = await engine.evaluate();
    expect(steps.at(-1)?.loss).toBeLessThan(0.5 * (steps[0]?.loss ?? NaN));
    expect(after.loss).toBeLessThan(0.5 * before.loss);
    expect(after.correct / after.predictions).toBeGreaterThan(0.9);
  });

  test('hands its state to another, which goes on with the same bits', async () => {
    const donor = open();
    await train(donor, 3);
    const state = await donor.exportState();
    const heir = open();
    expect(await heir.importState(state)).toBe(await donor.hash());
    expect(stateHash(state)).toBe(await donor.hash());
    expect((await trainStep(heir, 3)).hash).toBe((await trainStep(donor, 3)).hash);
    state.parameters.fill(0);
    expect(await heir.hash()).toBe(await donor.hash());
  });

  test('leaves its state alone while it takes its fingerprint, which is the same for the same job', async () => {
    const engine = open();
    const fresh = await engine.fingerprint();
    await train(engine, 2);
    const before = await engine.hash();
    expect(await engine.fingerprint()).toBe(fresh);
    expect(await engine.hash()).toBe(before);
    expect(fresh).toMatch(/^[0-9a-f]{32}$/u);
    expect(await open({ seed: 9 }).fingerprint()).not.toBe(fresh);
  });

  test('refuses what does not fit, and says what', async () => {
    const engine = open();
    const reduced = emptyLanes(LAYOUT);
    expect(await faultOf(engine.contribute({ step: 1, microBatches: [0] }))).toBe('bad-state');
    expect(await faultOf(engine.contribute({ step: 0, microBatches: [1, 0] }))).toBe('bad-state');
    expect(await faultOf(engine.contribute({ step: 0, microBatches: [4] }))).toBe('bad-state');
    expect(await faultOf(engine.apply({ step: 3, reduced, mode: 'native' }))).toBe('bad-state');
    expect(await faultOf(engine.apply({ step: 0, reduced: reduced.slice(1), mode: 'native' }))).toBe(
      'bad-state',
    );
    const state = initialState(JOB);
    await expect(engine.importState({ ...state, parameters: new Float32Array(3) })).rejects.toThrow(
      /parameters/u,
    );
    await expect(engine.importState({ ...state, exponents: state.exponents.fill(65) })).rejects.toThrow(
      /exponent/u,
    );
    expect(() => createCpuEngine({ job: JOB, loader: clusterLoader(5, 3), reason: '' })).toThrow(/features/u);
  });

  test('holds no memory once it is destroyed, and says so when called', async () => {
    const engine = open();
    expect(engine.memory().bytes).toBeGreaterThan(0);
    engine.destroy();
    expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
    await expect(engine.hash()).rejects.toThrow(/destroyed/u);
  });
});

describe.each(Object.entries(KINDS))('a job over an %s', (_kind, { job, loader: data }) => {
  const layout = layoutOf(job);
  const openOne = (changes: Partial<Job> = {}): Engine =>
    createCpuEngine({ job: { ...job, ...changes }, loader: data, reason: 'A test.' });

  test('learns, with the same bits twice', async () => {
    const engine = openOne();
    const before = await engine.evaluate();
    const steps = await train(engine, 50);
    const mean = (from: number): number =>
      steps.slice(from, from + 10).reduce((sum, { loss }) => sum + loss, 0) / 10;
    expect(mean(40)).toBeLessThan(0.9 * mean(0));
    expect((await engine.evaluate()).loss).toBeLessThan(before.loss);
    const again = openOne();
    expect((await train(again, 50)).map(({ hash }) => hash)).toEqual(steps.map(({ hash }) => hash));
  });

  test('sums its micro-batches to the same lanes in any split, and counts every prediction', async () => {
    const engine = openOne();
    await train(engine, 2);
    const whole = await engine.contribute({ step: 2, microBatches: allMicroBatches(job) });
    expect(whole[layout.predictions]).toBe(job.globalBatch * data.format.positions);
    const parts = await Promise.all(
      [[1], [0, 3], [2]].map((microBatches) => engine.contribute({ step: 2, microBatches })),
    );
    expect(combined(layout, parts)).toEqual(whole);
  });

  test('hands its state over, and refuses one with moments that are not its optimizer’s', async () => {
    const donor = openOne();
    await train(donor, 3);
    const state = await donor.exportState();
    const heir = openOne();
    expect(await heir.importState(state)).toBe(await donor.hash());
    expect((await trainStep(heir, 3)).hash).toBe((await trainStep(donor, 3)).hash);
    const file = encodeState(
      { state, job, jobHash: jobHash(job), stateHash: stateHash(state), notes: {} },
      parameterTensors(job.model),
    );
    const read = decodeState(file, job, parameterTensors(job.model));
    expect(read.state).toEqual(state);
    const other = { ...state, secondMoments: new Float32Array(state.secondMoments.length === 0 ? 9 : 0) };
    expect(await faultOf(heir.importState(other))).toBe('bad-state');
  });

  test('takes a snapshot that the steps after it do not change', async () => {
    const engine = openOne();
    await train(engine, 2);
    const state = await engine.exportState();
    const snapshot = await engine.snapshot();
    await trainStep(engine, 2);
    expect(await snapshot.read()).toEqual(state);
  });

  test('takes a fingerprint of its own kernels', async () => {
    const [one, other] = [openOne(), openOne({ seed: 77 })];
    expect(await one.fingerprint()).toBe(await openOne().fingerprint());
    expect(await one.fingerprint()).not.toBe(await other.fingerprint());
  });

  test('names the first micro-batch and tensor that are not finite', async () => {
    const engine = openOne();
    const state = await engine.exportState();
    const last = modelGraph(job.model).parameters.length - 1;
    const { offset = 0 } = modelGraph(job.model).parameters[last] ?? {};
    state.parameters[offset] = NaN;
    await engine.importState(state);
    const reduced = await engine.contribute({ step: 0, microBatches: [1, 2] });
    expect(firstNonFinite(layout, reduced)?.microBatch).toBe(1);
    await expect(engine.apply({ step: 0, reduced, mode: 'native' })).rejects.toThrow(
      /Step 0 must not be applied.* gradient of \S*(weight|bias) in micro-batch 1/u,
    );
  });
});

test('the word for what is not finite is the same whoever saw it', () => {
  const layout = layoutOf(KINDS.cnn.job);
  for (let microBatch = 0; microBatch < layout.microBatches; microBatch++) {
    for (let tensor = 0; tensor <= layout.tensors; tensor++) {
      const lanes = emptyLanes(layout);
      lanes[layout.firstNonFinite] = nonFiniteCode(layout, microBatch, tensor);
      const expected = { microBatch, tensor: tensor === layout.tensors ? undefined : tensor };
      expect(firstNonFinite(layout, lanes)).toEqual(expected);
      expect(lanes[layout.firstNonFinite]).toBeGreaterThan(0);
    }
  }
  // The larger word is the earlier place: a maximum finds the first.
  expect(nonFiniteCode(layout, 1, 5)).toBeGreaterThan(nonFiniteCode(layout, 2, 0));
  expect(nonFiniteCode(layout, 1, 0)).toBeGreaterThan(nonFiniteCode(layout, 1, 1));
  expect(firstNonFinite(layout, emptyLanes(layout))).toBeUndefined();
});

test('a model whose layers do not fit each other is refused with the reason', () => {
  const model = {
    kind: 'cnn',
    image: [1, 4, 4],
    layers: [{ kind: 'conv2d', channels: 2, kernel: 7, stride: 1, padding: 0 }],
  } as const;
  expect(() =>
    createCpuEngine({
      job: { ...JOB, model: { ...model, image: [1, 4, 4], layers: [...model.layers] } },
      loader,
      reason: '',
    }),
  ).toThrow(/conv2d.*window of 7 does not fit into 4/u);
});

describe('opening an engine where there is no WebGPU', () => {
  test('gives the CPU engine and the reason in words', async () => {
    const engine = await openEngine({ choice: 'auto', job: JOB, loader });
    expect(engine.description).toMatchObject({ kind: 'cpu', software: true });
    expect(engine.description.reason).toContain('no WebGPU');
    expect((await openEngine({ choice: 'cpu', job: JOB, loader })).description.reason).toContain('asked for');
  });

  test('fails with fault "unavailable" when WebGPU is insisted on', async () => {
    expect(await faultOf(openEngine({ choice: 'webgpu', job: JOB, loader }))).toBe('unavailable');
  });
});
