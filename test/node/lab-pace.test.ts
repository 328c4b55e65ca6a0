// How often the lab looks at its ranks, by what a look takes of the machine.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPace } from '../../src/lab/model/pace.ts';

function after(cores: number, ...looks: readonly number[]): number {
  const pace = createPace(cores);
  for (const ms of looks) pace.took(ms);
  return pace.everyMs();
}
const many = (ms: number): readonly number[] => Array.from({ length: 60 }, () => ms);

describe('the pace of looks', () => {
  it('is five a second where a look costs next to nothing', () => {
    expect(after(8)).toBe(200);
    expect(after(8, ...many(3))).toBe(200);
  });

  it('keeps all that a look takes within 2 % of two cores', () => {
    // 8 ms of the page's thread, and as long again of others: 16 ms of 2 × 400.
    expect(after(2, ...many(8))).toBeCloseTo(400, 0);
  });

  it('is not slowed down by one look that had to wait', () => {
    expect(after(8, ...many(3), 2000)).toBeLessThan(300);
  });

  it('is never slower than somebody can follow, whatever looks take', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 128 }),
        fc.array(fc.double({ min: 0, max: 60_000, noNaN: true })),
        (cores, looks) => {
          const every = after(cores, ...looks);
          expect(every).toBeGreaterThanOrEqual(200);
          expect(every).toBeLessThanOrEqual(700);
        },
      ),
    );
  });
});
