// Who failed or was refused is left alone for ever longer, and nobody pays for what another did in his name.

import { describe, expect, it } from 'vitest';
import { createAcquaintances } from '../../../src/transport/acquaintances.ts';

const page = (digit: string): string => digit.repeat(32);
const ada = { page: page('a'), slot: 1 };

describe('acquaintances', () => {
  it('are called after ever longer pauses while they fail, and at once again after a proof', () => {
    const known = createAcquaintances();
    const pauses = [0, 1, 2, 3].map(() => known.failed(ada, 1_000, 0));
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000]);
    expect([4_999, 5_000].map((now) => known.mayCall(ada, now))).toEqual([false, true]);
    expect(known.cooling(ada, 1_000)).toBe(false);
    known.proven(ada);
    expect(known.failed(ada, 10_000, 0)).toBe(500);
  });

  it('are not let in for ever longer after a refusal', () => {
    const known = createAcquaintances();
    const pauses = Array.from({ length: 8 }, () => known.refused(ada, 0, 0));
    expect(pauses).toEqual([2, 4, 8, 16, 32, 64, 120, 120].map((seconds) => seconds * 1_000));
    expect(known.coolingSlots(119_999)).toEqual([1]);
    expect(known.coolingSlots(120_000)).toEqual([]);
  });

  it('do not pay for a stranger who calls by their id from a place of his own', () => {
    const known = createAcquaintances();
    const stranger = { ...ada, slot: 7 };
    for (let i = 0; i < 10; i++) {
      known.refused(stranger, 0, 0);
      known.failed(stranger, 0, 0);
    }
    expect([known.cooling(stranger, 0), known.mayCall(stranger, 0)]).toEqual([true, false]);
    expect([known.cooling(ada, 0), known.mayCall(ada, 0)]).toEqual([false, true]);
    expect(known.coolingSlots(0)).toEqual([7]);
  });

  it('are forgotten, the oldest first, when there are too many', () => {
    const known = createAcquaintances();
    known.refused(ada, 0, 0);
    for (let slot = 0; slot < 256; slot++) known.refused({ page: page('b'), slot }, 0, 0);
    expect(known.cooling(ada, 0)).toBe(false);
    expect(known.coolingSlots(0)).toHaveLength(256);
  });
});
