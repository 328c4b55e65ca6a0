// `npm run slips`: which seed of the swarm shows each slip of `src/mutants/slips/`, and in how many seconds of processor time. Harmless
// ones are not looked for. Exit status 1 where one is not found.

import { parseArgs } from 'node:util';
import { SLIPS, withSlip, type Slip } from '../../src/mutants/slips/index.ts';
import { RULES } from '../../src/protocol/rules.ts';
import { drawExperiment } from '../../src/simulator/draw-experiment.ts';
import { runExperiment } from '../../src/simulator/swarm.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    from: { type: 'string', default: '1' },
    rule: { type: 'string' },
  },
});
/** Of processor time, for each slip. */
const seconds = Number(values.seconds);
const first = Number(values.from);
/** A slip may keep a room busy for ever. */
const MAX_EVENTS = 2_000_000;

/** Seconds of processor time that this process has taken. */
function used(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function hunt(slip: Slip): { readonly found: boolean; readonly outcome: string } {
  const rules = withSlip(RULES, slip);
  const begun = used();
  for (let seed = first; used() - begun < seconds; seed++) {
    const { verdict, reason } = runExperiment(drawExperiment(seed), { rules, maxEvents: MAX_EVENTS });
    const took = (used() - begun).toFixed(1);
    if (verdict === 'violated') return { found: true, outcome: `seed ${seed}, ${took} s: ${reason ?? ''}` };
    if (used() - begun >= seconds)
      return { found: false, outcome: `NOT FOUND in ${seed - first + 1} seeds, ${took} s` };
  }
  return { found: false, outcome: 'NOT FOUND' };
}

let missed = 0;
for (const slip of SLIPS) {
  const { rule, harmless } = slip;
  if (values.rule !== undefined && rule !== values.rule) continue;
  const { found, outcome } =
    harmless === undefined ? hunt(slip) : { found: true, outcome: `harmless, since ${harmless}` };
  if (!found) missed += 1;
  console.log(`${rule}: ${slip.slip}: ${outcome}`);
}
process.exitCode = missed === 0 ? 0 : 1;
