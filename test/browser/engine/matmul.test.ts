/** Every kernel for matrix products, at ragged and aligned sizes, against the CPU's product. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MatmulChoice, MatmulKernel, MatmulTable } from '../../../src/job/kernels-schema.ts';
import { matmul } from '../../../src/engine/cpu/matmul.ts';
import type { MatmulCall } from '../../../src/engine/graph/matmul-call.ts';
import type { BufferRole } from '../../../src/engine/layers/layer.ts';
import { requestAdapter, requestDevice } from '../../../src/engine/webgpu/device.ts';
import { chooseMatmul, shapeKey, type ProductShape } from '../../../src/engine/webgpu/matmul/choose.ts';
import { pinned, productsOf, tuneMatmul } from '../../../src/engine/webgpu/matmul/tune.ts';
import { bundledShader } from '../../../src/engine/webgpu/shader-bundle.ts';
import { DEFAULT_JOB, parseJob, type Job } from '../../../src/job/job.ts';
import { lowerMatmul, productShape } from '../../../src/engine/webgpu/matmul/lower.ts';
import { tunedJob, type KernelStore } from '../../../src/live/tuned-job.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { systemClock } from '../../../src/transport/system-clock.ts';
import { createBench, floats, type Bench } from './gpu.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.destroy());

interface Product {
  readonly kernel: MatmulKernel;
  readonly splits: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Multiples of 4 throughout. */
  readonly aligned: boolean;
  /** Elements before each matrix, and between its rows. */
  readonly gap: number;
  readonly bias: boolean;
  readonly accumulate: boolean;
  readonly seed: number;
}

const product: fc.Arbitrary<Product> = fc
  .record({
    kernel: fc.constantFrom<MatmulKernel>('small', '64x64x16', '256x128x8'),
    splits: fc.constantFrom(1, 3),
    m: fc.integer({ min: 1, max: 140 }),
    n: fc.integer({ min: 1, max: 140 }),
    k: fc.integer({ min: 1, max: 70 }),
    batch: fc.integer({ min: 1, max: 2 }),
    transposeA: fc.boolean(),
    transposeB: fc.boolean(),
    aligned: fc.boolean(),
    gap: fc.integer({ min: 0, max: 3 }),
    bias: fc.boolean(),
    accumulate: fc.boolean(),
    seed: fc.integer({ min: 1, max: 1000 }),
  })
  .map((drawn) => {
    if (!drawn.aligned) return drawn;
    const whole = (length: number): number => Math.ceil(length / 4) * 4;
    return { ...drawn, m: whole(drawn.m), n: whole(drawn.n), k: whole(drawn.k), gap: 4 * drawn.gap };
  });

/** In [−1, 1), the same for the same seed. */
function noise(length: number, seed: number): Float32Array<ArrayBuffer> {
  let word = seed;
  return Float32Array.from({ length }, () => {
    word = (Math.imul(word, 1664525) + 1013904223) | 0;
    return word / 0x8000_0000;
  });
}

async function onGpu(given: Product) {
  const { m, n, k, batch, transposeA, transposeB, gap, accumulate } = given;
  const matrix = (buffer: BufferRole, rows: number, columns: number) => {
    const stride = columns + gap;
    return { buffer, offset: gap, stride, batchStride: rows * stride };
  };
  const a = matrix({ input: 0 }, transposeA ? k : m, transposeA ? m : k);
  const b = matrix('parameters', transposeB ? n : k, transposeB ? k : n);
  const c = matrix('output', m, n);
  const biasAt = b.offset + batch * b.batchStride;
  const call: MatmulCall = {
    kind: 'matmul',
    transposeA,
    transposeB,
    size: () => ({ m, n, k, batch }),
    a,
    b,
    c,
    accumulate,
    ...(given.bias ? { bias: biasAt } : {}),
  };
  const arrays = new Map<string, Float32Array<ArrayBuffer>>([
    [JSON.stringify(a.buffer), noise(gap + batch * a.batchStride, given.seed)],
    [JSON.stringify(b.buffer), noise(biasAt + n, given.seed + 1)],
    [JSON.stringify(c.buffer), noise(gap + batch * c.batchStride, given.seed + 2)],
  ]);
  const at = (role: BufferRole): Float32Array<ArrayBuffer> => {
    const scratch = typeof role === 'object' && 'scratch' in role;
    return (
      arrays.get(JSON.stringify(role)) ?? new Float32Array(scratch ? Math.ceil(role.bytesPerSample / 4) : 0)
    );
  };

  const expected = Float64Array.from(at(c.buffer));
  for (let i = 0; i < batch; i++) {
    const view = (of: typeof a, transposed: boolean) => ({
      data: Float64Array.from(at(of.buffer)),
      offset: of.offset + i * of.batchStride,
      stride: of.stride,
      transposed,
    });
    const target = { data: expected, offset: c.offset + i * c.batchStride, stride: c.stride };
    matmul(m, n, k, view(a, transposeA), view(b, transposeB), target, accumulate);
    if (!given.bias) continue;
    const biases = at(b.buffer).subarray(biasAt, biasAt + n);
    for (let row = 0; row < m; row++) {
      const start = target.offset + row * c.stride;
      biases.forEach((value, j) => (expected[start + j] = (expected[start + j] ?? 0) + value));
    }
  }

  const table = { [shapeKey(productShape(call, 1))]: { kernel: given.kernel, splits: given.splits } };
  for (const kernel of lowerMatmul(call, { samplesPerSlice: 1, table })) {
    const size = { slices: 1, samples: 1 };
    const roles = [...kernel.reads, ...kernel.writes];
    const results = await bench.run({
      shader: kernel.shader,
      entryPoint: kernel.entryPoint,
      ...(kernel.constants === undefined ? {} : { constants: kernel.constants }),
      reads: kernel.reads.length,
      uniform: kernel.uniform(size),
      arrays: roles.map(at),
      workgroups: kernel.workgroups(size),
    });
    kernel.writes.forEach((role, i) => {
      arrays.set(JSON.stringify(role), floats(results[kernel.reads.length + i]));
    });
  }
  return { found: at(c.buffer), expected };
}

