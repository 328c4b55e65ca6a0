// A lesson as a value: what its front matter may say (docs/lessons.md). It comes from a file that anybody may have written.

import * as v from 'valibot';
import { StrikeSchema } from '../../faults/schedule.ts';
import { PRESET_NAMES } from '../../job/presets.ts';
import { ExperimentSchema } from '../../simulator/experiment.ts';
import { CONDITION_SPELLING, parseCondition, type Condition } from './condition.ts';
import { METRICS } from './metrics.ts';

/** Bounds that keep a run on a small laptop within seconds, and a file within a page. */
const MAX_SIMULATED_RANKS = 32;
const MAX_LIVE_RANKS = 8;
const MAX_STEPS = 5000;
const MAX_STRIKES = 200;
const MAX_VIRTUAL_MS = 600_000;
const MAX_SEEDS = 20_000;
const MAX_LINE = 400;
const MAX_CHOICES = 6;
const MAX_CONDITIONS = 8;
const MAX_SETTINGS = 6;

const line = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(MAX_LINE));
const whole = (low: number, high: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high));

const condition = v.pipe(
  v.string(),
  v.rawTransform<string, Condition>(({ dataset, addIssue, NEVER }) => {
    const parsed = parseCondition(dataset.value);
    if (parsed !== undefined) return parsed;
    addIssue({ message: `Expected ${CONDITION_SPELLING}` });
    return NEVER;
  }),
);
const conditions = v.pipe(v.array(condition), v.minLength(1), v.maxLength(MAX_CONDITIONS));

const PredictionSchema = v.union(
  [
    v.strictObject({
      question: line,
      /** The first of them whose conditions hold is what came about. */
      choices: v.pipe(
        v.array(v.strictObject({ says: line, when: conditions })),
        v.minLength(2),
        v.maxLength(MAX_CHOICES),
      ),
    }),
    v.strictObject({
      question: line,
      number: v.strictObject({
        /** What it is held against. */
        metric: v.picklist(METRICS),
        unit: v.optional(v.pipe(v.string(), v.maxLength(20)), ''),
        /** How much of the metric one unit is: 1000 for a time in seconds. */
        scale: v.optional(v.pipe(v.number(), v.minValue(0.001), v.maxValue(1_000_000)), 1),
        least: v.number(),
        most: v.number(),
      }),
    }),
  ],
  'Expected a question with choices, or with a number',
);

const experiment = ExperimentSchema.entries;
const strikes = v.pipe(v.array(StrikeSchema), v.maxLength(MAX_STRIKES));

/** What a person can do to a rank of a live room by a button. */
export const HANDS = ['kill', 'close', 'freeze'] as const;
export type Hand = (typeof HANDS)[number];

const RunSchema = v.variant('world', [
  v.strictObject({
    world: v.literal('simulator'),
    seed: v.optional(experiment.seed, 1),
    ranks: whole(1, MAX_SIMULATED_RANKS),
    steps: whole(1, MAX_STEPS),
    profiles: v.exactOptional(whole(1, MAX_SIMULATED_RANKS)),
    quorum: v.optional(experiment.quorum, 'majority'),
    checkpointEvery: v.optional(experiment.checkpointEvery, 5),
    engineMs: v.optional(experiment.engineMs, [20, 30]),
    snapshotMs: v.exactOptional(whole(0, 60_000)),
    deadlines: experiment.deadlines,
    /** Strikes end, at the latest, when so much virtual time has passed. */
    calmAt: v.exactOptional(whole(0, MAX_VIRTUAL_MS)),
    faults: v.optional(strikes, []),
  }),
  v.strictObject({
    world: v.literal('live'),
    job: v.optional(v.picklist(PRESET_NAMES), 'digits'),
    ranks: whole(1, MAX_LIVE_RANKS),
    steps: whole(1, MAX_STEPS),
    quorum: v.optional(experiment.quorum, 'majority'),
    checkpointEvery: v.optional(experiment.checkpointEvery, 20),
    deadlines: experiment.deadlines,
    hands: v.optional(v.pipe(v.array(v.picklist(HANDS)), v.maxLength(HANDS.length)), []),
    faults: v.optional(strikes, []),
  }),
  v.strictObject({
    world: v.literal('hunt'),
    /** One of examples/, by its name without the ending. */
    protocol: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,60}$/)),
    ranks: whole(2, MAX_SIMULATED_RANKS),
    /** The first seed, and after how many it is given up. */
    seed: v.optional(experiment.seed, 1),
    seeds: v.optional(whole(1, MAX_SEEDS), 2000),
  }),
]);

/** What the reader may change before the run. */
export const NUMBER_SETTINGS = [
  'ranks',
  'seed',
  'checkpointEvery',
  /** How long each fault lasts that lasts at all. */
  'forMs',
  'snapshotMs',
  'heartbeatMs',
  'suspicionMs',
  'collectiveMs',
  'regroupMs',
  'joinMs',
] as const;
export const CHOICE_SETTINGS = ['quorum', 'protocol'] as const;

const SettingSchema = v.union(
  [
    v.strictObject({
      set: v.picklist(NUMBER_SETTINGS),
      label: line,
      value: whole(0, 3_600_000),
      least: whole(0, 3_600_000),
      most: whole(0, 3_600_000),
    }),
    v.strictObject({
      set: v.picklist(CHOICE_SETTINGS),
      label: line,
      value: v.string(),
      options: v.pipe(
        v.array(v.strictObject({ value: v.string(), says: line })),
        v.minLength(2),
        v.maxLength(MAX_CHOICES),
      ),
    }),
  ],
  `Expected what the reader may set (${[...NUMBER_SETTINGS, ...CHOICE_SETTINGS].join(', ')}), with a label, a value and its range or options`,
);

export const FrontMatterSchema = v.strictObject({
  id: v.pipe(
    v.string(),
    v.regex(/^[a-z][a-z0-9-]{0,39}$/, 'Expected a name of small letters, digits and dashes'),
  ),
  title: line,
  /** What it is about, in a sentence. */
  idea: line,
  /** As `lang` spells it, such as `en` or `zh-Hans`. */
  language: v.exactOptional(v.pipe(v.string(), v.regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/))),
  minutes: whole(1, 240),
  predict: PredictionSchema,
  run: RunSchema,
  settings: v.optional(v.pipe(v.array(SettingSchema), v.maxLength(MAX_SETTINGS)), []),
  goal: conditions,
  /** What stands beside the run: a calculator of the interval between checkpoints. */
  tool: v.exactOptional(v.picklist(['interval'])),
});

export type FrontMatter = Readonly<v.InferOutput<typeof FrontMatterSchema>>;
export type LessonRun = FrontMatter['run'];
export type SimulatedRun = Extract<LessonRun, { world: 'simulator' }>;
export type LiveRun = Extract<LessonRun, { world: 'live' }>;
export type HuntRun = Extract<LessonRun, { world: 'hunt' }>;
export type Setting = FrontMatter['settings'][number];

export interface Lesson extends FrontMatter {
  /** Its text, in Markdown. */
  readonly body: string;
}
