// `npm run slips`: which seed of the swarm shows each slip of `src/mutants/slips.ts`. Harmless ones are not looked for. Exit status 1
// where one is not found.

import { parseArgs } from 'node:util';
import { SLIPS, withSlip, type Slip } from '../../src/mutants/slips.ts';
import { RULES } from '../../src/protocol/rules.ts';
import { drawExperiment } from '../../src/simulator/experiment.ts';
import { runExperiment } from '../../src/simulator/swarm.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    rule: { type: 'string' },
  },
});
const seeds = Number(values.seeds);
const first = Number(values.from);
/** So many times as many seeds for what is rare. */
const RARE_SEEDS = 20;
/** A slip may keep a room busy for ever. */
const MAX_EVENTS = 2_000_000;

function hunt(slip: Slip): string | undefined {
  const rules = withSlip(RULES, slip);
  const last = first + seeds * (slip.rare ? RARE_SEEDS : 1);
  for (let seed = first; seed < last; seed++) {
    const { verdict, reason } = runExperiment(drawExperiment(seed), { rules, maxEvents: MAX_EVENTS });
    if (verdict === 'violated') return `seed ${seed}: ${reason ?? ''}`;
  }
  return undefined;
}

let missed = 0;
for (const slip of SLIPS) {
  const { rule, harmless } = slip;
  if (values.rule !== undefined && rule !== values.rule) continue;
  const found = harmless === undefined ? hunt(slip) : `harmless, since ${harmless}`;
  if (found === undefined) missed += 1;
  console.log(`${rule}: ${slip.slip}: ${found ?? 'NOT FOUND'}`);
}
process.exitCode = missed === 0 ? 0 : 1;
