// Dramas: strikes that belong together, for places in a run that strikes drawn one by one seldom come to. The swarm draws one for some
// seeds; who plays which part, and all delays, are left to chance.

import type { Strike } from '../faults/schedule.ts';
import type { Salt } from './hash-engine.ts';
import { createEntropy, type Entropy } from './random.ts';

/** What a drama needs to know of its room. */
export interface Stage {
  readonly seed: number;
  readonly ranks: number;
  readonly plan: readonly Strike[];
}

/** What it fixes of an experiment. */
export interface Play {
  readonly plan: readonly Strike[];
  readonly calmAt: number;
  readonly steps?: number;
  readonly profiles?: number;
  readonly checkpointEvery?: number;
  readonly engineMs?: readonly [number, number];
  readonly salt?: Salt;
  readonly quorum?: 'majority' | 'available';
  readonly survivors?: 'all';
  readonly hierarchy?: undefined;
  readonly gathers?: true;
  readonly witness?: true;
}

const CHANCE = 1 / 12;

/** The least room in which two that are cut off leave a quorum behind. */
const FIVE = 5;

/** The drawn experiment, or a drama in its place. */
export function withDrama<Drawn extends Stage>(drawn: Drawn): Drawn {
  const entropy = createEntropy(drawn.seed ^ 0xd2a3a);
  if (drawn.ranks < 2 || !entropy.chance('workload', 'drama', CHANCE)) return drawn;
  const plays = drawn.ranks >= FIVE ? [abandonedMajority, bornApart] : [bornApart];
  return { ...drawn, ...entropy.pick('workload', 'which drama', plays)(drawn, entropy) };
}

/** How often the room's server brings a witness, and how often then the vote is to hang on it. */
const WITNESS_CHANCE = 0.3;
const HALVES_CHANCE = 0.3;
/** The least room with two halves of two. */
const FOUR = 4;

/** A witness for some seeds, which crashes, restarts from its file or is cut off in the middle of votes. */
export function withWitness<Drawn extends Stage>(drawn: Drawn): Drawn {
  const entropy = createEntropy(drawn.seed ^ 0x317e);
  if (drawn.ranks < 2 || !entropy.chance('workload', 'witness', WITNESS_CHANCE)) return drawn;
  if (drawn.ranks >= FOUR && entropy.chance('workload', 'halves', HALVES_CHANCE))
    return { ...drawn, ...halvesAndWitness(drawn, entropy) };
  const strikes = entropy.between('workload', 'witness strikes', 0, 3);
  const plan = Array.from({ length: strikes }, (): Strike => ({
    at: {
      moment: entropy.pick('workload', 'moment', ['promised', 'voted', 'chosen', 'prepared'] as const),
      nth: entropy.between('workload', 'nth', 1, 20),
      afterMs: entropy.between('workload', 'after', 0, 15),
      hits: 'witness',
    },
    fault: entropy.pick('workload', 'witness fault', [
      { kind: 'reload' },
      { kind: 'kill' },
      { kind: 'freeze', forMs: entropy.between('workload', 'frozen', 20, 4000) },
      { kind: 'cut', forMs: entropy.between('workload', 'cut', 20, 4000) },
    ] as const),
  }));
  return { ...drawn, witness: true, plan: [...drawn.plan, ...plan] };
}

/** Milliseconds after a cut in which both halves ask for a successor. */
const BOTH_ASK_MS = [1500, 2800] as const;

/**
 * Two halves that do not hear each other, and a witness that hears both, is restarted while they vote, and then hears one: only the half
 * that it voted for first may go on. Where the room is odd, one page closes first.
 */
