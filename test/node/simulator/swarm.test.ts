// Whole experiments: what the swarm finds, that it is the same every time, and that what it finds gets small.

import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { drawExperiment } from '../../../src/simulator/draw-experiment.ts';
import {
  calmExperiment,
  computeOf,
  ExperimentSchema,
  jobOf,
  type Experiment,
} from '../../../src/simulator/experiment.ts';
import { referenceRun } from '../../../src/simulator/compute.ts';
import { SCENARIOS, scenarioExperiment } from '../../../src/simulator/scenarios.ts';
import { replayOf, replayRun, shrink } from '../../../src/simulator/shrink.ts';
import { storyOf } from '../../../src/simulator/story.ts';
import { runExperiment } from '../../../src/simulator/swarm.ts';
import { RULES, type Rules } from '../../../src/protocol/rules.ts';

const referenceOf = (experiment: Experiment): string | undefined => {
  const job = jobOf(experiment);
  return referenceRun(computeOf(experiment, job), job.steps).at(-1);
};

describe('the swarm', () => {
  it('finds no violation in a hundred seeds', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const { verdict, reason } = runExperiment(drawExperiment(seed));
      expect(verdict, `seed ${seed}: ${reason ?? ''}`).not.toBe('violated');
    }
  });

  it('comes to the same trace hash twice, and to another with another seed', () => {
    const hash = (seed: number): string => runExperiment(drawExperiment(seed), { hash: true }).traceHash;
    for (let seed = 1; seed <= 20; seed++) expect(hash(seed)).toBe(hash(seed));
    const first = hash(1);
    for (let i = 0; i < 99; i++) expect(hash(1)).toBe(first);
    expect(hash(1)).not.toBe(hash(2));
  });

  it.each(['random', 'fifo', 'pct'] as const)('runs under the %s scheduler', (scheduler) => {
    for (let seed = 1; seed <= 10; seed++)
      expect(runExperiment(drawExperiment(seed, { scheduler })).verdict, `seed ${seed}`).not.toBe('violated');
  });

  it.each(Object.keys(SCENARIOS))('holds in the scenario %s, with the hash of the fault-free run', (name) => {
    const scenario = SCENARIOS[name];
    if (scenario === undefined) throw new Error('a key of the record');
    const experiment = scenarioExperiment(scenario, { seed: 1, ranks: 4 });
    const outcome = runExperiment(experiment);
    expect(outcome.verdict, outcome.reason).not.toBe('violated');
    expect(outcome.stateHash).toBe(referenceOf(experiment));
  });

  it.each(['kill-one', 'newcomer', 'all-gone', 'gpu-process'])(
    'trains for real in the scenario %s, to the very bits of an undisturbed rank',
    (name) => {
      const scenario = SCENARIOS[name];
      if (scenario === undefined) throw new Error('a key of the record');
      const experiment: Experiment = {
        ...scenarioExperiment(scenario, { seed: 1, ranks: 4 }),
        engine: 'cpu',
      };
      const outcome = runExperiment(experiment);
      expect(outcome.verdict, outcome.reason).not.toBe('violated');
      expect(outcome.stateHash).toBe(referenceOf(experiment));
    },
  );

  it('holds with real training wherever the swarm strikes', () => {
    for (let seed = 1; seed <= 15; seed++) {
      const { verdict, reason } = runExperiment(drawExperiment(seed, { engine: 'cpu' }));
      expect(verdict, `seed ${seed}: ${reason ?? ''}`).not.toBe('violated');
    }
  });

  it.each(['hash', 'cpu'] as const)(
    'leaves out bad samples as all agree (engine %s), and comes to the state of one rank that finds the same ones bad',
    (engine) => {
      for (let seed = 1; seed <= 12; seed++) {
        const struck = drawExperiment(seed, { engine, ranks: 3 + (seed % 3) });
        const experiment: Experiment = {
          ...struck,
          salt: 'uniform',
          steps: 12,
          // Two of one step, which are left out one after the other.
          spoiled: [
            [3, 1],
            [3, 6],
            [8, 0],
          ],
        };
        const rows = new Set<string>();
        const outcome = runExperiment(experiment, {
          onRecord({ event }) {
            if (event.kind === 'quarantined') rows.add(`${event.step}: ${event.rows.length}`);
          },
        });
        expect(outcome.verdict, `seed ${seed}: ${outcome.reason ?? ''}`).not.toBe('violated');
        if (outcome.committed < 12) continue;
        expect(rows).toEqual(new Set(['3: 2', '8: 1']));
        expect(outcome.stateHash, `seed ${seed}`).toBe(referenceOf(experiment));
        expect(outcome.stateHash).not.toBe(referenceOf({ ...experiment, spoiled: [] }));
      }
    },
  );

  it('books all of the time of all ranks in the ledger', () => {
    const outcome = runExperiment(calmExperiment(1, 1, 20), { watch: true });
    const booked = Object.entries(outcome.ledger).reduce((sum, [, ms]: [string, number]) => sum + ms, 0);
    expect(Math.abs(booked - outcome.virtualMs)).toBeLessThan(50);
    expect(outcome.ledger.compute).toBeGreaterThan(0);
  });
});

const regressions = v.parse(
  v.array(v.strictObject({ name: v.string(), experiment: ExperimentSchema })),
  JSON.parse(readFileSync(new URL('../../fixtures/regressions.json', import.meta.url), 'utf8')),
);

describe('a regression that the swarm found', () => {
  it.each(regressions)('seed $experiment.seed: $name', ({ experiment }) => {
    const { verdict, reason } = runExperiment(experiment);
    expect(verdict, reason).not.toBe('violated');
  });
});

/** A mistake of our own: everybody computes everything. */
const doubled: Rules = {
  ...RULES,
  share: (_rank, _world, microBatches) => Array.from({ length: microBatches }, (_, m) => m),
};

describe('a run that fails', () => {
  it('shrinks to a few decisions that fail in the same way, and to a story', () => {
    const start = replayOf(calmExperiment(3, 3, 20), { rules: doubled });
    expect(start.invariant).toBe(3);
    let ticks = 0;
    const shrunk = shrink(start, { rules: doubled, now: () => ticks++, budgetMs: 300 });
    expect(shrunk.replay.invariant).toBe(3);
    expect(shrunk.size).toBeLessThan(10);
    expect(replayRun(shrunk.replay, { rules: doubled, hash: true }).traceHash).toBe(shrunk.replay.traceHash);
    const story = storyOf(shrunk.replay, doubled);
    expect(story.length).toBeLessThan(20);
    expect(story.at(-1)).toMatch(/violated, invariant 3/);
  });
});
