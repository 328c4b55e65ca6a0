// Opens the engine that is measured, in Node or in a page.

import { createCpuEngine } from '../../../engine/cpu/engine.ts';
import { describeAdapter, requestAdapter, requestDevice } from '../../../engine/webgpu/device.ts';
import { createWebGpuEngine } from '../../../engine/webgpu/engine.ts';
import { pinned, tuneMatmul } from '../../../engine/webgpu/matmul/tune.ts';
import type { ShaderText } from '../../../engine/webgpu/pipelines.ts';
import type { Job } from '../../../job/job.ts';
import type { MatmulChoice, MatmulTable } from '../../../job/kernels-schema.ts';
import type { Engine } from '../../../ports/engine.ts';
import { madeUpSamples } from './samples.ts';

const REASON = 'It is measured.';
/** Bytes that one pass may take on a GPU: enough for the whole batch of the largest model here. */
const GPU_BYTES = 8 * 1024 ** 3;

/** With `tune`, the job's matrix products are measured on the device first, and the fastest kernels pinned. */
export async function openGpuEngine(
  gpu: GPU | undefined,
  shaders: ShaderText,
  job: Job,
  tune: boolean,
): Promise<Engine> {
  const adapter = await requestAdapter(gpu);
  const { name, software } = describeAdapter(adapter.info);
  const device = await requestDevice(adapter);
  const matmul = tune ? await tuned(device, shaders, job) : job.kernels.matmul;
  return createWebGpuEngine({
    device,
    shaders,
    job: { ...job, kernels: { ...job.kernels, matmul } },
    loader: madeUpSamples(job),
    description: { kind: 'webgpu', adapter: name, software, reason: REASON },
    ...(software ? {} : { passBytes: GPU_BYTES }),
  });
}

async function tuned(device: GPUDevice, shaders: ShaderText, job: Job): Promise<MatmulTable> {
  const known: Record<string, MatmulChoice> = {};
  await tuneMatmul({ device, shaders, job, now: () => performance.now(), known });
  return pinned(job, known);
}

export const openCpuEngine = (job: Job): Engine =>
  createCpuEngine({ job, loader: madeUpSamples(job), reason: REASON });
