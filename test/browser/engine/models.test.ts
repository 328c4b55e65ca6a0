// Whole models on the GPU: against the CPU engine, against themselves, and against a device that fails.

import { wholeVectors } from '../../../src/engine/webgpu/arena.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { createCpuEngine } from '../../../src/engine/cpu/engine.ts';
import type { EngineHooks } from '../../../src/engine/hooks.ts';
import { requestAdapter, requestDevice } from '../../../src/engine/webgpu/device.ts';
import { createWebGpuEngine, type WebGpuEngine } from '../../../src/engine/webgpu/engine.ts';
import { bundledShader } from '../../../src/engine/webgpu/shader-bundle.ts';
import { DEFAULT_JOB, type Job } from '../../../src/job/job.ts';
import { EngineError } from '../../../src/ports/engine.ts';
import {
  allMicroBatches,
  distance,
  layoutOf,
  mlpJob,
  noiseLoader,
  train,
  trainStep,
} from '../../support/engine.ts';

const opened: WebGpuEngine[] = [];
afterEach(() => {
  for (const engine of opened.splice(0)) engine.destroy();
});

async function open(job: Job, hooks: EngineHooks = {}): Promise<WebGpuEngine> {
  const engine = await createWebGpuEngine({
    device: await requestDevice(await requestAdapter(navigator.gpu)),
    shaders: bundledShader,
    job,
    loader: noiseLoader(job),
    description: { kind: 'webgpu', adapter: 'test', software: true, reason: 'A test.' },
    hooks,
  });
  opened.push(engine);
  return engine;
}

const MLP = mlpJob([7, 12, 9, 40], {
  model: { kind: 'mlp', layers: [7, 12, 9, 40], activation: 'gelu' },
  // Micro-batches of five samples: slices of three and two.
  globalBatch: 15,
  microBatches: 3,
});

const CNN: Job = {
  ...DEFAULT_JOB,
  globalBatch: 8,
  microBatches: 2,
  optimizer: { kind: 'sgd', learningRate: 0.05, momentum: 0.9, weightDecay: 0.01 },
  model: {
    kind: 'cnn',
    image: [2, 9, 8],
    layers: [
      { kind: 'conv2d', channels: 5, kernel: 3, stride: 1, padding: 1 },
      { kind: 'activation', function: 'relu' },
      { kind: 'max_pool2d', kernel: 2, stride: 2 },
      { kind: 'conv2d', channels: 6, kernel: 3, stride: 2, padding: 1 },
      { kind: 'activation', function: 'silu' },
      { kind: 'avg_pool2d', kernel: 2, stride: 1 },
      { kind: 'flatten' },
      { kind: 'linear', units: 10 },
      { kind: 'activation', function: 'tanh' },
      { kind: 'linear', units: 3 },
    ],
  },
};

const GPT: Job = {
  ...DEFAULT_JOB,
  globalBatch: 6,
  microBatches: 2,
  model: { kind: 'gpt', vocabulary: 37, context: 10, width: 16, heads: 2, layers: 1 },
  schedule: { kind: 'cosine', warmup: 2, end: 40, floor: 0.1 },
  clipNorm: 1,
};

const MODELS = [
  ['mlp', MLP],
  ['cnn', CNN],
  ['gpt', GPT],
] as const;

const STEPS = 50;
/** One slice a pass takes twice as many dispatches. */
const FEWER = 10;

/** The engine keeps its gradients in one buffer, which this refuses to be longer than one slice's. */
const oneSliceOnly = (job: Job): EngineHooks => ({
  createBuffer: (device, descriptor) => {
    if (descriptor.label === 'gradients' && descriptor.size > wholeVectors(4 * layoutOf(job).gradient)) {
      throw new RangeError('refused by the test');
    }
    return device.createBuffer(descriptor);
  },
});

const faultOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof EngineError) return error.fault;
    throw error;
  }
  return 'none';
};

