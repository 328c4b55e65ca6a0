// `npm run seeds-to-find`: how many seeds each scheduler needs for each planted bug, as the table of docs/simulator.md.

import { parseArgs } from 'node:util';
import { MUTANTS } from '../../src/mutants/index.ts';
import { RULES } from '../../src/protocol/rules.ts';
import { drawExperiment } from '../../src/simulator/draw-experiment.ts';
import { SCHEDULERS } from '../../src/simulator/scheduler.ts';
import { runExperiment } from '../../src/simulator/swarm.ts';

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '2000' } } });
const limit = Number(values.seeds);

console.log(`| bug | ${SCHEDULERS.join(' | ')} |\n|---|${SCHEDULERS.map(() => '---').join('|')}|`);
for (const { name, mutate } of MUTANTS) {
  const rules = mutate(RULES);
  const found = SCHEDULERS.map((scheduler) => {
    for (let seed = 1; seed <= limit; seed++)
      if (runExperiment(drawExperiment(seed, { scheduler }), { rules }).verdict === 'violated')
        return String(seed);
    return `> ${limit}`;
  });
  console.log(`| \`${name}\` | ${found.join(' | ')} |`);
}
