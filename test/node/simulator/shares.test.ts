// Micro-batches are shared out by measured speed: a slow rank gets fewer, and the bits stay those of one rank.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_JOB, type Job } from '../../../src/job/job.ts';
import { RULES, type Rules } from '../../../src/protocol/rules.ts';
import { ticksOf } from '../../../src/protocol/shares.ts';
import { referenceRun } from '../../../src/simulator/compute.ts';
import { hashCompute } from '../../../src/simulator/hash-engine.ts';
import { createWorld, hashesOf } from '../../../src/simulator/world.ts';

const STEPS = 60;
const JOB: Job = { ...DEFAULT_JOB, steps: STEPS };
const EXPECTED = referenceRun(hashCompute(JOB.seed, JOB.microBatches, 'uniform'), STEPS).at(-1);
const EQUAL: Rules = { ...RULES, shareOut: () => undefined };
const MINUTE = 60_000;

/** Four ranks, one of which is slower; how long training takes, and how much of it the slow one does. */
function train(factor: number, rules: Rules, until = Infinity) {
  const world = createWorld({ seed: 5, job: JOB, rules, engineMs: [40, 40] });
  for (let i = 0; i < 4; i++) world.open(`profile ${i}`, { fresh: i === 0, autostart: false });
  const all = (): boolean =>
    world
      .living()
      .every(({ core }) => core.membership?.generation.members.length === 4 && core.phase === 'idle');
  expect(world.runUntil(all, MINUTE)).toBe(true);
  const slow = world.living()[2];
  if (slow === undefined) throw new Error('four pages were opened');
  slow.gpu.slowdowns.push({ factor, until });
  const start = world.now();
  world.command(slow.member, 'start');
  expect(world.runUntil(() => world.living().every(({ core }) => core.phase === 'done'), 10 * MINUTE)).toBe(
    true,
  );
  expect(world.violations).toEqual([]);
  expect(new Set(hashesOf(world))).toEqual(new Set([EXPECTED]));
  const shares = world.log.flatMap(({ member, event }) =>
    event.kind === 'contributed' && member === slow.member ? [event.microBatches.length] : [],
  );
  return { ms: world.now() - start, shares };
}

describe('a slow rank', () => {
  it.each([
    [2, 1.2],
    // The update remains, which every rank computes alone.
    [10, 1.8],
  ])(
    'that takes %i times as long gets fewer micro-batches, and the room is %f times as fast for it',
    (factor, gain) => {
      const equal = train(factor, EQUAL);
      const shared = train(factor, RULES);
      expect(new Set(equal.shares)).toEqual(new Set([2]));
      expect(shared.shares[0]).toBe(2);
      expect(Math.max(...shared.shares.slice(1))).toBeLessThan(2);
      expect(equal.ms / shared.ms).toBeGreaterThan(gain);
    },
  );

  it('that recovers is seen to, and does its part again', () => {
    const { shares } = train(10, RULES, 2500);
    expect(Math.min(...shares)).toBe(0);
    expect(shares.at(-1)).toBe(2);
  });

  it('costs a room of equal ranks nothing: their shares stay equal', () => {
    expect(new Set(train(1, RULES).shares)).toEqual(new Set([2]));
  });
});

describe('the rule', () => {
  const paces = fc.array(fc.option(fc.integer({ min: 1, max: 10_000 }), { nil: undefined }), {
    minLength: 1,
    maxLength: 12,
  });

  it('deals out every micro-batch once, and never more to a rank that is slower', () => {
    fc.assert(
      fc.property(paces, fc.integer({ min: 1, max: 64 }), fc.nat(100), (known, microBatches, steps) => {
        const counts = RULES.shareOut(known, microBatches, undefined, steps);
        const all = known.flatMap((_, rank) => RULES.share(rank, known.length, microBatches, counts));
        expect(all).toEqual(Array.from({ length: microBatches }, (_, m) => m));
        counts?.forEach((count, rank) =>
          known.forEach((pace, other) => {
            if (pace !== undefined && pace < (known[rank] ?? 0))
              expect(counts[other]).toBeGreaterThanOrEqual(count);
          }),
        );
      }),
    );
  });

  it('measures in whole ticks, at least one', () => {
    expect(ticksOf(0, 3)).toBe(1);
    expect(ticksOf(100, 4)).toBe(200);
    expect(ticksOf(1e12, 1)).toBe(0x3fffffff);
  });
});