function halvesAndWitness({ ranks }: Stage, entropy: Entropy): Play {
  const isOdd = ranks % 2 === 1;
  const pages = Array.from({ length: isOdd ? ranks - 1 : ranks }, (_, page) => page);
  const cutMs = entropy.between('workload', 'cut at', 1500, 3000);
  const restartMs = cutMs + entropy.between('workload', 'restart', ...BOTH_ASK_MS);
  const forMs = entropy.between('workload', 'apart', 4000, 10_000);
  const half = pages.length / 2;
  const hushed = entropy.chance('workload', 'which half', 0.5) ? pages.slice(0, half) : pages.slice(half);
  const cuts = pages
    .slice(0, half)
    .flatMap((page) =>
      pages.slice(half).map((to): Strike => ({ at: { ms: cutMs }, page, fault: { kind: 'cut', to, forMs } })),
    );
  return {
    quorum: 'majority',
    hierarchy: undefined,
    gathers: true,
    witness: true,
    calmAt: cutMs + forMs,
    plan: [
      ...(isOdd ? [{ at: { ms: 0 }, page: ranks - 1, fault: { kind: 'close' } } as const] : []),
      ...cuts,
      { at: { ms: restartMs }, page: ranks, fault: { kind: 'reload' } },
      // Back from its file, it hears only those who may be behind.
      ...hushed.map((to): Strike => ({
        at: { ms: restartMs },
        page: ranks + 1,
        fault: { kind: 'cut', to, forMs },
      })),
    ],
  };
}

const sideOf = (pages: readonly number[]): number => pages.reduce((side, page) => side | (1 << page), 0);

/** Milliseconds of engine work of a usual rank; a slow one takes ten times as long. */
const ENGINE_MS = [20, 40] as const;
const SLOW = 10;
/** After the first rank has applied a step: the usual ranks have sent their parts of the next one, the slow ones compute. */
const PARTS_SENT_MS = 150;

/**
 * Two slow ranks are cut off when they have the parts of all others for the last step, and nobody has theirs: they apply it. The others
 * do it again, with another sum, and finish; all of them leave but one. The two come back: as many steps, more heads, and a state that
 * the room has left behind.
 */
function abandonedMajority({ ranks }: Stage, entropy: Entropy): Play {
  // Not one of those whose last step overflows: everybody would do it twice.
  const steps = entropy.pick('workload', 'steps', [3, 4, 5, 7]);
  const first = entropy.between('workload', 'first of two', 0, ranks - 1);
  const second = (first + entropy.between('workload', 'second of two', 1, ranks - 1)) % ranks;
  const two = [first, second];
  const others = Array.from({ length: ranks }, (_, page) => page).filter((page) => !two.includes(page));
  const stays = entropy.pick('workload', 'who stays', others);
  // Long enough for the others to finish, and too short for a connection to fail: the two come back together.
  const forMs = entropy.between('workload', 'apart', 3000, 5500);
  const lastButOne = ranks * (steps - 2) + 1;
  return {
    steps,
    engineMs: ENGINE_MS,
    salt: 'salted',
    quorum: 'majority',
    hierarchy: undefined,
    survivors: 'all',
    gathers: true,
    calmAt: 0,
    plan: [
      ...two.map((page): Strike => ({
        at: { ms: 0 },
        page,
        fault: { kind: 'slow-gpu', factor: SLOW, forMs: 600_000 },
      })),
      {
        at: { moment: 'applied', nth: lastButOne, afterMs: PARTS_SENT_MS, hits: 'actor' },
        fault: { kind: 'partition', side: sideOf(two), forMs },
      },
      ...others
        .filter((page) => page !== stays)
        .map((page): Strike => ({ at: { step: steps }, page, fault: { kind: 'command', command: 'leave' } })),
    ],
  };
}

/** Two groups of pages know nothing of each other, and each founds a room; then they meet. */
function bornApart({ ranks }: Stage, entropy: Entropy): Play {
  const side = entropy.between('workload', 'side', 1, (1 << Math.min(ranks, 20)) - 2);
  const forMs = entropy.between('workload', 'apart', 2000, 8000);
  return {
    calmAt: forMs + entropy.between('workload', 'together', 0, 5000),
    plan: [{ at: { ms: 0 }, page: 0, fault: { kind: 'partition', side, forMs } }],
  };
}

/** How often somebody wants the room to go back to a checkpoint, and how often it is interrupted on the way. */
const ROLLBACK_CHANCE = 0.2;
const INTERRUPTED_CHANCE = 0.7;

/**
 * Going back on purpose, once or twice: one rank asks for it, or all others at once, each for the oldest checkpoint that its browser has.
 * Some die, stand still or are cut off while the room votes on it, or while the founder makes the line that takes the room's place.
 */
export function withRollback<Drawn extends Stage & { readonly steps: number }>(drawn: Drawn): Drawn {
  const entropy = createEntropy(drawn.seed ^ 0x0ba45);
  if (!entropy.chance('workload', 'roll-back', ROLLBACK_CHANCE)) return drawn;
  const many = entropy.between('workload', 'roll-backs', 1, 2);
  const strikes = Array.from({ length: many }, () => goesBack(drawn, entropy)).flat();
  return { ...drawn, plan: [...drawn.plan, ...strikes] };
}

