// `npm run many-faults`: one simulated run under so many faults of every kind (2,000), and whether it ends in the state of a rank that
// nothing happened to, and never stands still for long. Takes a minute or two.

import { parseArgs } from 'node:util';
import type { Strike } from '../../src/faults/schedule.ts';
import type { AnyFault } from '../../src/faults/vocabulary.ts';
import { referenceRun } from '../../src/simulator/compute.ts';
import { drawFault } from '../../src/simulator/draw-fault.ts';
import { calmExperiment, computeOf, jobOf, type Experiment } from '../../src/simulator/experiment.ts';
import { createEntropy } from '../../src/simulator/random.ts';
import { runExperiment } from '../../src/simulator/swarm.ts';

/** All after which the state is the same and somebody is left to go on: who goes for good, or stops the room, is left out. */
const KINDS = [
  'reload',
  'freeze',
  'cut',
  'delay',
  'jitter',
  'limit-bandwidth',
  'corrupt',
  'refuse-gpu',
  'oversize-buffer',
  'fill-queue',
  'refuse-storage',
  'limit-storage',
  'ambiguous-storage',
  'loader-throws',
  'loader-hangs',
  'loader-garbles',
  'lose-data',
  'bad-sample',
  'lose-device',
  'lose-gpu-process',
  'slow-gpu',
  'slow-map',
  'hang-kernel',
  'reset-link',
  'silent-link',
  'hold-link',
  'stall-collective',
  'repeat-late',
  'partition',
  'damage-checkpoint',
  'evict-checkpoints',
  'mute',
  'hide',
  'hog-cpu',
  'lose-signalling',
  'clock-jump',
] as const satisfies readonly AnyFault['kind'][];

const RANKS = 5;
/** Milliseconds that a fault lasts at most, so that the next one finds a room. */
const LONGEST_MS = 1500;
const EVERY_MS = 250;
/**
 * A rank whose loader fails more often in a row than its job bears, and that has nobody to go on without it, stops with that reason; these
 * faults together bring that about, and a room of which all have stopped would stand still. Whoever sits there opens the page again.
 */
const REOPENS_MS = 5000;
/** No longer than this may the room be without a new committed step, whatever strikes it. */
const LONGEST_STAND_MS = 60_000;
/** More steps than the faults leave time for: the room finishes them afterwards. */
const STEPS_PER_FAULT = 8;
const SPOILED_EVERY = 100;

const { values } = parseArgs({
  options: { faults: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' } },
});
/** Some come when there is no such rank at that moment. */
const faults = Math.ceil(1.3 * Number(values.faults));
const seed = Number(values.seed);
const entropy = createEntropy(seed);

/** A strike every quarter of a second. Bad samples come by the data, and the reference finds them too. */
const plan = Array.from({ length: faults }, (_, i): Strike => {
  const fault = drawFault(entropy.pick('workload', 'kind', KINDS), entropy, RANKS);
  const rank = entropy.between('workload', 'rank', 0, RANKS - 1);
  const short =
    'forMs' in fault && fault.forMs !== undefined ? { forMs: Math.min(fault.forMs, LONGEST_MS) } : {};
  return { at: { ms: EVERY_MS * (i + 1) }, rank, fault: { ...fault, ...short } };
});
const good = plan.filter(({ fault }) => fault.kind !== 'bad-sample');
const spoiled = plan
  .filter(({ fault }) => fault.kind === 'bad-sample')
  .map((_, i) => [SPOILED_EVERY * (i + 1), i % 8] as const);
const experiment: Experiment = {
  ...calmExperiment(seed, RANKS, STEPS_PER_FAULT * faults),
  plan: good,
  spoiled,
  calmAt: EVERY_MS * (faults + 1),
  reopensMs: REOPENS_MS,
};
const struck = new Map<string, number>();
let [lastStep, longestStand, stoodUntil] = [0, 0, 0];
const outcome = runExperiment(experiment, {
  maxEvents: 100_000_000,
  onRecord({ at, event }) {
    if (event.kind !== 'committed') return;
    if (at - lastStep > longestStand) [longestStand, stoodUntil] = [at - lastStep, at];
    lastStep = at;
  },
  onStrike: ({ fault }) => struck.set(fault.kind, (struck.get(fault.kind) ?? 0) + 1),
});
const job = jobOf(experiment);
const expected = referenceRun(computeOf(experiment, job), job.steps).at(-1);
const total = [...struck.values()].reduce((sum, times) => sum + times, 0) + spoiled.length;
const exact = outcome.stateHash === expected;
console.log(
  `${total} faults of ${struck.size + Math.min(1, spoiled.length)} kinds, ${outcome.committed} steps, ${outcome.events} events: ` +
    `${outcome.verdict}${outcome.reason === undefined ? '' : ` (${outcome.reason})`}, ${exact ? 'exact' : `${outcome.stateHash ?? 'no state'}, expected ${expected ?? ''}`}; ` +
    `at most ${(longestStand / 1000).toFixed(1)} s without a step, until ${(stoodUntil / 1000).toFixed(0)} s`,
);
process.exitCode = outcome.verdict !== 'violated' && exact && longestStand <= LONGEST_STAND_MS ? 0 : 1;
