// The plan of one pass: forward, loss, backward and quantisation of up to C slices at once, with the memory for them.
//
// C is the only thing that memory decides. An element's arithmetic does not depend on it, and slices are quantised one by one, so
// passes of any size add up to the same bits.

import type { PassSize } from '../../layers/layer.ts';
import type { Arena, BufferSpec } from '../arena.ts';
import type { Pipelines } from '../pipelines.ts';
import { createBindGroups, createProgram, uniformBytes, type Dispatch, type Program } from '../program.ts';
import { shareBuffers } from './liveness.ts';
import type { Lowered, NamedTensors } from './lower.ts';
import type { Operation, TensorId } from './operation.ts';

export interface PassPlan {
  /** C */
  readonly capacity: number;
  /** Where a pass's samples go, and its losses (see `NamedTensors`). */
  readonly inputs: GPUBuffer;
  readonly labels: GPUBuffer;
  readonly microBatches: GPUBuffer;
  readonly keys: GPUBuffer;
  readonly losses: GPUBuffer;
  /** Its logits, from the end of `forward` on until the next pass. */
  readonly logits: GPUBuffer;
  /** Whole passes, and the shorter one at the end; each has uniforms of its own, so that both may be in one submit. */
  readonly full: Program<PassSize>;
  readonly tail: Program<PassSize>;
  /** Forward and loss alone, to evaluate. */
  readonly forward: Program<PassSize>;
  free(): void;
}

/** The engine's buffers that a pass reads and adds to. */
export type EngineBuffers = Readonly<
  Record<Extract<keyof NamedTensors, 'parameters' | 'blocks' | 'scales' | 'lanes' | 'side'>, GPUBuffer>
>;

export interface PlanInput {
  readonly device: GPUDevice;
  readonly arena: Arena;
  readonly pipelines: Pipelines;
  readonly lowered: Lowered;
  readonly samplesPerSlice: number;
  readonly buffers: EngineBuffers;
}

/** Buffers of a pass of so many slices: by name, in bytes. */
export interface PassMemory {
  readonly buffers: Readonly<Record<string, number>>;
  readonly bytes: number;
  /** The largest one, which must fit a binding. */
  readonly largest: { readonly name: string; readonly bytes: number };
  readonly of: (tensor: TensorId) => string | undefined;
}

const operationsOf = ({ forward, backward }: Lowered): readonly Operation[] => [...forward, ...backward];

/** What a pass takes, before anything is allocated. */
export function passMemory(lowered: Lowered, slices: number, samplesPerSlice: number): PassMemory {
  const { tensors } = lowered;
  const size = { slices, samples: slices * samplesPerSlice };
  const shared = shareBuffers(operationsOf(lowered), (id) => {
    const tensor = tensors[id];
    return tensor?.residence === 'shared' ? tensor.bytes(size) : undefined;
  });
  const sharedName = (buffer: number): string => {
    const holders = [...shared.of].filter(([, of]) => of === buffer).map(([id]) => tensors[id]?.name ?? '');
    const others = holders.length > 1 ? ` and ${holders.length - 1} others` : '';
    return `shared ${buffer}: ${holders[0] ?? ''}${others}`;
  };
  const sharedNames = shared.sizes.map((_, buffer) => sharedName(buffer));
  const buffers: Record<string, number> = {};
  for (const { name, residence, bytes } of tensors) if (residence === 'plan') buffers[name] = bytes(size);
  shared.sizes.forEach((bytes, buffer) => (buffers[sharedNames[buffer] ?? ''] = bytes));
  buffers['uniforms'] = uniformBytes(2 * operationsOf(lowered).length + lowered.forward.length);
  const [name, bytes] = Object.entries(buffers).reduce(
    (most, entry) => (entry[1] > most[1] ? entry : most),
    ['', 0],
  );
  return {
    buffers,
    bytes: Object.values(buffers).reduce((sum, size) => sum + size, 0),
    largest: { name, bytes },
    of(tensor) {
      const buffer = shared.of.get(tensor);
      return buffer === undefined ? tensors[tensor]?.name : sharedNames[buffer];
    },
  };
}

/** Rejects with an `EngineError` of fault `out-of-memory` when the memory for C slices is not to be had. */
export async function createPassPlan(input: PlanInput, capacity: number): Promise<PassPlan> {
  const { device, arena, pipelines, lowered, samplesPerSlice } = input;
  const memory = passMemory(lowered, capacity, samplesPerSlice);
  const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const specs: Record<string, BufferSpec> = {};
  for (const [name, bytes] of Object.entries(memory.buffers)) {
    specs[name] = {
      bytes,
      usage: name === 'uniforms' ? GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST : storage,
    };
  }
  const all = operationsOf(lowered);
  await pipelines.compile(all.map(({ kernel }) => kernel));
  const buffers = await arena.allocate(specs);
  const own = (name: string): GPUBuffer => {
    const found = buffers[name];
    if (found === undefined) throw new RangeError(`The plan has no buffer "${name}".`);
    return found;
  };
  const engine = new Map<TensorId, GPUBuffer>(
    (['parameters', 'blocks', 'scales', 'lanes', 'side'] as const).map((name) => [
      lowered.named[name],
      input.buffers[name],
    ]),
  );
  const bufferOf = (tensor: TensorId): GPUBuffer => engine.get(tensor) ?? own(memory.of(tensor) ?? '');
  const dispatch = ({
    label,
    kernel,
    reads,
    writes,
    uniform,
    workgroups,
  }: Operation): Dispatch<PassSize> => ({
    label,
    kernel,
    buffers: [...reads, ...writes].map(bufferOf),
    uniform,
    workgroups,
  });

  const groups = createBindGroups(device, pipelines, own('uniforms'));
  const whole = all.map(dispatch);
  const program = (first: number, dispatches: readonly Dispatch<PassSize>[]) =>
    createProgram(device, pipelines, own('uniforms'), first, groups, dispatches);
  return {
    capacity,
    inputs: own('inputs'),
    labels: own('labels'),
    microBatches: own('micro-batches'),
    keys: own('rounding keys'),
    losses: own('losses'),
    logits: bufferOf(lowered.named.logits),
    full: program(0, whole),
    tail: program(whole.length, whole),
    forward: program(2 * whole.length, whole.slice(0, lowered.forward.length)),
    free: () => arena.free(buffers),
  };
}
