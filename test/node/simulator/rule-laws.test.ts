// What the rules promise, whatever they are asked; and a run that is long enough for what comes round.

import { describe, expect, it } from 'vitest';
import { SLIPS, withSlip } from '../../../src/mutants/slips/index.ts';
import { RULES, type Rules } from '../../../src/protocol/rules.ts';
import { drawExperiment } from '../../../src/simulator/draw-experiment.ts';
import { calmExperiment } from '../../../src/simulator/experiment.ts';
import { brokenLaw } from '../../../src/simulator/rule-laws.ts';
import { replayOf, replayRun, shrink } from '../../../src/simulator/shrink.ts';
import { runExperiment } from '../../../src/simulator/swarm.ts';

function slipOf(rule: keyof Rules, name: string): Rules {
  const found = SLIPS.find((item) => item.rule === rule && item.slip === name);
  if (found === undefined) throw new Error('There is no such slip.');
  return withSlip(RULES, found);
}

describe('what a rule promises', () => {
  it('is kept by the rules, whatever is drawn', () => {
    for (let seed = 1; seed <= 20; seed++)
      expect(brokenLaw(RULES, seed)?.sentence, `seed ${seed}`).toBeUndefined();
  });

  it('is kept by versions that break nothing', () => {
    const broken = SLIPS.filter(({ harmless }) => harmless !== undefined).flatMap((slip) => {
      const sentence = brokenLaw(withSlip(RULES, slip), 1)?.sentence;
      return sentence === undefined ? [] : [`${slip.rule}, ${slip.slip}: ${sentence}`];
    });
    expect(broken).toEqual([]);
  });

  it.each<[rule: keyof Rules, slip: string, invariant: number]>([
    ['isQuorum', 'three are enough', 5],
    ['nextBallot', 'rounds come round', 5],
    ['nameIncarnation', 'not padded', 5],
    ['nameIncarnation', 'depths come round', 5],
    ['readmissionMs', 'the longest at once', 7],
    ['outlives', 'whatever was agreed before the last time', 5],
    ['shareOut', 'the remainder is dropped where each gets one', 3],
    ['shareOut', 'the slow get the most', 3],
    ['founder', 'by step alone', 6],
    ['target', 'steps first', 1],
    ['mostPieces', 'of the parameters alone', 7],
    ['takesWitness', 'always', 5],
    ['keepsForLearners', 'all', 7],
  ])('is not kept by %s, %s', (rule, slip, invariant) => {
    const seeds = [1, 2, 3, 4, 5].map((seed) => brokenLaw(slipOf(rule, slip), seed));
    const broken = seeds.find((lapse) => lapse !== undefined);
    expect(broken).toMatchObject({ invariant });
    expect(broken?.sentence).toMatch(new RegExp(`^The rule ${rule} does not keep what it promises: `, 'u'));
  });

  it('is not kept by one that throws', () => {
    const nextBallot = (): never => {
      throw new TypeError('a slip of the test');
    };
    expect(brokenLaw({ ...RULES, nextBallot }, 1)?.sentence).toMatch(/nextBallot threw.*a slip of the test/u);
  });

  it('is asked where nothing else was found, and such a run replays and gets small', () => {
    const rules = slipOf('nameIncarnation', 'not padded');
    const experiment = { ...calmExperiment(1, 3, 6), laws: true };
    expect(runExperiment({ ...experiment, laws: false }, { rules }).verdict).toBe('held');
    const replay = replayOf(experiment, { rules });
    expect(replay).toMatchObject({ invariant: 5 });
    expect(replay.reason).toMatch(/The rule nameIncarnation does not keep/u);
    expect(replayRun(replay, { rules, hash: true }).traceHash).toBe(replay.traceHash);
    expect(shrink(replay, { rules, now: () => 0, budgetMs: 1 })).toMatchObject({ size: 0 });
  });

  it('is asked of one seed in sixty-four', () => {
    const asked = Array.from({ length: 2000 }, (_, seed) => drawExperiment(seed)).filter(({ laws }) => laws);
    expect(asked.length).toBeGreaterThan(15);
    expect(asked.length).toBeLessThan(60);
  });
});

describe('a long run of one generation with slow ranks', () => {
  /** The first seed of the swarm that draws one. */
  const long = { ...drawExperiment(103), laws: false };

  it('is drawn by the swarm, and holds', () => {
    expect(long).toMatchObject({ gathers: true, calmAt: 0 });
    expect(long.steps).toBeGreaterThanOrEqual(70);
    expect(runExperiment(long).verdict).toBe('held');
  });

  it.each<[rule: keyof Rules, slip: string]>([
    ['shareOut', 'the remainder is dropped where each gets one'],
    ['batchOf', 'batches come round'],
  ])('shows %s, %s', (rule, slip) => {
    expect(runExperiment(long, { rules: slipOf(rule, slip) }).verdict).toBe('violated');
  });
});
