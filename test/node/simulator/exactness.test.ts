// Exactness: however many ranks there are, however work is shared out, in whatever order messages arrive, with buckets or without, in
// every wire format: the bits of one rank.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_JOB, type Job } from '../../../src/job/job.ts';
import type { Wire } from '../../../src/job/wire-schema.ts';
import { RULES } from '../../../src/protocol/rules.ts';
import { mix32 } from '../../../src/collective/digest.ts';
import { referenceRun } from '../../../src/simulator/compute.ts';
import { cpuCompute, smallJob } from '../../../src/simulator/cpu-compute.ts';
import { drawExperiment } from '../../../src/simulator/draw-experiment.ts';
import { runExperiment } from '../../../src/simulator/swarm.ts';
import { createWorld, hashesOf } from '../../../src/simulator/world.ts';

const MINUTE = 60_000;
const STEPS = 6;

const wires: readonly Wire[] = [
  { format: 'i32' },
  ...[4, 8, 13].map((bits) => ({ format: 'narrow', bits }) as const),
];

describe.each(wires)('with the wire format $format $bits', (wire) => {
  const jobWith = (overlap: boolean): Job =>
    smallJob({ ...DEFAULT_JOB, steps: STEPS, wire, overlap, seed: 3 });
  const expected = referenceRun(cpuCompute(jobWith(false)), STEPS).at(-1);

  it('1, 2, 3, 5 and 8 ranks come to the bits of one, whoever computes what and whatever arrives first', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 3, 5, 8),
        fc.nat(0xffff),
        fc.nat(0xffff),
        fc.boolean(),
        (ranks, seed, shares, overlap) => {
          const job = jobWith(overlap);
          const compute = cpuCompute(job);
          const world = createWorld({
            seed,
            job,
            compute,
            keepLog: false,
            rules: {
              ...RULES,
              share: (rank, of, microBatches) =>
                Array.from({ length: microBatches }, (_, m) => m).filter(
                  (m) => (mix32(shares * 64 + m) >>> 0) % of === rank,
                ),
            },
          });
          for (let i = 0; i < ranks; i++) world.open(`profile ${i % 3}`, { fresh: i === 0 });
          const done = (): boolean => world.living().every(({ core }) => core.phase === 'done');
          expect(world.runUntil(done, 5 * MINUTE)).toBe(true);
          expect(world.violations).toEqual([]);
          expect(new Set(hashesOf(world))).toEqual(new Set([expected]));
        },
      ),
      { numRuns: 15 },
    );
  });

  it('holds wherever the swarm strikes', () => {
    for (let seed = 1; seed <= 6; seed++) {
      const { verdict, reason } = runExperiment({
        ...drawExperiment(seed, { engine: 'cpu' }),
        wireBits: wire.format === 'narrow' ? wire.bits : undefined,
        overlap: seed % 2 === 0,
      });
      expect(verdict, `seed ${seed}: ${reason}`).not.toBe('violated');
    }
  });
});
