// How long a rank is patient with another, by what it has seen of it.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_JOB } from '../../../src/job/job.ts';
import {
  patience,
  silenceAllowed,
  stallAfter,
  standingAllowed,
  standstillAllowed,
} from '../../../src/protocol/patience.ts';
import { noted, unusual, type Usual } from '../../../src/protocol/usual.ts';

const { policies } = DEFAULT_JOB;
const seen = (values: readonly number[]): Usual | undefined =>
  values.reduce<Usual | undefined>((usual, value) => noted(usual, value), undefined);
const repeated = (value: number, times: number): readonly number[] => new Array<number>(times).fill(value);

/** A stream of numbers from 0 to 1 that is the same at every run. */
function* drawn(seed: number): Generator<number, never> {
  for (let x = seed; ;) {
    x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
    yield x / 0x7fffffff;
  }
}
const take = (count: number, of: Generator<number, never>): readonly number[] =>
  Array.from({ length: count }, () => of.next().value);

describe('what is usual', () => {
  it('comes to the median of what varies, and to the mean distance from it', () => {
    const usual = seen(take(2000, drawn(7)).map((x) => 1000 * x));
    expect(usual?.median).toBeGreaterThan(400);
    expect(usual?.median).toBeLessThan(600);
    expect(usual?.deviation).toBeGreaterThan(150);
    expect(usual?.deviation).toBeLessThan(350);
  });

  it('is hardly moved by one that is far off, however far', () => {
    const calm = seen(repeated(100, 50));
    const struck = seen([...repeated(100, 50), 30_000]);
    expect(struck?.median).toBeCloseTo(calm?.median ?? 0, 0);
    // A while later, it is forgotten.
    const later = seen([...repeated(100, 50), 30_000, ...repeated(100, 80)]);
    expect(unusual(later ?? { median: 0, deviation: 0 })).toBeLessThan(200);
  });

  it('stays within what was measured', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000_000), { minLength: 1 }), (values) => {
        const usual = seen(values);
        // But for what the last bit rounds.
        expect(usual?.median).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6);
        expect(usual?.median).toBeLessThanOrEqual(Math.max(...values) + 1e-6);
        expect(usual?.deviation).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('patience', () => {
  it('lies between its bounds, and never grows with a confirmation', () => {
    const usual = fc.option(fc.record({ median: fc.nat(10_000), deviation: fc.nat(10_000) }), {
      nil: undefined,
    });
    fc.assert(
      fc.property(usual, fc.nat(5000), fc.nat(5000), fc.nat(60), (of, least, more, confirmations) => {
        const most = least + more;
        const one = patience({ usual: of, least, most, confirmations });
        const two = patience({ usual: of, least, most, confirmations: confirmations + 1 });
        expect(one).toBeGreaterThanOrEqual(least);
        expect(one).toBeLessThanOrEqual(most);
        expect(two).toBeLessThanOrEqual(one);
      }),
    );
  });

  it('with regular heartbeats is the suspicion deadline, so that a silent peer is found in under two seconds', () => {
    const usual = seen(repeated(policies.heartbeatMs, 30));
    expect(silenceAllowed({ usual, hidden: false }, policies, 0)).toBe(policies.suspicionMs);
    expect(policies.suspicionMs + 2 * policies.heartbeatMs).toBeLessThan(2000);
  });

  it('grows with heartbeats that come irregularly, and still finds a silent peer in under two seconds', () => {
    const rough = seen(take(200, drawn(3)).map((x) => 1400 * x));
    const allowed = silenceAllowed({ usual: rough, hidden: false }, policies, 0);
    expect(allowed).toBeGreaterThan(policies.suspicionMs + policies.heartbeatMs);
    expect(allowed + policies.heartbeatMs).toBeLessThan(2000);
    // Two others that wait for it as well leave a third of what was added.
    expect(silenceAllowed({ usual: rough, hidden: false }, policies, 2)).toBeLessThan(
      policies.suspicionMs + (allowed - policies.suspicionMs) / 2,
    );
  });

  it('with any history lies within a fifth of the suspicion deadline', () => {
    const history = fc.array(fc.nat(60_000), { maxLength: 50 });
    fc.assert(
      fc.property(history, fc.nat(60), (gaps, confirmations) => {
        const allowed = silenceAllowed({ usual: seen(gaps), hidden: false }, policies, confirmations);
        expect(allowed).toBeGreaterThanOrEqual(policies.suspicionMs);
        expect(allowed).toBeLessThanOrEqual(1.2 * policies.suspicionMs);
      }),
    );
  });

  it('with a tab in the background is the longest there is', () => {
    const usual = seen(repeated(policies.heartbeatMs, 30));
    expect(silenceAllowed({ usual, hidden: true }, policies, 5)).toBe(policies.collectiveMs);
  });

  it('with an all-reduce that stands still follows the last steps, between half the deadline and all of it', () => {
    expect(standstillAllowed(undefined, policies, 0)).toBe(policies.collectiveMs);
    expect(standstillAllowed(seen(repeated(30, 20)), policies, 0)).toBe(policies.collectiveMs / 2);
    expect(standstillAllowed(seen([100, 4000, 200, 5000, 100, 4500]), policies, 0)).toBe(
      policies.collectiveMs,
    );
  });

  it('with a standing that is missing follows standings and applied steps, between the deadlines of a collective and of a regroup', () => {
    const { collectiveMs, regroupMs } = policies;
    expect(standingAllowed([undefined, undefined], policies)).toBe(regroupMs);
    const fast = seen(repeated(20, 20));
    expect(standingAllowed([fast, fast], policies)).toBe(collectiveMs);
    // An engine that takes five seconds to apply a step has not got stuck after four.
    expect(standingAllowed([fast, seen(repeated(5000, 60))], policies)).toBeGreaterThan(4999);
    expect(standingAllowed([seen(repeated(60_000, 20)), fast], policies)).toBe(regroupMs);
  });

  it('calls a wait a stall when it is half a second longer than usual, or a deadline long', () => {
    expect(stallAfter(undefined, policies)).toBe(500);
    expect(stallAfter(seen(repeated(30, 60)), policies)).toBeCloseTo(530, 0);
    expect(stallAfter(seen(repeated(1500, 60)), policies)).toBeCloseTo(2000, 0);
    expect(stallAfter(seen(repeated(60_000, 60)), policies)).toBe(policies.collectiveMs);
  });
});
