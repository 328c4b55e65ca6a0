// Named experiments: the stories that the documentation tells, and what a schedule file becomes in the simulator.

import type { Schedule, Strike } from '../faults/schedule.ts';
import type { AnyFault } from '../faults/vocabulary.ts';
import { calmExperiment, type Experiment } from './experiment.ts';
import { durationOf } from './strikes.ts';

interface Scenario {
  readonly tells: string;
  readonly strikes: readonly Strike[];
  readonly change?: Partial<Experiment>;
}

const onStep = (step: number, page: number, fault: AnyFault): Strike => ({ at: { step }, page, fault });

/** Steps are for a run of 40. Page 0 opens the room. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  calm: { tells: 'nothing happens', strikes: [] },
  'kill-one': { tells: 'a tab is killed in mid-run', strikes: [onStep(10, 1, { kind: 'kill' })] },
  'founder-dies': {
    tells: 'the tab that opened the room is killed',
    strikes: [onStep(10, 0, { kind: 'kill' })],
  },
  newcomer: {
    tells: 'a tab joins in mid-run and heals from a donor',
    strikes: [onStep(10, 0, { kind: 'open' })],
  },
  zombie: {
    tells: 'a tab freezes for five seconds, is left out, wakes and comes back',
    strikes: [onStep(10, 2, { kind: 'freeze', forMs: 5000 })],
    change: { steps: 200 },
  },
  'split-brain': {
    tells: 'a partition: only the majority goes on, and the room unites afterwards',
    strikes: [onStep(10, 0, { kind: 'partition', side: 1, forMs: 15_000 })],
    change: { steps: 400 },
  },
  'exact-half': {
    tells: 'a partition down the middle: the half with the lowest seat goes on',
    strikes: [onStep(10, 0, { kind: 'partition', side: 0b0011, forMs: 15_000 })],
    change: { steps: 400 },
  },
  'all-gone': {
    tells: 'every tab is killed, and the room is opened again from its newest checkpoint',
    strikes: [0, 1, 2, 3].map((page) => onStep(22, page, { kind: 'kill' })),
  },
  'gpu-process': {
    tells: 'the GPU process dies: every tab of the browser loses its device at once',
    strikes: [onStep(12, 0, { kind: 'lose-gpu-process' })],
    change: { profiles: 1 },
  },
  'bad-link': {
    tells: 'a link corrupts every third message, and no step is lost',
    strikes: [onStep(5, 0, { kind: 'corrupt', to: 1, chance: 0.33, forMs: 1500 })],
  },
  'donor-dies': {
    tells: 'the donor dies while a newcomer heals from it',
    strikes: [
      onStep(10, 0, { kind: 'open' }),
      // Three of the four that open the room heal as well.
      { at: { moment: 'healing', nth: 4, afterMs: 0, hits: 'donor' }, fault: { kind: 'kill' } },
    ],
  },
  'out-of-memory': {
    tells: 'a GPU has no memory for a while: the rank gives its place up and comes back',
    strikes: [onStep(10, 2, { kind: 'refuse-gpu', forMs: 3000 })],
    change: { steps: 120 },
  },
  'full-disk': {
    tells: 'storage refuses: the votes of one browser are abstentions',
    strikes: [onStep(8, 1, { kind: 'refuse-storage', forMs: 6000 }), onStep(10, 2, { kind: 'kill' })],
    change: { steps: 120 },
  },
};

export interface ScenarioOptions {
  readonly seed: number;
  readonly ranks: number;
  readonly steps?: number | undefined;
}

const DEFAULT_STEPS = 40;

export function scenarioExperiment(scenario: Scenario, { seed, ranks, steps }: ScenarioOptions): Experiment {
  return {
    ...calmExperiment(seed, ranks, DEFAULT_STEPS),
    ...scenario.change,
    ...(steps === undefined ? {} : { steps }),
    plan: scenario.strikes,
  };
}

/** Ranks in a schedule are those of the generation in force when it strikes. */
export function scheduleExperiment(schedule: Schedule, { seed, ranks, steps }: ScenarioOptions): Experiment {
  const plan = schedule.faults;
  const last = plan.map(({ at }) => ('step' in at ? at.step : 0)).reduce((a, b) => Math.max(a, b), 0);
  const times = plan.map((strike) => ('ms' in strike.at ? strike.at.ms + (durationOf(strike) ?? 0) : 0));
  return {
    ...calmExperiment(schedule.seed ?? seed, ranks, Math.max(DEFAULT_STEPS, last + 20)),
    ...(steps === undefined ? {} : { steps }),
    plan,
    calmAt: Math.ceil(times.reduce((a, b) => Math.max(a, b), 0)),
  };
}
