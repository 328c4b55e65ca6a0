// Snapshots of the long parts of the state: copied on the GPU between two steps, read back behind those that follow.
//
// One set of buffers is kept from one snapshot to the next, so that only the first one waits for memory. A snapshot that is taken
// while another is still being read has a set of its own, which goes when it has been read.

import type { Arena } from './arena.ts';
import { readWords, type Segment } from './readback.ts';

/** What was copied, part by part. Once. */
type FetchParts = () => Promise<readonly Int32Array<ArrayBuffer>[]>;

export interface Snapshots {
  /** Makes sure of memory for the next one. Rejects with an `EngineError` where there is none. */
  prepare(): Promise<void>;
  /** Submits the copies, at once. */
  take(): FetchParts;
}

export function createSnapshots(device: GPUDevice, arena: Arena, parts: readonly Segment[]): Snapshots {
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const specs = Object.fromEntries(parts.map(({ bytes }, i) => [`snapshot ${i}`, { bytes, usage }]));
  let spare: Record<string, GPUBuffer> | undefined;

  const giveBack = (buffers: Record<string, GPUBuffer>): void => {
    if (spare === undefined) spare = buffers;
    else arena.free(buffers);
  };

  return {
    async prepare() {
      spare ??= await arena.allocate(specs);
    },
    take() {
      const buffers = spare;
      spare = undefined;
      if (buffers === undefined) throw new RangeError('A snapshot is prepared before it is taken.');
      const copies = Object.values(buffers);
      const encoder = device.createCommandEncoder({ label: 'a snapshot' });
      parts.forEach(({ buffer, bytes }, i) => {
        const copy = copies[i];
        if (copy !== undefined) encoder.copyBufferToBuffer(buffer, 0, copy, 0, bytes);
      });
      device.queue.submit([encoder.finish()]);
      return async () => {
        const words = await Promise.all(copies.map((copy, i) => readWords(copy, parts[i]?.bytes ?? 0)));
        giveBack(buffers);
        return words;
      };
    },
  };
}
