// How long a training step of one engine takes, and what it spends it on. Runs in Node and in a page alike.

import { exponentFor } from '../../../collective/fixed-point.ts';
import type { StepCost } from '../../../engine/webgpu/plan/cost.ts';
import type { WebGpuEngine } from '../../../engine/webgpu/engine.ts';
import { jobLayout } from '../../../engine/graph/job-layout.ts';
import { modelGraph } from '../../../engine/graph/model-graph.ts';
import type { MatmulTable } from '../../../job/kernels-schema.ts';
import type { Engine } from '../../../ports/engine.ts';
import { median } from '../median.ts';

export interface KernelShare {
  /** Shader and entry point. */
  readonly kernel: string;
  readonly dispatches: number;
  /** Of the time of all kernels of a pass. */
  readonly share: number;
  readonly milliseconds: number;
  readonly gflops: number;
  readonly gbps: number;
}

export interface StepMeasurement {
  readonly parameters: number;
  readonly samples: number;
  /** Of a language model; else 0. */
  readonly tokens: number;
  /** Median over the measured steps. */
  readonly milliseconds: number;
  readonly steps: number;
  readonly loss: number;
  /** On paper; undefined for the CPU engine. */
  readonly cost: StepCost | undefined;
  readonly timedBy: 'timestamps' | 'submits' | undefined;
  readonly kernels: readonly KernelShare[];
  /** Bytes that the job takes on the device. */
  readonly memoryBytes: number;
  /** Kernels that the job pins, by product. */
  readonly pinned: MatmulTable;
}

const WARM_UP = 1;
const LEAST_STEPS = 3;

export interface MeasureOptions {
  /** At most. */
  readonly steps: number;
  /** No step is begun after so long, but for the first three. */
  readonly budgetMs: number;
  /** The gradient is read back and the sum uploaded, as a rank among others must. */
  readonly exchange: boolean;
}

export async function measureSteps(
  engine: Engine,
  { steps: most, budgetMs, exchange }: MeasureOptions,
  signal?: AbortSignal,
): Promise<StepMeasurement> {
  const { job } = engine;
  const graph = modelGraph(job.model);
  const layout = jobLayout(job, graph);
  const microBatches = Array.from({ length: job.microBatches }, (_, i) => i);
  const alone = !exchange;
  const times: number[] = [];
  let loss = NaN;
  const begin = performance.now();
  for (let step = 0; step < WARM_UP + most; step++) {
    signal?.throwIfAborted();
    const start = performance.now();
    let reduced = await engine.contribute({ step, microBatches, alone });
    let exponents: Int32Array | undefined;
    if (reduced[layout.overflows] !== 0) {
      const largest = reduced.subarray(layout.exponents, layout.exponents + layout.tensors);
      exponents = Int32Array.from(largest, (biased) => exponentFor(biased, 0));
      reduced = await engine.contribute({ step, microBatches, exponents, alone });
    }
    await engine.apply({ step, reduced, mode: 'native', exponents, alone });
    loss = (reduced[layout.loss] ?? NaN) / (1 << 20);
    if (step >= WARM_UP) times.push(performance.now() - start);
    if (times.length >= LEAST_STEPS && performance.now() - begin > budgetMs) break;
  }
  const memoryBytes = engine.memory().bytes;
  const profiled = isWebGpu(engine) ? await profileOf(engine) : undefined;
  return {
    parameters: graph.parameterCount,
    samples: job.globalBatch,
    tokens: job.model.kind === 'gpt' ? job.globalBatch * graph.positions : 0,
    milliseconds: median(times),
    steps: times.length,
    loss,
    cost: isWebGpu(engine) ? engine.cost(job.microBatches) : undefined,
    timedBy: profiled?.by,
    kernels: profiled?.kernels ?? [],
    memoryBytes,
    pinned: job.kernels.matmul,
  };
}

const isWebGpu = (engine: Engine): engine is WebGpuEngine => 'profile' in engine && 'cost' in engine;

async function profileOf(engine: WebGpuEngine) {
  const { by, kernels, costs } = await engine.profile(() => performance.now());
  const total = kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return {
    by,
    kernels: kernels.map(({ kernel, dispatches, milliseconds }): KernelShare => {
      const cost = costs.kernels.find((one) => one.kernel === kernel);
      const rate = (amount: number): number => (milliseconds > 0 ? amount / milliseconds / 1e6 : 0);
      return {
        kernel,
        dispatches,
        milliseconds,
        share: total > 0 ? milliseconds / total : 0,
        gflops: rate(cost?.flops ?? 0),
        gbps: rate(cost?.bytes ?? 0),
      };
    }),
  };
}
