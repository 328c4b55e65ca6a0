// Which engine runs, and why: WebGPU on a real adapter, else the CPU engine, unless the choice is made by hand.

import type { Job } from '../job/job.ts';
import { EngineError, type Engine } from '../ports/engine.ts';
import type { Loader } from '../ports/loader.ts';
import { createCpuEngine } from './cpu/engine.ts';
import type { EngineHooks } from './hooks.ts';
import type { ShaderText } from './webgpu/pipelines.ts';
import { describeAdapter, requestAdapter, requestDevice } from './webgpu/device.ts';

export interface OpenEngineOptions {
  /** `webgpu` also takes a software adapter; `auto` does not. */
  readonly choice: 'auto' | 'webgpu' | 'cpu';
  readonly job: Job;
  /** It may still be on its way: what does not need it is done meanwhile. */
  readonly loader: Loader | Promise<Loader>;
  /** `navigator.gpu` where there is one; it may be left out. */
  readonly gpu?: GPU | undefined;
  readonly hooks?: EngineHooks | undefined;
  /** Where the kernels' texts come from; the bundle's, where it is not said. */
  readonly shaders?: ShaderText | undefined;
}

/** Of the page or worker that this runs in. */
export const browserGpu = (): GPU | undefined =>
  typeof navigator === 'undefined' ? undefined : (navigator as Partial<Pick<Navigator, 'gpu'>>).gpu;

/** A turn for messages and timers between pieces of work. */
const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/**
 * Opens an engine, in a page, a worker or Node. Rejects with an `EngineError`: `unavailable` when `webgpu` is asked for and there is
 * none, or whatever kept the chosen engine from starting.
 */
export async function openEngine(options: OpenEngineOptions): Promise<Engine> {
  const { choice, job, loader, hooks = {}, gpu = browserGpu() } = options;
  const onCpu = async (reason: string): Promise<Engine> =>
    createCpuEngine({ job, loader: await loader, reason, hooks: { giveWay: nextTask, ...hooks } });
  if (choice === 'cpu') return await onCpu('The CPU engine was asked for.');

  try {
    // A software adapter is not taken unless it is asked for: then there is no need of what runs on it.
    const code = choice === 'webgpu' ? loadCode(options.shaders) : undefined;
    code?.catch(() => undefined);
    const adapter = await requestAdapter(gpu);
    const { name, software } = describeAdapter(adapter.info);
    if (choice === 'auto' && software) {
      return await onCpu(
        `The only WebGPU adapter here, ${name}, is itself a program on the CPU, and the CPU engine is faster.`,
      );
    }
    const reason = choice === 'auto' ? `WebGPU runs here on ${name}.` : 'WebGPU was asked for.';
    const description = { kind: 'webgpu', adapter: name, software, reason } as const;
    const [device, { createWebGpuEngine, shaders }] = await Promise.all([
      requestDevice(adapter),
      code ?? loadCode(options.shaders),
    ]);
    return await createWebGpuEngine({
      device,
      shaders,
      job,
      loader,
      description,
      hooks,
    });
  } catch (error) {
    // What is wrong with the data or the job is so on either engine.
    const onlyGpu = error instanceof EngineError && error.fault !== 'bad-state' && error.fault !== 'loader';
    if (choice === 'webgpu' || !onlyGpu) throw error;
    return await onCpu(`${error.message} So the CPU engine runs.`);
  }
}

/** On demand, since not every rank needs it; and the shaders come as text through Vite, which Node does not have. */
async function loadCode(given: ShaderText | undefined) {
  const [{ createWebGpuEngine }, shaders] = await Promise.all([
    import('./webgpu/engine.ts'),
    given ?? import('./webgpu/shader-bundle.ts').then(({ bundledShader }) => bundledShader),
  ]);
  return { createWebGpuEngine, shaders };
}
