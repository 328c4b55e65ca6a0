// `npm run explore`: exhausts small scopes of the real core, prints the number of states, and fails on a broken invariant.

import { parseArgs } from 'node:util';
import { DEFAULT_JOB } from '../../src/job/job.ts';
import { explore, type Scope } from '../../src/simulator/explore.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const maxMs = Number(values.minutes) * 60_000;

const base = { steps: 1, timers: 0, oneProfile: true } as const;
const scopes: readonly (Scope & { readonly budgetMs: number })[] = [
  { ...base, ranks: 3, departures: 1, cuts: 0, budgetMs: Infinity },
  { ...base, ranks: 3, departures: 0, cuts: 1, budgetMs: Infinity },
  { ...base, ranks: 3, departures: 0, cuts: 0, overlap: true, budgetMs: Infinity },
  { ...base, ranks: 2, witness: true, departures: 1, cuts: 1, budgetMs: Infinity },
  { ...base, ranks: 3, departures: 1, cuts: 1, budgetMs: maxMs },
  { ...base, ranks: 4, departures: 2, cuts: 1, timers: 1, budgetMs: maxMs },
  { ...base, ranks: 4, witness: true, departures: 2, cuts: 1, timers: 1, budgetMs: maxMs },
];

for (const { budgetMs, ...scope } of scopes) {
  const result = explore(scope, DEFAULT_JOB, { now: () => performance.now(), maxMs: budgetMs });
  const bounds = `${scope.ranks} ranks${scope.witness === true ? ' and a witness' : ''}, ${scope.departures} departures, ${scope.cuts} cuts, ${scope.steps} step, ${scope.timers} timers${scope.overlap === true ? ', in buckets' : ''}`;
  const end = result.complete ? 'complete' : 'stopped at the time limit';
  console.log(
    `${bounds}: ${result.states} states, ${result.transitions} transitions, depth ${result.deepest}, ${(result.elapsedMs / 1000).toFixed(0)} s, ${end}`,
  );
  if (result.violation !== undefined) {
    console.log(`Invariant ${result.violation.invariant} is broken: ${result.violation.sentence}`);
    for (const line of result.violation.path) console.log(`  ${line}`);
    process.exitCode = 1;
  }
}
