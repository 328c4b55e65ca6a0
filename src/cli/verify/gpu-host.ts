// The WebGPU engine as verification needs it: in Node on Dawn, and in a page.

import { createWebGpuEngine } from '../../engine/webgpu/engine.ts';
import { describeAdapter, requestAdapter, requestDevice } from '../../engine/webgpu/device.ts';
import { createGpuOpRunner } from '../../engine/webgpu/op-runner.ts';
import type { ShaderText } from '../../engine/webgpu/pipelines.ts';
import type { VerifyHost } from './host.ts';

/** Opens a device for single operations; each engine gets one of its own. Rejects with an `EngineError` where there is none. */
export async function gpuHost(
  engine: 'webgpu' | 'dawn',
  gpu: GPU | undefined,
  shaders: ShaderText,
): Promise<VerifyHost> {
  const adapter = await requestAdapter(gpu);
  const { name, software } = describeAdapter(adapter.info);
  return {
    engine,
    adapter: name,
    ops: createGpuOpRunner(await requestDevice(adapter), shaders),
    // An adapter gives one device.
    open: async (job, loader) =>
      createWebGpuEngine({
        device: await requestDevice(await requestAdapter(gpu)),
        shaders,
        job,
        loader,
        description: { kind: 'webgpu', adapter: name, software, reason: 'It is held against a reference.' },
      }),
  };
}