function goesBack({ ranks, steps }: Stage & { readonly steps: number }, entropy: Entropy): readonly Strike[] {
  const nth = entropy.between('workload', 'nth', ranks, ranks * steps);
  const afterMs = entropy.between('workload', 'after', 0, 60);
  const hits = entropy.pick('workload', 'hits', ['actor', 'actor', 'others'] as const);
  const asks: Strike = {
    at: { moment: 'applied', nth, afterMs, hits },
    fault: { kind: 'command', command: 'roll-back' },
  };
  if (!entropy.chance('workload', 'interrupted', INTERRUPTED_CHANCE)) return [asks];
  const into = entropy.between('workload', 'into it', 0, 60);
  const fault = entropy.pick('workload', 'interruption', [
    { kind: 'kill' },
    { kind: 'reload' },
    { kind: 'freeze', forMs: entropy.between('workload', 'stands still', 20, 4000) },
    { kind: 'cut', forMs: entropy.between('workload', 'cut off', 20, 4000) },
  ] as const);
  const voted = entropy.chance('workload', 'voted', 0.7);
  return [
    asks,
    voted
      ? // The first to be in it is, as a rule, whoever proposed it and founds.
        { at: { moment: 'going-back', nth: 1, afterMs: into / 4, hits: 'actor' }, fault }
      : { at: { moment: 'applied', nth, afterMs: afterMs + into, hits }, fault },
  ];
}

/** In mid-heal the donor dies, or the rank that heals stands still until the room has gone on without it. */
export function interruptedHeal(entropy: Entropy): readonly Strike[] {
  const nth = entropy.between('workload', 'which heal', 1, 6);
  const afterMs = entropy.between('workload', 'into the heal', 0, 60);
  const forMs = entropy.between('workload', 'stands still', 1800, 4000);
  const [moment, at] = ['healing' as const, { nth, afterMs }];
  return entropy.chance('workload', 'donor dies', 0.5)
    ? [{ at: { moment, ...at, hits: 'donor' }, fault: { kind: 'kill' } }]
    : [{ at: { moment, ...at, hits: 'actor' }, fault: { kind: 'freeze', forMs } }];
}

/**
 * A newcomer comes into a room that trains, and learns beside the ring; as a rule over slow links. In mid-lesson its teacher dies, or stands
 * still, or the learner does; or nothing happens, and it catches up.
 */
export function interruptedLesson(ranks: number, entropy: Entropy): readonly Strike[] {
  const step = entropy.between('workload', 'comes at step', 2, 6);
  const plan: Strike[] = [{ at: { step }, page: 0, fault: { kind: 'open' } }];
  const nth = entropy.pick('workload', 'which lesson', [1, 1, 2]);
  if (entropy.chance('workload', 'slow links', 0.6))
    plan.push({
      at: { moment: 'learns', nth, afterMs: 0, hits: 'others' },
      fault: {
        kind: 'limit-bandwidth',
        to: ranks,
        bytesPerSecond: entropy.pick('workload', 'bandwidth', [40_000, 20_000, 10_000]),
        forMs: entropy.between('workload', 'slow for', 200, 4000),
      },
    });
  const afterMs = entropy.between(
    'workload',
    'into the lesson',
    0,
    entropy.pick('workload', 'soon', [10, 30, 400]),
  );
  const forMs = entropy.between('workload', 'stands still', 1800, 4000);
  const strike = entropy.pick('workload', 'interruption', [
    { hits: 'donor', fault: { kind: 'kill' } },
    { hits: 'donor', fault: { kind: 'kill' } },
    { hits: 'donor', fault: { kind: 'kill' } },
    { hits: 'donor', fault: { kind: 'close' } },
    { hits: 'donor', fault: { kind: 'close' } },
    { hits: 'donor', fault: { kind: 'freeze', forMs } },
    { hits: 'actor', fault: { kind: 'freeze', forMs } },
  ] as const);
  if (entropy.chance('workload', 'interrupted', 0.85))
    plan.push({ at: { moment: 'learns', nth, afterMs, hits: strike.hits }, fault: strike.fault });
  return plan;
}
