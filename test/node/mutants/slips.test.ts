// Mistakes in rules that nobody has named: there are some of each rule, and none of them ends a search but by being found.

import { describe, expect, it } from 'vitest';
import { SLIPS, withSlip } from '../../../src/mutants/slips/index.ts';
import { RULES, type Rules } from '../../../src/protocol/rules.ts';
import { drawExperiment } from '../../../src/simulator/draw-experiment.ts';
import { calmExperiment, type Experiment } from '../../../src/simulator/experiment.ts';
import { runExperiment } from '../../../src/simulator/swarm.ts';

describe('a slip without a name', () => {
  it('is there of every rule', () => {
    const slipped = new Set<string>(SLIPS.map(({ rule }) => rule));
    expect(Object.keys(RULES).filter((rule) => !slipped.has(rule))).toEqual([]);
  });

  it('that asks the engine for what it refuses is a violation, and ends no search', () => {
    const found = SLIPS.find(({ rule, slip }) => rule === 'share' && slip === 'of one rank less');
    if (found === undefined) throw new Error('There is no such slip.');
    const rules = withSlip(RULES, found);
    const outcome = runExperiment({ ...drawExperiment(32), engine: 'cpu' }, { rules });
    expect(outcome).toMatchObject({ verdict: 'violated', invariant: 3 });
    expect(outcome.reason).toMatch(/asked its engine for what it refuses/u);
  });

  it.each<[rule: keyof Rules, slip: string, seed: number, reason: RegExp]>([
    [
      'castVote',
      'a promise stored in the place of what was accepted',
      7,
      /stored a vote without what it had accepted/u,
    ],
    [
      'heirBallots',
      'with no promise but that of the last vote',
      37,
      /taken over without what it had promised/u,
    ],
    ['isQuorum', 'any vote is a quorum', 3, /votes, which are no majority/u],
    ['outlives', 'whatever was agreed', 58, /agreed to go back to for the one that it had left behind/u],
    [
      'stepsOn',
      'after the first ballot',
      15,
      /contributed to step 3 of generation 1, on whose successor its seat has promised/u,
    ],
    ['saveState', 'the generation before', 1, /saves step 1 as one of generation 0, which it is not in/u],
  ])('of %s, %s, is seen when it happens and not by the harm that it does', (rule, slip, seed, reason) => {
    const found = SLIPS.find((item) => item.rule === rule && item.slip === slip);
    if (found === undefined) throw new Error('There is no such slip.');
    const outcome = runExperiment(drawExperiment(seed), { rules: withSlip(RULES, found) });
    expect(outcome).toMatchObject({ verdict: 'violated' });
    expect(outcome.reason).toMatch(reason);
  });

  it('that throws is a violation, and ends no search', () => {
    const rules = {
      ...RULES,
      share: () => {
        throw new TypeError('a slip of the test');
      },
    };
    const { verdict, reason } = runExperiment(drawExperiment(2), { rules });
    expect(verdict).toBe('violated');
    expect(reason).toMatch(/cannot go on: its core threw .* a slip of the test/u);
  });

  const thrown = (): never => {
    throw new TypeError('a slip of the test');
  };
  /** It is the page after two ranks, and a seat ends with the place of its page. */
  const castVote: Rules['castVote'] = (record, ...rest) =>
    record.seat.endsWith('2') ? thrown() : RULES.castVote(record, ...rest);
  it.each([
    ['votes', { castVote }],
    ['starts', { keptBallots: thrown }],
  ] satisfies [string, Partial<Rules>][])(
    'that throws in a witness that %s is a violation as well',
    (_, slip) => {
      const experiment: Experiment = {
        ...calmExperiment(1, 2, 40),
        profiles: 2,
        witness: true,
        plan: [{ at: { ms: 1500 }, page: 1, fault: { kind: 'kill' } }],
        calmAt: 2000,
      };
      const { verdict, reason } = runExperiment(experiment, { rules: { ...RULES, ...slip } });
      expect(verdict, reason).toBe('violated');
      expect(reason).toMatch(/cannot go on: its core threw .* a slip of the test/u);
    },
  );
});
