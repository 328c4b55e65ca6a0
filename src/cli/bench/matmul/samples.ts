// Operands for a measured product, and whether what came out is it.

import { randomStream, uniformFraction } from '../../../job/random.ts';
import type { Transpose } from './report.ts';

const SEED = 1;
/** Elements of the product that are checked. */
const PROBES = 16;

/** f32[length], uniform in [−1, 1): the same at each call with the same stream. */
export function randomFloats(length: number, stream: number): Float32Array<ArrayBuffer> {
  const next = randomStream(SEED, stream, 0);
  return Float32Array.from({ length }, () => 2 * uniformFraction(next) - 1);
}

/**
 * Throws where an element of c, the product of two square matrices, is off by more than f32 rounding makes it: 1e-5 · √k, for terms
 * below 1.
 */
export function checkProduct(
  size: number,
  transpose: Transpose,
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
): void {
  const next = randomStream(SEED, 3, 0);
  for (let probe = 0; probe < PROBES; probe++) {
    const row = Math.floor(uniformFraction(next) * size);
    const column = probe === 0 ? size - 1 : Math.floor(uniformFraction(next) * size);
    let sum = 0;
    for (let p = 0; p < size; p++) {
      const x = a[transpose === 'TN' ? p * size + row : row * size + p] ?? NaN;
      sum += x * (b[transpose === 'NT' ? column * size + p : p * size + column] ?? NaN);
    }
    const found = c[row * size + column] ?? NaN;
    if (!(Math.abs(found - sum) <= 1e-5 * Math.sqrt(size))) {
      throw new Error(
        `The ${transpose} product of size ${size} is wrong at [${row}, ${column}]: expected ${sum}, found ${found}.`,
      );
    }
  }
}
