// The automatic interval: where saving and redoing together cost least, whatever is measured.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  SHORTEST_INTERVAL_MS,
  automaticInterval,
  estimatedMtbf,
  lostShare,
} from '../../../src/checkpoint/interval.ts';

const total = (costs: { mtbfMs: number; costMs: number }, intervalMs: number): number => {
  const { overhead, redone } = lostShare(costs, intervalMs);
  return overhead + redone;
};

describe('the automatic interval', () => {
  test('is √(2 · MTBF · cost): a save of 5 ms and a failure an hour make six seconds', () => {
    expect(automaticInterval({ mtbfMs: 3_600_000, costMs: 5 }, 0)).toBe(6000);
  });

  test('loses the least of all intervals, and under 1% where a save costs 5 ms', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 60_000, max: 1e9, noNaN: true }),
        fc.double({ min: 10, max: 10_000, noNaN: true }),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        (mtbfMs, costMs, factor) => {
          const costs = { mtbfMs, costMs };
          const best = automaticInterval(costs, 0);
          fc.pre(best > SHORTEST_INTERVAL_MS);
          expect(total(costs, best)).toBeLessThanOrEqual(total(costs, best * factor) * (1 + 1e-12));
        },
      ),
    );
    const costs = { mtbfMs: 3_600_000, costMs: 5 };
    expect(lostShare(costs, automaticInterval(costs, 0)).overhead).toBeLessThan(0.01);
  });

  test('is never shorter than a save takes to be written, nor than a second', () => {
    expect(automaticInterval({ mtbfMs: 60_000, costMs: 1 }, 9000)).toBe(9000);
    expect(automaticInterval({ mtbfMs: 1000, costMs: 0 }, 0)).toBe(SHORTEST_INTERVAL_MS);
  });

  test('follows failures: what is seen soon outweighs what was assumed', () => {
    const assumed = 3_600_000;
    expect(estimatedMtbf(assumed, 0, 0)).toBe(assumed);
    expect(estimatedMtbf(assumed, 600_000, 5)).toBe(700_000);
    expect(estimatedMtbf(assumed, 10 * assumed, 0)).toBeGreaterThan(assumed);
    expect(estimatedMtbf(assumed, 1e9, 1e4) / 1e5).toBeCloseTo(1, 1);
  });
});
