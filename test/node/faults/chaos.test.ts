import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHAOS_KINDS, followChaos } from '../../../src/faults/chaos.ts';
import { parseFault } from '../../../src/faults/injector.ts';
import type { DueFault } from '../../../src/faults/schedule.ts';

/** What strikes within so many milliseconds in a room of so many ranks, asked every 50 ms. */
function strikes(
  seed: number,
  everyMs: number,
  ms: number,
  ranks = 4,
  kinds = CHAOS_KINDS,
): readonly DueFault[] {
  const cursor = followChaos({ seed, everyMs, kinds });
  const found: DueFault[] = [];
  for (let now = 0; now <= ms; now += 50) found.push(...cursor.due({ step: 0, ms: now, ranks }));
  return found;
}

describe('chaos', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(strikes(7, 1000, 60_000)).toEqual(strikes(7, 1000, 60_000));
    expect(strikes(7, 1000, 60_000)).not.toEqual(strikes(8, 1000, 60_000));
  });

  it('draws valid faults of each kind once before any comes again, and towards other ranks only', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.integer({ min: 2, max: 8 }), (seed, ranks) => {
        const found = strikes(seed, 500, 30_000, ranks);
        const first = found.slice(0, CHAOS_KINDS.length).map(({ fault }) => fault.kind);
        expect(first.toSorted()).toEqual(CHAOS_KINDS.toSorted());
        for (const { rank, fault } of found) {
          expect(parseFault(fault)).toEqual(fault);
          expect(rank).toBeLessThan(ranks);
          if ('to' in fault) expect(fault.to).not.toBe(rank);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keeps to the mean time between two faults', () => {
    const found = strikes(1, 1000, 600_000).length;
    expect(found).toBeGreaterThan(500);
    expect(found).toBeLessThan(650);
  });

  it('does not make up for the time in which nobody asked', () => {
    const cursor = followChaos({ seed: 1, everyMs: 1000, kinds: ['kill'] });
    const asked = { step: 0, ms: 600_000, ranks: 4 };
    expect(cursor.due(asked)).toHaveLength(1);
    expect(cursor.due({ ...asked, ms: asked.ms + 1 })).toHaveLength(0);
  });

  it('strikes nobody who is alone', () => {
    expect(strikes(1, 500, 10_000, 1)).toEqual([]);
  });
});
