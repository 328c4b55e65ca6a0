// Bytes from the GPU: copied into a staging buffer by the caller's encoder, mapped after its submit. A ring of staging buffers, so that
// one may still be mapped while the next is filled.

import { EngineError } from '../../ports/engine.ts';

export interface Segment {
  readonly buffer: GPUBuffer;
  /** First byte; 0 when left out. */
  readonly offset?: number;
  readonly bytes: number;
}

/** What was copied, to be had once the queue is through. Once. */
export type Fetch = () => Promise<Int32Array<ArrayBuffer>>;

export interface Readback {
  /** Encodes copies of the segments, one after the other. To be fetched after the submit, or given up with `cancel`. */
  encode(encoder: GPUCommandEncoder, segments: readonly Segment[]): Fetch;
}

/** `staging` are equally long buffers for mapping. At most as many fetches may be under way at a time. */
export function createReadback(staging: readonly GPUBuffer[]): Readback {
  let turn = 0;
  return {
    encode(encoder, segments) {
      const buffer = staging[turn++ % staging.length];
      if (buffer === undefined) throw new RangeError('There is no staging buffer.');
      let bytes = 0;
      for (const segment of segments) {
        encoder.copyBufferToBuffer(segment.buffer, segment.offset ?? 0, buffer, bytes, segment.bytes);
        bytes += segment.bytes;
      }
      return () => readWords(buffer, bytes);
    },
  };
}

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
