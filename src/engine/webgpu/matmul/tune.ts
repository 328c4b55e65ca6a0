// Which kernel is fastest for each matrix product of a job, measured on the device itself in a short search. The result is a table
// that the job pins, so that all ranks of a room compute alike.

import { modelGraph } from '../../graph/model-graph.ts';
import type { MatmulCall } from '../../graph/matmul-call.ts';
import { layerOf } from '../../layers/index.ts';
import type { BufferRole, GpuCall } from '../../layers/layer.ts';
import { sliceRows } from '../../requests.ts';
import type { Job } from '../../../job/job.ts';
import { MatmulKernelSchema, type MatmulChoice, type MatmulTable } from '../../../job/kernels-schema.ts';
import { createArena } from '../arena.ts';
import { createPipelines, type Pipelines, type ShaderText } from '../pipelines.ts';
import { createBindGroups, createProgram, uniformBytes } from '../program.ts';
import { chooseMatmul, runsOn, shapeKey, TILINGS, type ProductShape } from './choose.ts';
import { lowerMatmul } from './lower.ts';

/** What one timing of one candidate may take, in milliseconds: the search of a GPT's dozen products then takes a few hundred. */
const TIMING_MS = 4;
const REPEATS = 3;
const MOST_DISPATCHES = 64;
/** Another kernel must be this much faster than the default's, so that noise does not decide. */
const MARGIN = 0.95;

/** Below so many floating-point operations, what a product takes is the launch of a kernel, whichever it is. */
const LEAST_FLOPS = 2_000_000;

const flopsOf = ({ m, n, k, batch }: ProductShape): number => 2 * m * n * k * batch;

const ONE_SLICE = { slices: 1, samples: 1 };

/** The distinct products of one slice of a job's step. */
export function productsOf(job: Job): readonly ProductShape[] {
  const graph = modelGraph(job.model);
  const samplesPerSlice = sliceRows(job);
  const products = new Map<string, ProductShape>();
  const note = (calls: readonly GpuCall[]): void => {
    for (const call of calls) {
      if (call.kind !== 'matmul') continue;
      const { transposeA, transposeB, size } = call;
      const shape = { ...size({ slices: 1, samples: samplesPerSlice }), transposeA, transposeB };
      products.set(shapeKey(shape), shape);
    }
  };
  for (const node of graph.nodes) {
    const { gpu } = layerOf(node.spec);
    const place = { ...node, samplesPerSlice, gradientLength: graph.parameterCount };
    const none = node.inputs.map(() => false);
    note(gpu.forward(place));
    note(
      gpu.backward(
        place,
        node.inputs.map(() => true),
        none,
      ),
    );
    note(
      gpu.parameterGradient?.(
        place,
        node.parameters.map(() => false),
      ) ?? [],
    );
  }
  return [...products.values()];
}

export interface TuneInput {
  readonly device: GPUDevice;
  readonly shaders: ShaderText;
  readonly job: Job;
  /** In milliseconds. */
  readonly now: () => number;
  /** Nothing is begun after so long; the products with the most arithmetic come first. No limit when left out. */
  readonly budgetMs?: number | undefined;
  /** The fastest kernels on this adapter, by product. Those in it are not measured again; the others join it one by one. */
  readonly known: Record<string, MatmulChoice>;
}

/** The products of a job that are worth a measurement, those with the most arithmetic first. */
export const tunable = (job: Job): readonly ProductShape[] =>
  productsOf(job)
    .filter((shape) => flopsOf(shape) >= LEAST_FLOPS)
    .sort((a, b) => flopsOf(b) - flopsOf(a));

/** Of what is known to be fastest, what the job has to pin: where that is not the default's kernel. */
export function pinned(job: Job, known: MatmulTable): MatmulTable {
  const table: Record<string, MatmulChoice> = {};
  for (const shape of tunable(job)) {
    const best = known[shapeKey(shape)];
    const standard = chooseMatmul(shape, {});
    const differs = best?.kernel !== standard.kernel || best.splits !== standard.splits;
    if (best !== undefined && differs) table[shapeKey(shape)] = best;
  }
  return table;
}

/**
 * Measures every kernel that the device can run for the job's products. Rejects with an `EngineError` when the device refuses memory
 * or a kernel. The device is idle otherwise, and keeps nothing of the search.
 */
export async function tuneMatmul(input: TuneInput): Promise<void> {
  const { device, shaders, job, now, budgetMs = Infinity, known } = input;
  const end = now() + budgetMs;
  const isOver = (): boolean => now() >= end;
  const pipelines = createPipelines(device, shaders);
  for (const shape of tunable(job)) {
    const key = shapeKey(shape);
    if (known[key] !== undefined || isOver()) continue;
    const best = await search(device, pipelines, shape, now, isOver);
    if (best !== undefined) known[key] = best;
  }
}

