// The swarm: what a seed stands for. It draws which faults exist at all, how often they strike, and the shape of the room.

import { MOMENTS, type Strike } from '../faults/schedule.ts';
import type { AnyFault } from '../faults/vocabulary.ts';
import { MAX_WIRE_BITS, MIN_WIRE_BITS } from '../job/wire-schema.ts';
import { drawFault, MAKERS } from './draw-fault.ts';
import { interruptedHeal, interruptedLesson, withDrama, withRollback, withWitness } from './dramas.ts';
import { isLarge, MAX_PIECES_DRAWN, type EngineName, type Experiment, type Hierarchy } from './experiment.ts';
import { createEntropy, type Entropy } from './random.ts';
import { withLongRun, withRareDrama, withReturn } from './rare-dramas.ts';
import type { SchedulerName } from './scheduler.ts';

/** What a person may fix; the seed decides the rest. */
export interface ExperimentOptions {
  readonly ranks?: number | undefined;
  readonly steps?: number | undefined;
  readonly scheduler?: SchedulerName | undefined;
  readonly bug?: string | undefined;
  readonly engine?: EngineName | undefined;
}

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

const COMMON = new Set<AnyFault['kind']>(['kill', 'close', 'open', 'reload', 'freeze', 'cut', 'partition']);
const RARE = new Set<AnyFault['kind']>(['nan', 'lose-gpu-for-good']);
