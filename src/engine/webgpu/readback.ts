// Bytes from the GPU: copied into a staging buffer by the caller's encoder, mapped after its submit.

import { EngineError } from '../../ports/engine.ts';

/** i32[bytes / 4]: a copy of what the staging buffer holds once the queue is through. */
export async function readWords(staging: GPUBuffer, bytes: number): Promise<Int32Array<ArrayBuffer>> {
  try {
    await staging.mapAsync(GPUMapMode.READ, 0, bytes);
  } catch (cause) {
    // After a device loss most promises still succeed; mapping is what fails (it has no other reason to).
    throw new EngineError('device-lost', 'The GPU device was lost while its results were awaited.', {
      cause,
    });
  }
  const words = new Int32Array(staging.getMappedRange(0, bytes).slice(0));
  staging.unmap();
  return words;
}

export interface Segment {
  readonly buffer: GPUBuffer;
  readonly bytes: number;
}

/** Encodes copies of the segments, one after the other, into the staging buffer. Returns their length in bytes. */
export function encodeReadback(
  encoder: GPUCommandEncoder,
  segments: readonly Segment[],
  staging: GPUBuffer,
): number {
  let offset = 0;
  for (const { buffer, bytes } of segments) {
    encoder.copyBufferToBuffer(buffer, 0, staging, offset, bytes);
    offset += bytes;
  }
  return offset;
}
