// A room goes on where it can, and is only excused where it cannot.

import { describe, expect, it } from 'vitest';
import { DEFAULT_JOB, type Job } from '../../../src/job/job.ts';
import type { MemberId } from '../../../src/ports/ids.ts';
import { MUTANTS } from '../../../src/mutants/index.ts';
import { RULES } from '../../../src/protocol/rules.ts';
import { calmExperiment, type Experiment } from '../../../src/simulator/experiment.ts';
import { runExperiment } from '../../../src/simulator/swarm.ts';
import { createWorld } from '../../../src/simulator/world.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';

describe('a room whose browser was loaded anew, with two of three seats', () => {
  const experiment: Experiment = {
    ...calmExperiment(1, 3, 12),
    profiles: 2,
    gathers: true,
    plan: [0, 2].map((page) => ({ at: { step: 3 }, page, fault: { kind: 'reload' } })),
    calmAt: 5000,
  };

  it('goes on by the votes of the newcomers there', () => {
    expect(runExperiment(experiment)).toMatchObject({ verdict: 'held', committed: 12 });
  });

  it('is not excused for want of a quorum where they hold the seats and do not vote', () => {
    const mutant = MUTANTS.find(({ name }) => name === 'heir-never-votes');
    if (mutant === undefined) throw new Error('it is a planted bug');
    expect(runExperiment(experiment, { rules: mutant.mutate(RULES) })).toMatchObject({
      verdict: 'violated',
      invariant: 8,
    });
  });
});

describe('a page that has stopped since its loader failed too often', () => {
  const experiment: Experiment = {
    ...calmExperiment(1, 1, 20),
    plan: [{ at: { step: 5 }, page: 0, fault: { kind: 'loader-throws', times: 5 } }],
    calmAt: 60_000,
  };

  const committedAt = (run: Experiment): number => {
    let last = 0;
    runExperiment(run, {
      onRecord({ at, event }) {
        if (event.kind === 'committed' && event.step === 20) last = at;
      },
    });
    return last;
  };

  it('trains again when its person opens it again', () => {
    expect(committedAt(experiment)).toBeGreaterThan(60_000);
    expect(committedAt({ ...experiment, reopensMs: 5000 })).toBeLessThan(15_000);
  });
});

describe('a room that is opened again from two browsers', () => {
  const JOB: Job = {
    ...DEFAULT_JOB,
    steps: 200,
    policies: { ...DEFAULT_JOB.policies, checkpointEvery: 10, quorum: 'available' },
  };

  it('waits for the one with the newer checkpoint, though its engine takes longer to come up', () => {
    const founded: Extract<TraceEvent, { kind: 'founded' }>[] = [];
    const world = createWorld({
      seed: 1,
      job: JOB,
      onRecord({ event }) {
        if (event.kind === 'founded') founded.push(event);
      },
    });
    const trainedTo = (step: number): void =>
      expect(
        world.runUntil(() => world.committed() >= step, 60_000),
        `step ${step}`,
      ).toBe(true);
    const [a, b] = [world.open('a', { fresh: true }), world.open('b')];
    trainedTo(21);
    world.depart(a, 'close');
    trainedTo(61);
    world.depart(b, 'close');

    world.open('a');
    const slow = world.ranks.get(world.open('b'));
    slow?.gpu.slowdowns.push({ factor: 1000, until: world.now() + 4000 });
    founded.length = 0;
    const together = (members: readonly MemberId[]): boolean =>
      members.every((member) => world.ranks.get(member)?.core.membership?.generation.members.length === 2);
    expect(world.runUntil(() => together(world.living().map(({ member }) => member)), 60_000)).toBe(true);
    expect(founded).toMatchObject([{ why: 'resumed', step: 60 }]);
    expect(world.violations).toEqual([]);
  });
});
