// One experiment as a value: everything that decides a run, besides the draws of its delays. A seed stands for one
// (`draw-experiment.ts`).

import * as v from 'valibot';
import { DEFAULT_JOB, parseJob, type Job } from '../job/job.ts';
import { MAX_WIRE_BITS, MIN_WIRE_BITS } from '../job/wire-schema.ts';
import { StrikeSchema, type Strike } from '../faults/schedule.ts';
import { RULES, type Rules } from '../protocol/rules.ts';
import { SCHEDULERS, type SchedulerName } from './scheduler.ts';
import type { Compute, Spoiled } from './compute.ts';
import { cpuCompute, pointOf, smallJob } from './cpu-compute.ts';
import { hashCompute, hashSample, type Salt } from './hash-engine.ts';

/** A whole number in this range. */
export const whole = (low: number, high: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high));

export const ENGINES = ['hash', 'cpu'] as const;
export type EngineName = (typeof ENGINES)[number];

export const MAX_RANKS = 1024;
export const MAX_STEPS = 100_000;
const MAX_STRIKES = 10_000;
/** Parameters of a state that is longer than one piece. */
const LONG_STATE = 1_000_000;
/** More than a receiver asks for at once. */
export const MAX_PIECES_DRAWN = 8;

const deadline = v.exactOptional(whole(10, 3_600_000));
const DeadlinesSchema = v.strictObject({
  heartbeatMs: deadline,
  suspicionMs: deadline,
  collectiveMs: deadline,
  regroupMs: deadline,
  joinMs: deadline,
});

export const ExperimentSchema = v.strictObject({
  seed: whole(0, 0xffffffff),
  ranks: whole(1, MAX_RANKS),
  steps: whole(1, MAX_STEPS),
  /** Pages are spread over this many browser profiles in turn. */
  profiles: whole(1, MAX_RANKS),
  /** `salted`: whatever crosses a fence changes the state. `uniform`: the end must equal the fault-free run. */
  salt: v.picklist(['uniform', 'salted']),
  /** Absent: the hash chain. `cpu`: real training on a small job, which is always uniform. */
  engine: v.optional(v.picklist(ENGINES)),
  scheduler: v.picklist(SCHEDULERS),
  quorum: v.picklist(['majority', 'available']),
  checkpointEvery: whole(1, MAX_STEPS),
  /** The least and the longest time that a piece of engine work takes, in milliseconds. */
  engineMs: v.tuple([whole(0, 60_000), whole(0, 60_000)]),
  /** Absent: a checkpoint costs the training nothing. Else taking its snapshot keeps the engine busy so long, in milliseconds. */
  snapshotMs: v.optional(whole(0, 60_000)),
  /** Absent: those of the usual job. In milliseconds, each longer than the one before it (`job/job.ts`). */
  deadlines: v.optional(DeadlinesSchema),
  /** Absent: gradients travel in 32 bits. Else in the narrow format, with so many for each micro-batch. */
  wireBits: v.optional(whole(MIN_WIRE_BITS, MAX_WIRE_BITS)),
  /** Absent: gradients are exchanged all at once. Else bucket by bucket, while the rest is computed. */
  overlap: v.optional(v.boolean()),
  /** Absent: a state travels to a rank that heals in one piece. Else in so many. */
  pieces: v.optional(whole(2, MAX_PIECES_DRAWN)),
  /** Newcomers learn such a state beside the ring, as they do with one that is too long for one piece. */
  learns: v.optional(v.boolean()),
  /** Absent: all samples are good. Else, which sample of the batch of each of these steps is bad. */
  spoiled: v.optional(v.pipe(v.array(v.tuple([whole(0, MAX_STEPS), whole(0, 63)])), v.maxLength(64))),
  /** A planted bug. */
  bug: v.optional(v.string()),
  plan: v.pipe(v.array(StrikeSchema), v.maxLength(MAX_STRIKES)),
  /** When the faults end and the room must recover, in milliseconds. */
  calmAt: whole(0, 3_600_000),
  /** Who is there then: everybody, or a random part while the others stay broken for good. */
  survivors: v.picklist(['all', 'some']),
  /** Absent: as in production, and sparse links in rooms that outgrow the full mesh. */
  hierarchy: v.optional(
    v.strictObject({
      above: whole(1, MAX_RANKS),
      width: whole(2, MAX_RANKS),
      contacts: whole(1, MAX_RANKS),
    }),
  ),
  /** The room starts to train once all pages are in it; times in the plan count from then. */
  gathers: v.optional(v.boolean()),
  /** Whoever sits at a page that has stopped opens it anew, after so many milliseconds. */
  reopensMs: v.optional(whole(0, 3_600_000)),
  /** The room's server brings a witness: in plans, the page after the first ranks. */
  witness: v.optional(v.boolean()),
  /** Where nothing else was found, the rules are held to what they promise (`rule-laws.ts`). */
  laws: v.optional(v.boolean()),
});

