// Named experiments: the stories that the documentation tells, and what a schedule file becomes in the simulator.

import type { Schedule, Strike } from '../faults/schedule.ts';
import type { AnyFault } from '../faults/vocabulary.ts';
import { churn } from './draw-experiment.ts';
import { calmExperiment, type Experiment } from './experiment.ts';
import { durationOf } from './strikes.ts';

interface Scenario {
  readonly tells: string;
  readonly strikes: readonly Strike[];
  readonly change?: Partial<Experiment>;
  /** Strikes that depend on the size of the room. */
  readonly plan?: (experiment: Experiment) => readonly Strike[];
  /** Where it is not the usual few. */
  readonly ranks?: number;
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
  witness: {
    tells: 'two halves of two, and a witness: the half that the witness reaches goes on',
    // Page 4 is the witness.
    strikes: [onStep(10, 0, { kind: 'partition', side: 0b0011, forMs: 15_000 })],
    change: { steps: 400, witness: true },
  },
  'witness-restarts': {
    tells:
      'the server with the witness crashes and comes back with its ballots; then two of four ranks vanish',
    strikes: [
      onStep(10, 4, { kind: 'reload' }),
      onStep(60, 2, { kind: 'kill' }),
      onStep(60, 3, { kind: 'kill' }),
    ],
    change: { steps: 120, witness: true, profiles: 4 },
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
  'dead-link': {
    tells:
      'a link lets nothing through: all stay, the ring goes round it, and others carry what its ends say to each other',
    strikes: [onStep(10, 1, { kind: 'cut', to: 2, direction: 'both', forMs: 10_000 })],
    change: { steps: 120 },
  },
  'no-ring-left': {
    tells: 'a page keeps one link of three: no ring is left, and whoever has that link carries for it',
    strikes: [0, 3].map((to) => onStep(10, 1, { kind: 'cut', to, direction: 'both', forMs: 10_000 })),
    change: { steps: 120 },
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
  'slow-rank': {
    tells:
      'a GPU becomes ten times as slow: its rank gets less to do, and its part back when it has recovered',
    strikes: [onStep(10, 2, { kind: 'slow-gpu', factor: 10, forMs: 4000 })],
    change: { steps: 200 },
  },
  'full-disk': {
    tells: 'storage refuses: the votes of one browser are abstentions',
    strikes: [onStep(8, 1, { kind: 'refuse-storage', forMs: 6000 }), onStep(10, 2, { kind: 'kill' })],
    change: { steps: 120 },
  },
  'churn-1000': {
    tells: 'a thousand ranks in a hierarchy; sixty depart and sixty join over the run',
    strikes: [],
    ranks: 1000,
    change: { steps: 50 },
    plan: ({ seed, ranks, steps }) => churn(seed, ranks, steps),
  },
};

export interface ScenarioOptions {
  readonly seed: number;
  /** Absent: as many as the scenario has as a rule. */
  readonly ranks?: number | undefined;
  readonly steps?: number | undefined;
}

const DEFAULT_RANKS = 4;
const DEFAULT_STEPS = 40;

export function scenarioExperiment(scenario: Scenario, options: ScenarioOptions): Experiment {
  const ranks = options.ranks ?? scenario.ranks ?? DEFAULT_RANKS;
  const experiment = {
    ...calmExperiment(options.seed, ranks, DEFAULT_STEPS),
    ...scenario.change,
    ...(options.steps === undefined ? {} : { steps: options.steps }),
  };
  return { ...experiment, plan: scenario.plan?.(experiment) ?? scenario.strikes };
}

/** Ranks in a schedule are those of the generation in force when it strikes. */
export function scheduleExperiment(
  schedule: Schedule,
  { seed, ranks = DEFAULT_RANKS, steps }: ScenarioOptions,
): Experiment {
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
