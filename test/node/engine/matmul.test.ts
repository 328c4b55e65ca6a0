import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matmul } from '../../../src/engine/cpu/matmul.ts';
import { randomStream, uniformFraction } from '../../../src/job/random.ts';

const size = fc.integer({ min: 1, max: 21 });

test('products of any shape and transposition equal the sum of their terms in ascending order', () => {
  fc.assert(
    fc.property(size, size, size, fc.boolean(), fc.boolean(), fc.integer(), (m, n, k, ta, tb, seed) => {
      const next = randomStream(seed, 0, 0);
      const random = (length: number) => Float32Array.from({ length }, () => uniformFraction(next) - 0.5);
      // One element before each matrix, so that offsets count.
      const a = random(1 + m * k);
      const b = random(1 + k * n);
      const c = new Float32Array(1 + m * n);
      matmul(
        m,
        n,
        k,
        { data: a, offset: 1, stride: ta ? m : k, transposed: ta },
        { data: b, offset: 1, stride: tb ? k : n, transposed: tb },
        { data: c, offset: 1, stride: n },
      );
      const expected = new Float32Array(1 + m * n);
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let p = 0; p < k; p++) {
            const x = a[1 + (ta ? p * m + i : i * k + p)] ?? NaN;
            sum += x * (b[1 + (tb ? j * k + p : p * n + j)] ?? NaN);
          }
          expected[1 + i * n + j] = sum;
        }
      }
      expect(c).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});
