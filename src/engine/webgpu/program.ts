// A fixed list of dispatches: bind groups are built once and shared, and what varies between runs is written into uniforms, which all
// lie in one buffer and are told apart by dynamic offsets.

import type { UniformWord, Workgroups } from '../layers/layer.ts';
import type { Kernel } from './plan/operation.ts';
import { UNIFORM_BYTES, type Pipelines } from './pipelines.ts';

export interface Dispatch<Variable> {
  readonly label: string;
  readonly kernel: Kernel;
  /** Storage buffers, at bindings 1, 2, …; binding 0 is the uniform. */
  readonly buffers: readonly GPUBuffer[];
  readonly uniform: (variable: Variable) => readonly UniformWord[];
  readonly workgroups: (variable: Variable) => Workgroups;
}

export interface Program<Variable> {
  /** Writes the uniforms for the next `encode`. Takes effect in queue order, so not between two encodes of one submit. */
  prepare(variable: Variable): void;
  /** Dispatches from `first` up to `end`, all of them when left out, in one compute pass. */
  encode(encoder: GPUCommandEncoder, first?: number, end?: number): void;
  readonly dispatches: readonly Pick<Dispatch<Variable>, 'label' | 'kernel'>[];
  /** One dispatch in a pass of its own, to take its time. */
  encodeOne(
    encoder: GPUCommandEncoder,
    dispatch: number,
    timestampWrites?: GPUComputePassTimestampWrites,
  ): void;
}

/** Bytes of the uniform buffer that programs of so many dispatches need. */
export const uniformBytes = (dispatches: number): number => dispatches * UNIFORM_BYTES;

/** Bind groups by layout and buffers, for the programs of one uniform buffer. */
export type BindGroups = (kernel: Kernel, buffers: readonly GPUBuffer[]) => GPUBindGroup;

export function createBindGroups(device: GPUDevice, pipelines: Pipelines, uniforms: GPUBuffer): BindGroups {
  const groups = new Map<string, GPUBindGroup>();
  const numbers = new Map<GPUBuffer, number>();
  const numberOf = (buffer: GPUBuffer): number => {
    const number = numbers.get(buffer) ?? numbers.size;
    numbers.set(buffer, number);
    return number;
  };
  return (kernel, buffers) => {
    const key = `${kernel.reads} ${buffers.map(numberOf).join(' ')}`;
    const known = groups.get(key);
    if (known !== undefined) return known;
    const group = device.createBindGroup({
      label: buffers.map(({ label }) => label).join(', '),
      layout: pipelines.bindGroupLayout(kernel),
      entries: [
        { binding: 0, resource: { buffer: uniforms, size: UNIFORM_BYTES } },
        ...buffers.map((buffer, j) => ({ binding: j + 1, resource: { buffer } })),
      ],
    });
    groups.set(key, group);
    return group;
  };
}

/** `first` is the program's first slot in the uniform buffer; it takes one for each dispatch. */
export function createProgram<Variable>(
  device: GPUDevice,
  pipelines: Pipelines,
  uniforms: GPUBuffer,
  first: number,
  bindGroups: BindGroups,
  dispatches: readonly Dispatch<Variable>[],
): Program<Variable> {
  const steps = dispatches.map(({ kernel, buffers }, i) => ({
    pipeline: pipelines.of(kernel),
    group: bindGroups(kernel, buffers),
    offset: (first + i) * UNIFORM_BYTES,
  }));
  let grids: Workgroups[] = [];

  const encodeInto = (pass: GPUComputePassEncoder, i: number): void => {
    const step = steps[i];
    if (step === undefined) throw new RangeError(`The program has no dispatch ${i}.`);
    const [x, y, z] = grids[i] ?? [0, 0, 0];
    pass.setPipeline(step.pipeline);
    pass.setBindGroup(0, step.group, [step.offset]);
    pass.dispatchWorkgroups(x, y, z);
  };

  return {
    dispatches,

    prepare(variable) {
      const data = new DataView(new ArrayBuffer(uniformBytes(dispatches.length)));
      dispatches.forEach((dispatch, i) => {
        dispatch.uniform(variable).forEach((word, j) => {
          const at = i * UNIFORM_BYTES + 4 * j;
          if (typeof word === 'number') data.setUint32(at, word, true);
          else data.setFloat32(at, word.f32, true);
        });
      });
      if (data.byteLength > 0) device.queue.writeBuffer(uniforms, first * UNIFORM_BYTES, data.buffer);
      grids = dispatches.map((dispatch) => dispatch.workgroups(variable));
    },

    encode(encoder, start = 0, end = steps.length) {
      const pass = encoder.beginComputePass();
      for (let i = start; i < end; i++) encodeInto(pass, i);
      pass.end();
    },

    encodeOne(encoder, i, timestampWrites) {
      const pass = encoder.beginComputePass(timestampWrites === undefined ? {} : { timestampWrites });
      encodeInto(pass, i);
      pass.end();
    },
  };
}
