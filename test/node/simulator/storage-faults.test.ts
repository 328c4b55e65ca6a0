// Checkpoints in the simulator: torn and lost writes, bit rot, eviction, quota, refusals and answers that
// never come, and then every page dies at once. What is taken up is always whole.

import { describe, expect, it } from 'vitest';
import type { Strike } from '../../../src/faults/schedule.ts';
import { calmExperiment, computeOf, jobOf, type Experiment } from '../../../src/simulator/experiment.ts';
import { referenceRun } from '../../../src/simulator/compute.ts';
import { runExperiment } from '../../../src/simulator/swarm.ts';
import { createEntropy } from '../../../src/simulator/random.ts';

/** Of each fault. The first two train for real, the others with the hash chain, which is nearly free. */
const SEEDS = 30;
const REAL = 2;
const RANKS = 4;

const FAULTS: Readonly<Record<string, Strike['fault']>> = {
  rot: { kind: 'damage-checkpoint' },
  eviction: { kind: 'evict-checkpoints' },
  quota: { kind: 'limit-storage', maxBytes: 2000, forMs: 2000 },
  refusal: { kind: 'refuse-storage', forMs: 1500 },
  ambiguity: { kind: 'ambiguous-storage', forMs: 1500 },
};

/** Storage fails in the way named on every page, then all pages die in mid-save and are opened again. */
function badStorage(what: string, fault: Strike['fault'] | undefined, seed: number): Experiment {
  const entropy = createEntropy(seed);
  const plan: Experiment['plan'][number][] = [];
  for (let page = 0; page < RANKS; page++) {
    if (fault !== undefined)
      plan.push({ at: { step: entropy.between('workload', what, 4, 20) }, page, fault });
    plan.push({ at: { step: 22 }, page, fault: { kind: 'kill' } });
  }
  return {
    ...calmExperiment(seed, RANKS, 40),
    ...(seed <= REAL && { engine: 'cpu' as const }),
    checkpointEvery: 1,
    plan,
  };
}

describe('a room whose storage fails', () => {
  it.each(['nothing', ...Object.keys(FAULTS)])(
    'by %s, and all of whose pages die while they save, comes to the bits of an undisturbed rank',
    (what) => {
      let resumed = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const experiment = badStorage(what, FAULTS[what], seed);
        const outcome = runExperiment(experiment, { watch: true });
        const job = jobOf(experiment);
        expect(outcome.verdict, `seed ${seed}: ${outcome.reason ?? ''}`).not.toBe('violated');
        expect(outcome.stateHash, `seed ${seed}`).toBe(
          referenceRun(computeOf(experiment, job), job.steps).at(-1),
        );
        resumed += outcome.situations.get('resumed from a checkpoint') ?? 0;
      }
      if (what !== 'eviction') expect(resumed).toBeGreaterThan(0);
    },
  );
});