/** The fastest kernel for a product, the default's unless another is clearly faster. Undefined when time ran out. */
async function search(
  device: GPUDevice,
  pipelines: Pipelines,
  shape: ProductShape,
  now: () => number,
  isOver: () => boolean,
): Promise<MatmulChoice | undefined> {
  const standard = chooseMatmul(shape, {});
  let best = standard;
  let least = Infinity;
  for (const choice of candidatesFor(shape, standard, device.limits)) {
    const time = await measure(device, pipelines, shape, choice, now, isOver);
    if (time === undefined) return undefined;
    if (choice === standard) least = MARGIN * time;
    else if (time < least) [best, least] = [choice, time];
  }
  return best;
}

function candidatesFor(
  shape: ProductShape,
  standard: MatmulChoice,
  limits: GPUSupportedLimits,
): readonly MatmulChoice[] {
  const others = MatmulKernelSchema.options
    .filter((kernel) => runsOn(kernel, limits))
    // A tile of which most would be padding cannot win.
    .filter((kernel) => TILINGS[kernel].m <= 2 * shape.m && TILINGS[kernel].n <= 2 * shape.n)
    .flatMap((kernel) => [1, standard.splits].map((splits) => ({ kernel, splits })));
  const seen = new Set<string>();
  return [standard, ...others].filter(({ kernel, splits }) => {
    const key = `${kernel} ${splits}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/**
 * Milliseconds of one product: the least of a few timings, since whatever disturbs one only makes it longer. Undefined when time ran
 * out before the first.
 */
async function measure(
  device: GPUDevice,
  pipelines: Pipelines,
  shape: ProductShape,
  choice: MatmulChoice,
  now: () => number,
  isOver: () => boolean,
): Promise<number | undefined> {
  const arena = createArena(device);
  const calls = lowerMatmul(plainProduct(shape), {
    samplesPerSlice: 1,
    table: { [shapeKey(shape)]: choice },
  });
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const { m, n, k, batch } = shape;
  try {
    const buffers = await arena.allocate({
      a: { bytes: 4 * batch * m * k, usage },
      b: { bytes: 4 * batch * k * n, usage },
      c: { bytes: 4 * batch * m * n, usage },
      partial: { bytes: choice.splits > 1 ? 4 * batch * m * n * choice.splits : 0, usage },
      uniforms: {
        bytes: uniformBytes(calls.length),
        usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
      },
    });
    const bufferOf = (role: BufferRole): GPUBuffer => {
      if (role === 'parameters') return buffers.b;
      if (role === 'output') return buffers.c;
      return typeof role === 'object' && 'scratch' in role ? buffers.partial : buffers.a;
    };
    const dispatches = calls.map((call) => ({
      label: call.shader,
      kernel: {
        shader: call.shader,
        entryPoint: call.entryPoint,
        constants: call.constants ?? {},
        reads: call.reads.length,
        writes: call.writes.length,
      },
      buffers: [...call.reads, ...call.writes].map(bufferOf),
      uniform: () => call.uniform(ONE_SLICE),
      workgroups: () => call.workgroups(ONE_SLICE),
    }));
    await pipelines.compile(dispatches.map(({ kernel }) => kernel));
    const groups = createBindGroups(device, pipelines, buffers.uniforms);
    const program = createProgram<undefined>(device, pipelines, buffers.uniforms, 0, groups, dispatches);
    program.prepare(undefined);
    const run = async (times: number): Promise<number> => {
      const encoder = device.createCommandEncoder({ label: 'tune' });
      for (let i = 0; i < times; i++) program.encode(encoder);
      const start = now();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      return (now() - start) / times;
    };
    await run(1);
    if (isOver()) return undefined;
    let least = await run(1);
    const times = Math.max(1, Math.min(MOST_DISPATCHES, Math.round(TIMING_MS / Math.max(least, 0.01))));
    for (let repeat = 0; repeat < REPEATS && !isOver(); repeat++) least = Math.min(least, await run(times));
    return least;
  } finally {
    arena.freeAll();
  }
}

/** Three matrices side by side in buffers of their own. */
const plainProduct = ({ m, n, k, batch, transposeA, transposeB }: ProductShape): MatmulCall => ({
  kind: 'matmul',
  transposeA,
  transposeB,
  size: () => ({ m, n, k, batch }),
  a: { buffer: { input: 0 }, offset: 0, stride: transposeA ? m : k, batchStride: m * k },
  b: { buffer: 'parameters', offset: 0, stride: transposeB ? k : n, batchStride: k * n },
  c: { buffer: 'output', offset: 0, stride: n, batchStride: m * n },
  accumulate: false,
});
