// A fixed list of dispatches: bind groups are built once, and what varies between runs is written into uniforms.

import type { KernelName, Kernels } from './kernels.ts';

/** A word of a uniform: a number is u32; floats say so. */
export type UniformWord = number | { readonly f32: number };

export interface Dispatch<Variable> {
  readonly kernel: KernelName;
  /** Storage buffers, at bindings 1, 2, …; binding 0 is the uniform. */
  readonly buffers: readonly GPUBuffer[];
  readonly uniform: (variable: Variable) => readonly UniformWord[];
  readonly workgroups: (variable: Variable) => readonly [x: number, y: number, z: number];
}

export interface Program<Variable> {
  /** Writes the uniforms for the next `encode`. Takes effect in queue order, so not between two encodes of one submit. */
  prepare(variable: Variable): void;
  encode(encoder: GPUCommandEncoder): void;
}

/** Bytes between the uniforms of two dispatches: the default minUniformBufferOffsetAlignment. */
const SLOT_BYTES = 256;

/** Bytes of the uniform buffer that a program of so many dispatches needs. */
export const uniformBytes = (dispatches: number): number => dispatches * SLOT_BYTES;

export function createProgram<Variable>(
  device: GPUDevice,
  kernels: Kernels,
  uniforms: GPUBuffer,
  dispatches: readonly Dispatch<Variable>[],
): Program<Variable> {
  const bindGroups = dispatches.map(({ kernel, buffers }, i) =>
    device.createBindGroup({
      label: kernel,
      layout: kernels[kernel].getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: { buffer: uniforms, offset: i * SLOT_BYTES, size: SLOT_BYTES } },
        ...buffers.map((buffer, j) => ({ binding: j + 1, resource: { buffer } })),
      ],
    }),
  );
  let grids: (readonly [number, number, number])[] = [];

  return {
    prepare(variable) {
      const data = new DataView(new ArrayBuffer(uniformBytes(dispatches.length)));
      dispatches.forEach((dispatch, i) => {
        dispatch.uniform(variable).forEach((word, j) => {
          const at = i * SLOT_BYTES + 4 * j;
          if (typeof word === 'number') data.setUint32(at, word, true);
          else data.setFloat32(at, word.f32, true);
        });
      });
      device.queue.writeBuffer(uniforms, 0, data);
      grids = dispatches.map((dispatch) => dispatch.workgroups(variable));
    },

    encode(encoder) {
      const pass = encoder.beginComputePass();
      dispatches.forEach(({ kernel }, i) => {
        const [x, y, z] = grids[i] ?? [0, 0, 0];
        pass.setPipeline(kernels[kernel]);
        pass.setBindGroup(0, bindGroups[i]);
        pass.dispatchWorkgroups(x, y, z);
      });
      pass.end();
    },
  };
}

/** Workgroups of 64 for at least so many invocations, folded into two dimensions where one is not long enough. */
export function linearGrid(invocations: number): readonly [number, number, number] {
  const groups = Math.max(1, Math.ceil(invocations / 64));
  const y = Math.ceil(groups / 65_535);
  return [Math.ceil(groups / y), y, 1];
}
