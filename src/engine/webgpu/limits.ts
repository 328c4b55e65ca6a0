// How large one buffer may be.

import { EngineError } from '../../ports/engine.ts';

export type Limits = Pick<GPUSupportedLimits, 'maxBufferSize' | 'maxStorageBufferBindingSize'>;

/** Bytes that one storage buffer may have. */
export const bufferLimit = (limits: Limits): number =>
  Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);

/** Throws an `EngineError` of fault `out-of-memory` when the buffer could not even be bound. */
export function checkBufferLimit(limits: Limits, name: string, bytes: number): void {
  const limit = bufferLimit(limits);
  if (bytes <= limit) return;
  throw new EngineError(
    'out-of-memory',
    `The job needs ${bytes} bytes for "${name}", and the adapter's limit for one buffer is ${limit}. Use a smaller model.`,
  );
}
