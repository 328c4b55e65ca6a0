// One experiment as a value: everything that decides a run, besides the draws of its delays. A seed stands for one.

import * as v from 'valibot';
import { DEFAULT_JOB, parseJob, type Job } from '../job/job.ts';
import { MAX_WIRE_BITS, MIN_WIRE_BITS } from '../job/wire-schema.ts';
import { MOMENTS, StrikeSchema, type Strike } from '../faults/schedule.ts';
import type { AnyFault } from '../faults/vocabulary.ts';
import { RULES, type Rules } from '../protocol/rules.ts';
import { createEntropy, type Entropy } from './random.ts';
import { SCHEDULERS, type SchedulerName } from './scheduler.ts';
import type { Compute, Spoiled } from './compute.ts';
import { cpuCompute, pointOf, smallJob } from './cpu-compute.ts';
import { interruptedHeal, interruptedLesson, withDrama, withRollback, withWitness } from './dramas.ts';
import { withLongRun, withRareDrama, withReturn } from './rare-dramas.ts';
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
const MAX_PIECES_DRAWN = 8;

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

/** What a person may fix; the seed decides the rest. */
export interface ExperimentOptions {
  readonly ranks?: number | undefined;
  readonly steps?: number | undefined;
  readonly scheduler?: SchedulerName | undefined;
  readonly bug?: string | undefined;
  readonly engine?: EngineName | undefined;
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

const isLarge = (ranks: number): boolean => RULES.rowWidth(ranks) !== undefined;

/** Waves of coming and going in a large room, and the part of it that goes in each. */
const CHURN_WAVES = 12;
const CHURN_PART = 1 / 200;

/** Ranks depart and join over the run: in each wave some are killed, closed or leave in order, and as many come. */
export function churn(seed: number, ranks: number, steps: number): readonly Strike[] {
  const entropy = createEntropy(seed ^ 0xc402);
  const plan: Strike[] = [];
  const waves = Math.min(CHURN_WAVES, Math.max(1, steps - 2));
  const each = Math.max(1, Math.round(ranks * CHURN_PART));
  for (let wave = 1; wave <= waves; wave++) {
    const step = Math.floor((wave * (steps - 1)) / (waves + 1));
    for (let i = 0; i < each; i++) {
      const page = entropy.between('workload', 'page', 1, ranks - 1 + wave * each);
      const gone = entropy.pick('workload', 'how', [
        { kind: 'kill' },
        { kind: 'close' },
        { kind: 'command', command: 'leave' },
      ] as const);
      plan.push({ at: { step }, page, fault: gone }, { at: { step }, page: 0, fault: { kind: 'open' } });
    }
  }
  return plan;
}

const SWARM_RANKS = 5;
const LAWS_CHANCE = 1 / 64;

/** The swarm: each seed draws which faults exist at all, how often they strike, and the shape of the room. */
export function drawExperiment(seed: number, options: ExperimentOptions = {}): Experiment {
  const entropy = createEntropy(seed ^ 0x5eed);
  const draw = (site: string, low: number, high: number): number =>
    entropy.between('workload', site, low, high);
  const ranks = options.ranks ?? SWARM_RANKS;
  const profiles = entropy.pick(
    'workload',
    'profiles',
    // One disk does not store the votes of a thousand pages in time.
    isLarge(ranks) ? [ranks, Math.ceil(ranks / 2)] : [ranks, 1, 2, 3].filter((n) => n <= ranks),
  );
  const salt = entropy.pick('workload', 'salt', ['uniform', 'salted'] as const);
  const checkpointEvery = entropy.pick('workload', 'checkpoint every', [5, 1, 2, 20]);
  const quorum = entropy.chance('workload', 'quorum', 0.1) ? 'available' : 'majority';
  const large = isLarge(ranks);
  const kinds = (Object.keys(MAKERS) as AnyFault['kind'][]).filter(
    (kind) =>
      !BY_NAME_ONLY.has(kind) &&
      entropy.chance('workload', `has ${kind}`, COMMON.has(kind) ? 0.5 : RARE.has(kind) ? 0.05 : 0.3),
  );
  const plan: Strike[] = [];
  const dramatic = entropy.chance('workload', 'dramatic', 0.6);
  let at = draw('first strike', 0, 3000);
  const gap = entropy.pick('workload', 'gap', [1500, 300, 50, 4000]);
  const strikes = kinds.length === 0 ? 0 : draw('strikes', 1, 12);
  for (let i = 0; i < strikes; i++) {
    const kind = entropy.pick('workload', 'kind', kinds);
    const page = draw('page', 0, ranks + 1);
    const fault = drawFault(kind, entropy, ranks);
    if (dramatic && entropy.chance('workload', 'at a moment', 0.6))
      plan.push({ at: drawMoment(entropy), fault });
    else plan.push({ at: { ms: at }, page, fault });
    at += draw('gap', 1, gap);
  }
  const steps = options.steps ?? draw('steps', 4, 30);
  const hierarchy = large ? undefined : drawHierarchy(seed);
  const wireBits = drawWireBits(seed);
  const overlap = !large && createEntropy(seed ^ 0x0b1a).chance('workload', 'overlap', 0.5);
  const cut = large ? undefined : drawCut(seed, ranks);
  const spoiled = drawSpoiled(seed, steps);
  const drawn: Experiment = {
    seed,
    ranks,
    steps,
    profiles,
    salt,
    scheduler: options.scheduler ?? 'random',
    quorum,
    checkpointEvery,
    engineMs: entropy.pick('workload', 'engine', [
      [5, 40],
      [1, 3],
      [20, 400],
    ] as const),
    ...(options.bug === undefined ? {} : { bug: options.bug }),
    // A large room shows what coming and going costs, not what becomes of it when most are gone or a gradient is bad.
    plan: large ? [...plan.flatMap(onFew), ...churn(seed, ranks, steps)] : [...plan, ...(cut?.strikes ?? [])],
    calmAt: Math.ceil(at) + draw('calm', 0, 5000),
    survivors: large ? 'all' : entropy.pick('workload', 'survivors', ['all', 'some'] as const),
    ...(large ? { gathers: true } : {}),
    ...(hierarchy === undefined ? {} : { hierarchy }),
    ...(wireBits === undefined ? {} : { wireBits }),
    ...(overlap ? { overlap } : {}),
    ...(cut === undefined ? {} : { pieces: cut.pieces }),
    ...(cut?.learns === true ? { learns: true } : {}),
    ...(spoiled === undefined ? {} : { spoiled }),
    ...(createEntropy(seed ^ 0x1b70).chance('workload', 'laws', LAWS_CHANCE) ? { laws: true } : {}),
  };
  // Drawn last: whatever else a seed stands for stays as it is.
  const trains = options.engine ?? (entropy.chance('workload', 'real training', 0.02) ? 'cpu' : 'hash');
  if (trains === 'cpu' && !large) return { ...drawn, engine: 'cpu', salt: 'uniform' };
  return large ? drawn : withLongRun(withReturn(withRareDrama(withRollback(withDrama(withWitness(drawn))))));
}

/** What strikes one page of a large room and not all others, and does not end the run. */
function onFew(strike: Strike): readonly Strike[] {
  const { at, fault } = strike;
  if (fault.kind === 'nan') return [];
  return 'moment' in at ? [{ ...strike, at: { ...at, hits: 'actor' } }] : [strike];
}

/**
 * A state travels in one piece, as small ones do. Every fourth seed cuts it, and strikes while it is on its way: to a member that heals, or,
 * more often, to a newcomer that learns beside the ring.
 */
function drawCut(
  seed: number,
  ranks: number,
): { readonly pieces: number; readonly learns: boolean; readonly strikes: readonly Strike[] } | undefined {
  const entropy = createEntropy(seed ^ 0x91ece);
  if (!entropy.chance('workload', 'cut states', 0.25)) return undefined;
  const pieces = entropy.between('workload', 'pieces', 2, MAX_PIECES_DRAWN);
  const heal = interruptedHeal(entropy);
  const learns = entropy.chance('workload', 'learns', 0.6);
  return { pieces, learns, strikes: learns ? interruptedLesson(ranks, entropy) : heal };
}

/** Every fourth seed has a hierarchy in its small room: what a thousand ranks do is searched where few can do it. */
function drawHierarchy(seed: number): Hierarchy | undefined {
  const entropy = createEntropy(seed ^ 0x70b5);
  if (!entropy.chance('workload', 'hierarchy', 0.25)) return undefined;
  return {
    above: entropy.between('workload', 'above', 1, 4),
    width: entropy.between('workload', 'width', 2, 3),
    contacts: entropy.between('workload', 'contacts', 1, 3),
  };
}

/** Every third seed trains in the narrow wire format. */
function drawWireBits(seed: number): number | undefined {
  const entropy = createEntropy(seed ^ 0x31b5);
  if (!entropy.chance('workload', 'narrow', 1 / 3)) return undefined;
  return entropy.between('workload', 'bits', MIN_WIRE_BITS, MAX_WIRE_BITS);
}

/** For one seed in five, some samples are bad. */
function drawSpoiled(seed: number, steps: number): Experiment['spoiled'] {
  const entropy = createEntropy(seed ^ 0x5b01);
  if (!entropy.chance('workload', 'spoiled', 0.2)) return undefined;
  const many = entropy.between('workload', 'bad samples', 1, 4);
  return Array.from(
    { length: many },
    () =>
      [
        entropy.between('workload', 'bad in step', 0, steps - 1),
        entropy.between('workload', 'bad sample', 0, 7),
      ] as const,
  );
}

/** Those that every run comes to. */
const USUAL_MOMENTS = MOMENTS.filter((moment) => moment !== 'going-back' && moment !== 'learns');

/** Strikes at a moment come to it while it is new: its first few times, within a few messages. */
const drawMoment = (entropy: Entropy): Strike['at'] => ({
  moment: entropy.pick('workload', 'moment', USUAL_MOMENTS),
  nth: entropy.between('workload', 'nth', 1, entropy.pick('workload', 'many', [8, 30])),
  afterMs: entropy.between('workload', 'after', 0, entropy.pick('workload', 'soon', [4, 15, 60])),
  hits: entropy.pick('workload', 'hits', ['actor', 'actor', 'donors', 'others'] as const),
});

/** Kinds that the swarm leaves to schedules: seeds that are known draw what they drew, and a flipped bit is a violation by intent. */
const BY_NAME_ONLY: ReadonlySet<AnyFault['kind']> = new Set([
  'bad-sample',
  'oversize-buffer',
  'lose-data',
  'lose-signalling',
  'hog-cpu',
  'grow-memory',
  'fill-storage',
  'loader-garbles',
  'flip-bit',
  'hang-kernel',
  'stall-collective',
  'reconnect-storm',
]);

type FaultMakers = {
  readonly [Kind in AnyFault['kind']]: (
    entropy: Entropy,
    ranks: number,
  ) => Extract<AnyFault, { readonly kind: Kind }>;
};

const COMMON = new Set<AnyFault['kind']>(['kill', 'close', 'open', 'reload', 'freeze', 'cut', 'partition']);
const RARE = new Set<AnyFault['kind']>(['nan', 'lose-gpu-for-good']);

const duration = (entropy: Entropy): number =>
  entropy.between('workload', 'duration', 20, entropy.pick('workload', 'longest', [800, 4000, 20_000]));
const peer = (entropy: Entropy, ranks: number): number => entropy.between('workload', 'peer', 0, ranks + 1);

/** Draws a fault of this kind against a room of this many. */
export const drawFault = <Kind extends AnyFault['kind']>(
  kind: Kind,
  entropy: Entropy,
  ranks: number,
): Extract<AnyFault, { readonly kind: Kind }> => MAKERS[kind](entropy, ranks);

/** How the swarm draws each kind. */
const MAKERS: FaultMakers = {
  close: () => ({ kind: 'close' }),
  kill: () => ({ kind: 'kill' }),
  open: () => ({ kind: 'open' }),
  reload: () => ({ kind: 'reload' }),
  freeze: (e) => ({ kind: 'freeze', forMs: duration(e) }),
  cut: (e, n) => ({
    kind: 'cut',
    to: peer(e, n),
    direction: e.pick('workload', 'direction', ['both', 'in', 'out'] as const),
    forMs: duration(e),
  }),
  delay: (e, n) => ({
    kind: 'delay',
    to: peer(e, n),
    ms: e.between('workload', 'delay', 5, 3000),
    forMs: duration(e),
  }),
  jitter: (e, n) => ({
    kind: 'jitter',
    to: peer(e, n),
    ms: e.between('workload', 'jitter', 5, 1000),
    forMs: duration(e),
  }),
  'limit-bandwidth': (e, n) => ({
    kind: 'limit-bandwidth',
    to: peer(e, n),
    bytesPerSecond: e.pick('workload', 'bandwidth', [100_000, 10_000, 1000]),
    forMs: duration(e),
  }),
  corrupt: (e, n) => ({ kind: 'corrupt', to: peer(e, n), chance: 0.2, forMs: duration(e) }),
  'exhaust-gpu': (e) => ({ kind: 'exhaust-gpu', forMs: duration(e) }),
  'refuse-gpu': (e) => ({ kind: 'refuse-gpu', forMs: duration(e) }),
  'fill-queue': (e, n) => ({
    kind: 'fill-queue',
    to: peer(e, n),
    closes: e.chance('workload', 'closes', 0.5),
    forMs: duration(e),
  }),
  'refuse-storage': (e) => ({ kind: 'refuse-storage', forMs: duration(e) }),
  'limit-storage': (e) => ({
    kind: 'limit-storage',
    maxBytes: e.pick('workload', 'room', [100, 40, 0]),
    forMs: duration(e),
  }),
  'loader-throws': (e) => ({ kind: 'loader-throws', times: e.between('workload', 'times', 1, 5) }),
  'loader-hangs': (e) => ({ kind: 'loader-hangs', forMs: duration(e) }),
  'loader-garbles': (e) => ({
    kind: 'loader-garbles',
    how: e.pick('workload', 'how', ['short', 'labels', 'non-finite'] as const),
    times: e.between('workload', 'times', 1, 5),
  }),
  'bad-sample': () => ({ kind: 'bad-sample' }),
  'oversize-buffer': (e) => ({ kind: 'oversize-buffer', times: e.between('workload', 'times', 1, 5) }),
  'lose-data': (e) => ({
    kind: 'lose-data',
    how: e.pick('workload', 'how', ['missing', 'truncated'] as const),
    forMs: duration(e),
  }),
  'lose-signalling': (e) => ({ kind: 'lose-signalling', forMs: duration(e) }),
  'hog-cpu': (e) => ({
    kind: 'hog-cpu',
    where: e.pick('workload', 'where', ['worker', 'page'] as const),
    forMs: duration(e),
  }),
  'grow-memory': () => ({ kind: 'grow-memory' }),
  'fill-storage': (e) => ({ kind: 'fill-storage', forMs: duration(e) }),
  'flip-bit': (e) => ({
    kind: 'flip-bit',
    where: e.pick('workload', 'where', ['parameters', 'moments'] as const),
  }),
  'hang-kernel': (e) => ({ kind: 'hang-kernel', forMs: duration(e) }),
  'stall-collective': (e, n) => ({ kind: 'stall-collective', to: peer(e, n), forMs: duration(e) }),
  'reconnect-storm': (e, n) => ({
    kind: 'reconnect-storm',
    to: peer(e, n),
    everyMs: e.between('workload', 'every', 100, 1000),
    forMs: duration(e),
  }),
  'lose-device': () => ({ kind: 'lose-device' }),
  'lose-gpu-process': () => ({ kind: 'lose-gpu-process' }),
  'lose-gpu-for-good': () => ({ kind: 'lose-gpu-for-good' }),
  nan: () => ({ kind: 'nan' }),
  'slow-gpu': (e) => ({
    kind: 'slow-gpu',
    factor: e.pick('workload', 'factor', [3, 10, 100]),
    forMs: duration(e),
  }),
  'slow-map': (e) => ({ kind: 'slow-map', ms: e.between('workload', 'map', 5, 2000), forMs: duration(e) }),
  'reset-link': (e, n) => ({ kind: 'reset-link', to: peer(e, n) }),
  'silent-link': (e, n) => ({ kind: 'silent-link', to: peer(e, n), forMs: duration(e) }),
  'hold-link': (e, n) => ({ kind: 'hold-link', to: peer(e, n), forMs: duration(e) }),
  'repeat-late': (e, n) => ({
    kind: 'repeat-late',
    to: peer(e, n),
    chance: 0.3,
    ms: duration(e),
    forMs: duration(e),
  }),
  partition: (e, n) => ({
    kind: 'partition',
    side: e.between('workload', 'side', 1, (1 << Math.min(n, 20)) - 1),
    forMs: duration(e),
  }),
  'ambiguous-storage': (e) => ({ kind: 'ambiguous-storage', forMs: duration(e) }),
  'damage-checkpoint': () => ({ kind: 'damage-checkpoint' }),
  'evict-checkpoints': () => ({ kind: 'evict-checkpoints' }),
  mute: (e) => ({ kind: 'mute', forMs: duration(e) }),
  hide: (e) => ({ kind: 'hide', forMs: duration(e) }),
  'clock-drift': (e) => ({ kind: 'clock-drift', rate: e.pick('workload', 'rate', [1.01, 0.99, 1.2, 0.8]) }),
  'clock-jump': (e) => ({ kind: 'clock-jump', ms: duration(e) }),
  command: (e) => ({
    kind: 'command',
    command: e.pick('workload', 'command', [
      'start',
      'pause',
      'checkpoint',
      'force',
      'leave',
      'leave',
      'leave',
      'leave',
    ] as const),
  }),
};
