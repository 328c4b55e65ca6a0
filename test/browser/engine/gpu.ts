// A device for tests of single kernels: runs one dispatch and reads its buffers back.

import { compileKernels, type KernelName, type KernelOptions } from '../../../src/engine/webgpu/kernels.ts';
import { createProgram, uniformBytes, type UniformWord } from '../../../src/engine/webgpu/program.ts';
import { readWords } from '../../../src/engine/webgpu/readback.ts';
import { requestAdapter, requestDevice } from '../../../src/engine/webgpu/device.ts';

type Words = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

export interface Bench {
  /** Runs a kernel on copies of the arrays and returns their bits afterwards. */
  run(
    kernel: KernelName,
    uniform: readonly UniformWord[],
    arrays: readonly Words[],
    workgroups: readonly [number, number, number],
  ): Promise<Int32Array<ArrayBuffer>[]>;
  destroy(): void;
}

export async function createBench(options: KernelOptions): Promise<Bench> {
  const device = await requestDevice(await requestAdapter(navigator.gpu));
  const kernels = await compileKernels(device, options);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  return {
    async run(kernel, uniform, arrays, workgroups) {
      device.pushErrorScope('validation');
      const buffers = arrays.map((array) => {
        const buffer = device.createBuffer({ size: array.byteLength, usage });
        device.queue.writeBuffer(buffer, 0, array);
        return buffer;
      });
      const uniforms = device.createBuffer({
        size: uniformBytes(1),
        usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
      });
      const program = createProgram<undefined>(device, kernels, uniforms, [
        { kernel, buffers, uniform: () => uniform, workgroups: () => workgroups },
      ]);
      program.prepare(undefined);
      const encoder = device.createCommandEncoder();
      program.encode(encoder);
      const staging = arrays.map((array, i) => {
        const copy = device.createBuffer({
          size: array.byteLength,
          usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
        });
        const source = buffers[i];
        if (source !== undefined) encoder.copyBufferToBuffer(source, 0, copy, 0, array.byteLength);
        return copy;
      });
      device.queue.submit([encoder.finish()]);
      const error = await device.popErrorScope();
      if (error !== null) throw new Error(error.message);
      const words = await Promise.all(staging.map((buffer) => readWords(buffer, buffer.size)));
      for (const buffer of [...buffers, ...staging, uniforms]) buffer.destroy();
      return words;
    },
    destroy: () => device.destroy(),
  };
}

export const floats = (words: Int32Array<ArrayBuffer> | undefined): Float32Array<ArrayBuffer> =>
  new Float32Array(words?.buffer ?? new ArrayBuffer(0));