export interface Experiment {
  readonly seed: number;
  readonly ranks: number;
  readonly steps: number;
  readonly profiles: number;
  readonly salt: Salt;
  readonly engine?: EngineName | undefined;
  readonly scheduler: SchedulerName;
  readonly quorum: Job['policies']['quorum'];
  readonly checkpointEvery: number;
  readonly engineMs: readonly [number, number];
  readonly snapshotMs?: number | undefined;
  readonly deadlines?: Readonly<v.InferOutput<typeof DeadlinesSchema>> | undefined;
  readonly wireBits?: number | undefined;
  readonly overlap?: boolean | undefined;
  readonly pieces?: number | undefined;
  readonly learns?: boolean | undefined;
  readonly spoiled?: readonly (readonly [step: number, sample: number])[] | undefined;
  readonly bug?: string | undefined;
  readonly plan: readonly Strike[];
  readonly calmAt: number;
  readonly survivors: 'all' | 'some';
  /** Rooms of more than `above` members stand in rows of `width`; a page is introduced to so many others when it comes. */
  readonly hierarchy?: Hierarchy | undefined;
  readonly gathers?: boolean | undefined;
  readonly reopensMs?: number | undefined;
  readonly witness?: boolean | undefined;
  readonly laws?: boolean | undefined;
}

/** Throws a `JobError` where its deadlines are out of order. */
export function jobOf(experiment: Experiment): Job {
  const job: Job = {
    ...DEFAULT_JOB,
    name: 'simulated',
    overlap: experiment.overlap ?? false,
    steps: experiment.steps,
    ...(experiment.wireBits === undefined ? {} : { wire: { format: 'narrow', bits: experiment.wireBits } }),
    policies: {
      ...DEFAULT_JOB.policies,
      quorum: experiment.quorum,
      checkpointEvery: experiment.checkpointEvery,
      ...experiment.deadlines,
    },
  };
  // Deadlines that are out of order are refused, as a room refuses them.
  const sound = experiment.deadlines === undefined ? job : parseJob(job);
  return experiment.engine === 'cpu' ? smallJob(sound) : sound;
}

/** What its ranks compute with. */
export function computeOf({ engine, salt, pieces = 1, spoiled = [] }: Experiment, job: Job): Compute {
  const { microBatches } = job;
  /** By their number; bad from the first step on. */
  const bad = (number: (step: number, microBatch: number) => number): Spoiled =>
    new Map(spoiled.map(([step, sample]) => [number(step, sample % microBatches), 0]));
  const compute: Compute =
    engine === 'cpu'
      ? // A sample for each micro-batch is within any batch.
        cpuCompute(
          job,
          bad((step, microBatch) => pointOf(job, step, microBatch)),
        )
      : hashCompute(job.seed, microBatches, salt, job.wire, job.overlap, bad(hashSample));
  return { ...compute, pieces };
}

export interface Hierarchy {
  readonly above: number;
  readonly width: number;
  readonly contacts: number;
}

/** Others that a page of a large room is introduced to. */
const CONTACTS = 4;

/** How many others a page is introduced to when it comes; undefined: it gets a link with everybody. */
export const contactsOf = ({ hierarchy, ranks }: Experiment): number | undefined =>
  hierarchy?.contacts ?? (RULES.rowWidth(ranks) === undefined ? undefined : CONTACTS);

/** A teacher of a small state keeps fewer gradients: in a short run, too, some learners are slower than the room. */
const GRADIENTS_KEPT = 6;

/** The rules with the hierarchy of the experiment, and with its small state as one that is learned beside the ring. */
export function rulesOf({ hierarchy, learns }: Experiment, rules: Rules): Rules {
  const width = hierarchy && {
    rowWidth: (members: number) => (members > hierarchy.above ? hierarchy.width : undefined),
  };
  const learning = learns === true && {
    learnsFirst: (_parameters: number, lacks: number) => rules.learnsFirst(LONG_STATE, lacks),
    keepsForLearners: (gradients: number, bytes: number) =>
      gradients <= GRADIENTS_KEPT && rules.keepsForLearners(gradients, bytes),
  };
  return width === undefined && learning === false ? rules : { ...rules, ...width, ...learning };
}

/** Nothing happens to this room: what a named scenario or a schedule file adds its strikes to. */
export const calmExperiment = (seed: number, ranks: number, steps: number): Experiment => ({
  seed,
  ranks,
  steps,
  profiles: Math.max(1, Math.ceil(ranks / 2)),
  salt: 'uniform',
  scheduler: 'random',
  quorum: 'majority',
  checkpointEvery: 5,
  engineMs: [5, 40],
  plan: [],
  calmAt: 0,
  survivors: 'all',
  ...(isLarge(ranks) ? { gathers: true } : {}),
});

export const isLarge = (ranks: number): boolean => RULES.rowWidth(ranks) !== undefined;
