// The CPU engine's matrix product, measured on one core.

import { cpus } from 'node:os';
import { matmul } from '../../../engine/cpu/matmul.ts';
import { median } from '../median.ts';
import type { MatmulTarget } from './report.ts';
import { checkProduct, randomFloats } from './samples.ts';

/** Far more than any cache holds. */
const COPY_BYTES = 256 * 1024 * 1024;
const REPEATS = 5;
/** One measurement lasts at least so long, so that the clock's grain does not count. */
const LEAST_MS = 50;

/** Milliseconds of one call: the median of several timings, after one that warms caches and compiler up. */
function time(work: () => void): number {
  const run = (times: number): number => {
    const start = performance.now();
    for (let i = 0; i < times; i++) work();
    return (performance.now() - start) / times;
  };
  run(1);
  const times = Math.max(1, Math.ceil(LEAST_MS / Math.max(run(1), 0.01)));
  return median(Array.from({ length: REPEATS }, () => run(times)));
}

export function cpuTarget(): MatmulTarget {
  return {
    adapter: `TypeScript on one core of ${cpus()[0]?.model ?? 'a CPU that does not tell its name'}`,
    software: true,
    timer: 'wall',

    async measure(size, transpose) {
      const [a, b] = [randomFloats(size * size, 1), randomFloats(size * size, 2)];
      const c = new Float32Array(size * size);
      const view = (data: Float32Array, transposed: boolean) => ({
        data,
        offset: 0,
        stride: size,
        transposed,
      });
      const left = view(a, transpose === 'TN');
      const right = view(b, transpose === 'NT');
      const ms = time(() => {
        matmul(size, size, size, left, right, view(c, false));
      });
      checkProduct(size, transpose, a, b, c);
      return { size, transpose, kernel: '4x4', tilings: { '4x4': ms }, ms, wallMs: ms };
    },

    async copyBandwidth() {
      const from = new Float32Array(COPY_BYTES / 4).fill(1);
      const to = new Float32Array(COPY_BYTES / 4);
      const ms = time(() => {
        to.set(from);
      });
      return { copyBytes: COPY_BYTES, copyGBps: (2 * COPY_BYTES) / ms / 1e6 };
    },

    measurePeers: async () => ({}),
  };
}
