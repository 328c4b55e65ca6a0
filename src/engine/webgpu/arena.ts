// Where an engine's GPU buffers come from: allocated by name in groups, counted, and freed together.

import { EngineError } from '../../ports/engine.ts';
import type { EngineMemory } from '../../ports/engine.ts';
import type { CreateBuffer } from '../hooks.ts';
import { bufferLimit } from './limits.ts';

export interface BufferSpec {
  readonly bytes: number;
  readonly usage: GPUBufferUsageFlags;
}

export interface Arena {
  /**
   * Creates all buffers or none. Rejects with an `EngineError` of fault `out-of-memory` that names the first buffer refused and its
   * size, or of fault `validation`.
   */
  allocate<Name extends string>(specs: Readonly<Record<Name, BufferSpec>>): Promise<Record<Name, GPUBuffer>>;
  free(buffers: Readonly<Record<string, GPUBuffer>>): void;
  freeAll(): void;
  memory(): EngineMemory;
}

/** Buffers are whole vectors of four words, since some kernels read them so, and none is empty. */
export const wholeVectors = (bytes: number): number => Math.max(16, Math.ceil(bytes / 16) * 16);

export function createArena(
  device: GPUDevice,
  createBuffer: CreateBuffer = (on, descriptor) => on.createBuffer(descriptor),
): Arena {
  const live = new Set<GPUBuffer>();
  const release = (buffer: GPUBuffer): void => {
    if (live.delete(buffer)) buffer.destroy();
  };

  /** The error that the device reports for this one buffer, if any; scopes are popped before the first await. */
  const create = (label: string, { bytes, usage }: BufferSpec) => {
    const size = wholeVectors(bytes);
    const refused = (reason: string, cause?: unknown) =>
      new EngineError(
        'out-of-memory',
        `The GPU refused ${size} bytes for "${label}" (${reason}). Close other tabs that use the GPU, or use a smaller batch.`,
        { cause },
      );
    // An oversized buffer is a validation error in WebGPU, but to the caller it is a lack of memory like any other.
    if (size > bufferLimit(device.limits)) {
      return { error: Promise.resolve(refused(`the adapter's limit is ${bufferLimit(device.limits)}`)) };
    }
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('validation');
    let buffer: GPUBuffer | undefined;
    let thrown: EngineError | undefined;
    try {
      buffer = createBuffer(device, { label, size, usage });
    } catch (cause) {
      thrown = refused(cause instanceof Error ? cause.message : String(cause), cause);
    }
    const invalid = device.popErrorScope();
    const exhausted = device.popErrorScope();
    const error = Promise.all([invalid, exhausted]).then(([validation, memory]) => {
      if (memory !== null) return refused(memory.message);
      if (validation !== null) {
        return new EngineError(
          'validation',
          `The GPU buffer "${label}" (${size} bytes) is not valid: ${validation.message}`,
        );
      }
      return thrown;
    });
    if (buffer !== undefined) live.add(buffer);
    return { buffer, error };
  };

  return {
    async allocate<Name extends string>(specs: Readonly<Record<Name, BufferSpec>>) {
      const created = Object.entries<BufferSpec>(specs).map(([name, spec]) => ({
        name,
        ...create(name, spec),
      }));
      const errors = await Promise.all(created.map(({ error }) => error));
      const first = errors.find((error) => error !== undefined);
      if (first !== undefined) {
        for (const { buffer } of created) if (buffer !== undefined) release(buffer);
        throw first;
      }
      return Object.fromEntries(created.map(({ name, buffer }) => [name, buffer])) as Record<Name, GPUBuffer>;
    },

    free(buffers) {
      Object.values(buffers).forEach(release);
    },

    freeAll() {
      live.forEach(release);
    },

    memory: () => ({
      buffers: live.size,
      bytes: [...live].reduce((sum, buffer) => sum + buffer.size, 0),
    }),
  };
}
