/** What a demo does, and when, as worked out from its options. */
import { describe, expect, it } from 'vitest';
import { chooseVictims, planDemo } from '../../../src/cli/demo/plan.ts';
import type { DemoOptions } from '../../../src/cli/demo/plan.ts';
import { UsageError } from '../../../src/cli/errors.ts';

const options = (changes: Partial<DemoOptions> = {}): DemoOptions => ({
  ranks: 4,
  steps: 60,
  kill: [],
  join: [],
  engine: 'cpu',
  seed: 1,
  faults: false,
  ...changes,
});

const acts = (changes: Partial<DemoOptions> = {}): readonly string[] =>
  planDemo(options(changes)).acts.map((act) =>
    act.kind === 'reopen' ? `reopen@${act.step}` : `${act.kind} ${act.count}@${act.step}`,
  );

describe('a demo plan', () => {
  it('kills one tab at a third, lets one join at two thirds and reopens the room at four fifths by default', () => {
    expect(acts()).toEqual(['kill 1@20', 'join 1@40', 'reopen@48']);
  });

  it('does only what was asked for when anything was', () => {
    expect(acts({ join: [{ count: 2, step: 5 }] })).toEqual(['join 2@5', 'reopen@48']);
    expect(acts({ faults: true })).toEqual(['reopen@48']);
  });

  it('kills nobody by default where there is only one rank', () => {
    expect(acts({ ranks: 1 })).toEqual(['join 1@40', 'reopen@48']);
  });

  it('is in order of steps, with kills before joins and both before the reopening', () => {
    const kill = [
      { count: 1, step: 55 },
      { count: 1, step: 48 },
    ];
    const join = [
      { count: 1, step: 48 },
      { count: 2, step: 3 },
    ];
    expect(acts({ kill, join })).toEqual(['join 2@3', 'kill 1@48', 'join 1@48', 'reopen@48', 'kill 1@55']);
  });

  it('reopens between two checkpoints, so that there are steps to do again', () => {
    expect(acts({ steps: 400 }).at(-1)).toBe('reopen@325');
    expect(acts({ steps: 24, ranks: 1 })).toEqual(['reopen@15', 'join 1@16']);
  });

  it('reopens before the last step even of a short run', () => {
    expect(acts({ steps: 10, join: [{ count: 1, step: 9 }] })).toEqual(['reopen@8', 'join 1@9']);
    expect(acts({ steps: 25 }).at(-1)).toBe('reopen@24');
  });

  it.each([
    [{ kill: [{ count: 4, step: 20 }] }, '--kill 4@20 would leave no tab alive: 4 are open at that step.'],
    [
      {
        kill: [
          { count: 2, step: 20 },
          { count: 2, step: 30 },
        ],
      },
      '--kill 2@30 would leave no tab alive: 2 are open at that step.',
    ],
    [{ join: [{ count: 5, step: 20 }] }, '--join 5@20 would make 9 ranks; a room holds at most 8.'],
    [
      { kill: [{ count: 1, step: 60 }] },
      '--kill 1@60 is outside of the run: its step must be from 1 to 59 (--steps 60).',
    ],
    [
      { join: [{ count: 1, step: 0 }] },
      '--join 1@0 is outside of the run: its step must be from 1 to 59 (--steps 60).',
    ],
  ])('refuses %j', (changes, sentence) => {
    expect(() => planDemo(options(changes))).toThrow(new UsageError(sentence));
  });

  it('may kill all that were there at the start once others have joined', () => {
    const plan = { kill: [{ count: 4, step: 20 }], join: [{ count: 1, step: 10 }] };
    expect(acts(plan)).toEqual(['join 1@10', 'kill 4@20', 'reopen@48']);
  });
});

describe('the choice of victims', () => {
  const tabs = ['tab 1', 'tab 2', 'tab 3', 'tab 4'];

  it('is the same for the same seed and step', () => {
    expect(chooseVictims(7, 20, 2, tabs)).toEqual(chooseVictims(7, 20, 2, tabs));
  });

  it('takes different tabs, and as many as asked for', () => {
    for (let seed = 0; seed < 50; seed++) {
      const victims = chooseVictims(seed, 20, 3, tabs);
      expect(new Set(victims).size).toBe(3);
    }
  });

  it('hits every tab at some seed, the founder too', () => {
    const hit = new Set(Array.from({ length: 50 }, (_, seed) => chooseVictims(seed, 20, 1, tabs)[0]));
    expect([...hit].sort()).toEqual(tabs);
  });
});
