// Every planted bug is found by the swarm: the search is as good as the bugs that it finds.

import { describe, expect, it } from 'vitest';
import { MUTANTS } from '../../../src/mutants/index.ts';
import { RULES } from '../../../src/protocol/rules.ts';
import { drawExperiment } from '../../../src/simulator/draw-experiment.ts';
import { runExperiment } from '../../../src/simulator/swarm.ts';

const SEEDS = 100;

describe('a planted bug', () => {
  it.each(MUTANTS)('$name is found', ({ name, mutate }) => {
    const rules = mutate(RULES);
    for (let seed = 1; seed <= SEEDS; seed++)
      if (runExperiment(drawExperiment(seed), { rules }).verdict === 'violated') return;
    expect.fail(`seeds 1 to ${SEEDS} do not show ${name}`);
  });

  it('breaks what nothing else breaks: the same seeds hold without it', () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { verdict, reason } = runExperiment(drawExperiment(seed));
      expect(verdict, `seed ${seed}: ${reason ?? ''}`).not.toBe('violated');
    }
  });
});
