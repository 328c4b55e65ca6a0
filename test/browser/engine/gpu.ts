// A device for tests of single kernels: runs one dispatch and reads its buffers back.

import type { UniformWord, Workgroups } from '../../../src/engine/layers/layer.ts';
import { requestAdapter, requestDevice } from '../../../src/engine/webgpu/device.ts';
import { createPipelines } from '../../../src/engine/webgpu/pipelines.ts';
import type { Kernel } from '../../../src/engine/webgpu/plan/operation.ts';
import { createBindGroups, createProgram, uniformBytes } from '../../../src/engine/webgpu/program.ts';
import { readWords } from '../../../src/engine/webgpu/readback.ts';
import { bundledShader } from '../../../src/engine/webgpu/shader-bundle.ts';

export type Words = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** A dispatch by its arrays, of which it reads the first ones. */
export interface Run extends Omit<Kernel, 'constants' | 'reads' | 'writes'> {
  readonly constants?: Kernel['constants'];
  readonly reads: number;
  readonly uniform: readonly UniformWord[];
  readonly arrays: readonly Words[];
  readonly workgroups: Workgroups;
}

export interface Bench {
  /** Runs a kernel on copies of the arrays and returns their bits afterwards. */
  run(run: Run): Promise<Int32Array<ArrayBuffer>[]>;
  destroy(): void;
}

export async function createBench(): Promise<Bench> {
  const device = await requestDevice(await requestAdapter(navigator.gpu));
  const pipelines = createPipelines(device, bundledShader);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  return {
    async run({ shader, entryPoint, constants = {}, reads, uniform, arrays, workgroups }) {
      const kernel: Kernel = { shader, entryPoint, constants, reads, writes: arrays.length - reads };
      await pipelines.compile([kernel]);
      device.pushErrorScope('validation');
      const buffers = arrays.map((array) => {
        const buffer = device.createBuffer({
          size: Math.max(16, Math.ceil(array.byteLength / 16) * 16),
          usage,
        });
        device.queue.writeBuffer(buffer, 0, array);
        return buffer;
      });
      const uniforms = device.createBuffer({
        size: uniformBytes(1),
        usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
      });
      const groups = createBindGroups(device, pipelines, uniforms);
      const program = createProgram<undefined>(device, pipelines, uniforms, 0, groups, [
        { label: entryPoint, kernel, buffers, uniform: () => uniform, workgroups: () => workgroups },
      ]);
      program.prepare(undefined);
      const encoder = device.createCommandEncoder();
      program.encode(encoder);
      const staging = buffers.map((source) => {
        const copy = device.createBuffer({
          size: source.size,
          usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
        });
        encoder.copyBufferToBuffer(source, 0, copy, 0, source.size);
        return copy;
      });
      device.queue.submit([encoder.finish()]);
      const error = await device.popErrorScope();
      if (error !== null) throw new Error(error.message);
      // Buffers are whole vectors, as the arena makes them; arrays need not be.
      const words = await Promise.all(
        staging.map(async (buffer, i) =>
          (await readWords(buffer, buffer.size)).slice(0, arrays[i]?.length ?? 0),
        ),
      );
      for (const buffer of [...buffers, ...staging, uniforms]) buffer.destroy();
      return words;
    },
    destroy: () => device.destroy(),
  };
}

export const floats = (words: Int32Array<ArrayBuffer> | undefined): Float32Array<ArrayBuffer> =>
  new Float32Array(words?.buffer ?? new ArrayBuffer(0));