describe.each(MODELS)('a whole %s', (_, job) => {
  test('agrees with the CPU engine in loss, gradient, evaluation and prediction', async () => {
    const gpu = await open(job);
    const cpu = createCpuEngine({ job, loader: noiseLoader(job), reason: 'A test.' });
    expect(await gpu.hash()).toBe(await cpu.hash());
    const { gradient } = layoutOf(job);
    for (let step = 0; step < 3; step++) {
      const [mine, theirs] = [await trainStep(gpu, step), await trainStep(cpu, step)];
      expect(Math.abs(mine.loss - theirs.loss)).toBeLessThan(2e-5 * theirs.loss);
      const { error, scale } = distance(mine.lanes.subarray(0, gradient), theirs.lanes.subarray(0, gradient));
      expect(error / scale).toBeLessThan(1e-4);
    }
    await cpu.importState(await gpu.exportState());
    const [mine, theirs] = [await gpu.evaluate(), await cpu.evaluate()];
    expect(mine.predictions).toBe(theirs.predictions);
    expect(Math.abs(mine.loss - theirs.loss)).toBeLessThan(1e-5 * theirs.loss);
    const { inputs } = await noiseLoader(job).load('test', Int32Array.of(0, 3, 5));
    const position = noiseLoader(job).format.positions - 1;
    const logits = await gpu.predict({ inputs, position });
    const { error, scale } = distance(logits, await cpu.predict({ inputs, position }));
    expect(error).toBeLessThan(1e-5 * Math.max(1, scale));
  });

  test('computes the same bits in two runs of 50 steps, as one of many and as a rank alone, and in slices one by one', async () => {
    const hashes = async (engine: WebGpuEngine, steps: number, alone = false) =>
      (await train(engine, steps, 'native', alone)).map(({ hash }) => hash);
    const engine = await open(job);
    const expected = await hashes(engine, STEPS);
    await engine.reset();
    expect(await hashes(engine, STEPS, true)).toEqual(expected);
    expect(await hashes(await open(job, oneSliceOnly(job)), FEWER)).toEqual(expected.slice(0, FEWER));
  });
});

describe('a device that fails', () => {
  test('says so at once when its device is destroyed in mid-step, and leaves no buffer', async () => {
    const engine = await open(MLP);
    await train(engine, 1);
    const running = engine.contribute({ step: 1, microBatches: allMicroBatches(MLP) });
    engine.device.destroy();
    expect(await faultOf(running)).toBe('device-lost');
    expect((await engine.lost).fault).toBe('device-lost');
    engine.destroy();
    expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  test('is back at its baseline of buffers after allocations were refused', async () => {
    let refuse = false;
    const engine = await open(MLP, {
      createBuffer: (device, descriptor) => {
        if (refuse && descriptor.label === 'gradients') throw new RangeError('refused by the test');
        return device.createBuffer(descriptor);
      },
    });
    engine.replan();
    const baseline = engine.memory();
    refuse = true;
    expect(await faultOf(engine.contribute({ step: 0, microBatches: [0] }))).toBe('out-of-memory');
    expect(engine.memory()).toEqual(baseline);
    refuse = false;
    await train(engine, 1);
    engine.replan();
    expect(engine.memory()).toEqual(baseline);
  });
});

test('the estimate before a job is what its passes then take', async () => {
  const engine = await open(GPT);
  await train(engine, 1);
  const { bytes, largestMicroBatch, largestBuffer, bufferLimit } = engine.preflight;
  // Parameters and two moments, copied when the first checkpoint is taken.
  const copy = 3 * 4 * layoutOf(GPT).gradient;
  expect(Math.abs(engine.memory().bytes + copy - bytes)).toBeLessThan(0.02 * bytes);
  expect(largestBuffer.bytes).toBeLessThan(bufferLimit);
  expect(largestMicroBatch).toBeGreaterThan(GPT.globalBatch / GPT.microBatches);
});