describe('a matrix product', () => {
  it('is the CPU’s, whichever kernel computes it, at any size, offset and stride', async () => {
    await fc.assert(
      fc.asyncProperty(product, async (given) => {
        const { found, expected } = await onGpu(given);
        const bound = 1e-5 * Math.sqrt(given.k) + 1e-6;
        found.forEach((value, i) => {
          expect(Math.abs(value - (expected[i] ?? Number.NaN)), `element ${i}`).toBeLessThanOrEqual(bound);
        });
      }),
      { numRuns: 10, seed: 20 },
    );
  });

  it('has the same bits in every tiling when its sum is not split', async () => {
    const shape = { m: 70, n: 66, k: 61, batch: 1, transposeA: false, transposeB: true, aligned: false };
    const given = { ...shape, gap: 1, bias: true, accumulate: false, seed: 5, splits: 1 };
    const tiled = await onGpu({ ...given, kernel: '64x64x16' });
    const large = await onGpu({ ...given, kernel: '256x128x8' });
    expect(large.found).toEqual(tiled.found);
  });

  it('is measured in a short search, whose table a job can pin', async () => {
    const device = await requestDevice(await requestAdapter(navigator.gpu));
    expect(productsOf(JOB).map(shapeKey)).toEqual(PRODUCTS);
    // Compiling takes a software adapter seconds: one product is searched for, the others are known.
    const [first = '', ...others] = PRODUCTS;
    const known: Record<string, MatmulChoice> = Object.fromEntries(others.map((key) => [key, CHOICE]));
    await tuneMatmul({ device, shaders: bundledShader, job: JOB, now: () => performance.now(), known });
    device.destroy();
    expect(Object.keys(known).sort()).toEqual([...PRODUCTS].sort());
    expect(known[first]).toBeDefined();
    const job = parseJob({ ...JOB, kernels: { version: 1, matmul: pinned(JOB, known) } });
    expect(job.kernels.matmul).toMatchObject(Object.fromEntries(others.map((key) => [key, CHOICE])));
    for (const [key, { kernel, splits }] of Object.entries(job.kernels.matmul)) {
      expect({ kernel, splits }).not.toEqual(chooseMatmul(productNamed(JOB, key), {}));
    }
  });

  it('is made by the founder of a room, within its time, once for an adapter, and not for what is too small', async () => {
    const kept = new Map<string, MatmulTable>();
    const store: KernelStore = {
      read: async (adapter) => Promise.resolve(kept.get(adapter) ?? {}),
      write: async (adapter, known) => Promise.resolve(void kept.set(adapter, known)),
    };
    const options = {
      engine: 'webgpu',
      gpu: navigator.gpu,
      shaders: () => Promise.resolve(bundledShader),
      store,
      clock: systemClock(),
    } as const;
    const hasty: Clock = { now: options.clock.now, after: (_, late) => options.clock.after(0, late) };
    expect(await tunedJob(JOB, { ...options, clock: hasty })).toEqual(JOB);
    const founded = await tunedJob(JOB, options);
    const [known = {}] = kept.values();
    expect(founded).toEqual({ ...JOB, kernels: { version: 1, matmul: pinned(JOB, known) } });
    // What fits into the time depends on the machine; what is pinned by hand here stands for the best.
    for (const adapter of kept.keys()) {
      kept.set(adapter, Object.fromEntries(PRODUCTS.map((key) => [key, CHOICE])));
    }
    const again = await tunedJob(JOB, {
      ...options,
      shaders: () => Promise.reject(new Error('measured again')),
    });
    expect(Object.keys(again.kernels.matmul)).toEqual(PRODUCTS);
    expect(await tunedJob(again, options)).toBe(again);
    expect(await tunedJob(JOB, { ...options, engine: 'cpu' })).toBe(JOB);
    expect(await tunedJob(DEFAULT_JOB, options)).toBe(DEFAULT_JOB);
    expect(await tunedJob(JOB, { ...options, gpu: undefined })).toBe(JOB);
  });
});

const JOB = parseJob({
  ...DEFAULT_JOB,
  model: { kind: 'mlp', layers: [48, 48], activation: 'relu' },
  globalBatch: 1024,
  microBatches: 1,
});
const PRODUCTS = ['NT 512x48x48 1', 'NN 512x48x48 1', 'TN 48x48x512 1'];
/** No default: these products are no shallow ones. */
const CHOICE = { kernel: 'shallow', splits: 1 } as const;

const productNamed = (job: Job, key: string): ProductShape => {
  const shape = productsOf(job).find((product) => shapeKey(product) === key);
  if (shape === undefined) throw new RangeError(`The job has no product ${key}.`);
  return shape;
};
