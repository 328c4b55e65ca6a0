// What the reader has set, applied to a lesson's run; and the run as what the two worlds take: an experiment, or a job with its schedule.

import { liveSchedule, type LiveSchedule, type Strike } from '../../faults/schedule.ts';
import { parseJob, type Job } from '../../job/job.ts';
import { JOB_PRESETS } from '../../job/presets.ts';
import { calmExperiment, type Experiment } from '../../simulator/experiment.ts';
import type { LessonRun, LiveRun, Setting, SimulatedRun } from './lesson.ts';

/** By what is set. */
export type Choices = Readonly<Partial<Record<Setting['set'], number | string>>>;

export const usualChoices = (settings: readonly Setting[]): Choices =>
  Object.fromEntries(settings.map(({ set, value }) => [set, value]));

const POLICIES = ['majority', 'available'] as const;
const DEADLINES = ['heartbeatMs', 'suspicionMs', 'collectiveMs', 'regroupMs', 'joinMs'] as const;

/** Throws nothing: what is set was checked against the lesson when it was typed. */
export function withChoices(run: LessonRun, choices: Choices): LessonRun {
  const number = (set: Setting['set']): number | undefined => {
    const value = choices[set];
    return typeof value === 'number' ? value : undefined;
  };
  const seed = given({ seed: number('seed') });
  const ranks = given({ ranks: number('ranks') });
  if (run.world === 'hunt') {
    const protocol = choices['protocol'];
    return { ...run, ...ranks, ...seed, ...(typeof protocol === 'string' && { protocol }) };
  }
  const deadlines = {
    ...run.deadlines,
    ...given(Object.fromEntries(DEADLINES.map((name) => [name, number(name)]))),
  };
  const quorum = POLICIES.find((policy) => policy === choices['quorum']);
  const forMs = number('forMs');
  const shared = {
    ...ranks,
    ...(quorum !== undefined && { quorum }),
    ...given({ checkpointEvery: number('checkpointEvery') }),
    ...(Object.keys(deadlines).length > 0 && { deadlines }),
    faults: forMs === undefined ? run.faults : run.faults.map((strike) => lasting(strike, forMs)),
  };
  return run.world === 'live'
    ? { ...run, ...shared }
    : { ...run, ...shared, ...seed, ...given({ snapshotMs: number('snapshotMs') }) };
}

/** Without what is undefined. */
const given = <Name extends string>(
  values: Readonly<Record<Name, number | undefined>>,
): Partial<Record<Name, number>> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<
    Record<Name, number>
  >;

function lasting<S extends { readonly fault: Strike['fault'] }>(strike: S, forMs: number): S {
  return 'forMs' in strike.fault ? { ...strike, fault: { ...strike.fault, forMs } } : strike;
}

/** Throws a `JobError` where deadlines are out of order. */
export function experimentOf(run: SimulatedRun): Experiment {
  const { seed, ranks, steps, profiles, quorum, checkpointEvery, engineMs, snapshotMs, deadlines, faults } =
    run;
  const ends = faults.map(({ at, fault }) =>
    'ms' in at ? at.ms + (('forMs' in fault ? fault.forMs : undefined) ?? 0) : 0,
  );
  return {
    ...calmExperiment(seed, ranks, steps),
    ...(profiles === undefined ? {} : { profiles: Math.min(profiles, ranks) }),
    quorum,
    checkpointEvery,
    engineMs,
    ...(snapshotMs === undefined ? {} : { snapshotMs }),
    ...(deadlines === undefined ? {} : { deadlines }),
    plan: faults,
    calmAt: run.calmAt ?? Math.ceil(Math.max(0, ...ends)),
  };
}

/** Throws a `JobError` where deadlines are out of order. */
export function liveJob({ job, steps, quorum, checkpointEvery, deadlines }: LiveRun): Job {
  const preset = JOB_PRESETS[job];
  return parseJob({
    ...preset,
    steps,
    policies: { ...preset.policies, quorum, checkpointEvery, ...deadlines },
  });
}

export const scheduleOf = ({ faults }: LiveRun): LiveSchedule => liveSchedule({ format: 1, faults });
