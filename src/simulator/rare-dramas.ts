// Dramas for what strikes drawn one by one hardly ever bring about: proposers that know nothing of each other's proposals, a rank that is
// heard and does nothing, a room that closes twice, a witness of two rooms, and a page that comes back from a line of its own. The swarm draws
// one for some seeds.

import type { Strike } from '../faults/schedule.ts';
import type { Play, Stage } from './dramas.ts';
import { createEntropy, type Entropy } from './random.ts';

const CHANCE = 1 / 16;

const pagesOf = (ranks: number): readonly number[] => Array.from({ length: ranks }, (_, page) => page);

/** The drawn experiment, or a rare drama in its place. */
export function withRareDrama<Drawn extends Stage>(drawn: Drawn): Drawn {
  const entropy = createEntropy(drawn.seed ^ 0x4a7e);
  if (drawn.ranks < 2 || !entropy.chance('workload', 'rare drama', CHANCE)) return drawn;
  const plays = [
    standstill,
    ...(drawn.ranks >= 3 ? [closedTwice] : []),
    ...(drawn.ranks >= 4 ? [rivalProposals, rivalProposals, witnessOfTwo] : []),
  ];
  return { ...drawn, ...entropy.pick('workload', 'which rare drama', plays)(drawn, entropy) };
}

const RETURN_CHANCE = 1 / 64;

/** The drawn experiment, or one that returns to an older line: drawn by itself, so that all other seeds stand for what they stood for. */
export function withReturn<Drawn extends Stage>(drawn: Drawn): Drawn {
  const entropy = createEntropy(drawn.seed ^ 0x0e33);
  if (drawn.ranks < 4 || !entropy.chance('workload', 'returns', RETURN_CHANCE)) return drawn;
  return { ...drawn, ...returnsToOlderLine(drawn, entropy) };
}

/** Milliseconds for which a page is cut off, longer than it waits for a quorum; and after which that of its line is saved. */
const ALONE_MS = 20_000;
const SAVES_MS = [3500, 5000] as const;
/** Milliseconds after it has asked for the older line's state: it has that by then, and has not saved it yet. */
const HEALED_MS = [150, 700] as const;

/**
 * A page is cut off, is forced on, and saves a state of its own line. It comes again and heals in the older line of the others: what its
 * browser holds is of the deeper line, and what it has in memory is not. Then one of the others goes, and all tell of the best that they
 * have.
 */
function returnsToOlderLine({ ranks }: Stage, entropy: Entropy): Play {
  const page = entropy.between('workload', 'page', 1, ranks - 1);
  const between = (site: string, [low, high]: readonly [number, number]): number =>
    entropy.between('workload', site, low, high);
  return {
    profiles: ranks,
    steps: 200,
    engineMs: [40, 60],
    checkpointEvery: 20,
    quorum: 'available',
    hierarchy: undefined,
    survivors: 'all',
    gathers: true,
    calmAt: ALONE_MS,
    plan: [
      {
        at: { step: entropy.between('workload', 'step', 2, 12) },
        page,
        fault: { kind: 'cut', forMs: ALONE_MS },
      },
      {
        at: { moment: 'founded', nth: 2, afterMs: between('saves', SAVES_MS), hits: 'actor' },
        fault: { kind: 'reload' },
      },
      {
        at: { moment: 'healing', nth: 2, afterMs: between('healed', HEALED_MS), hits: 'donor' },
        fault: { kind: 'close' },
      },
    ],
  };
}

const LONG_CHANCE = 1 / 64;

/** The drawn experiment, or a long run of one generation in which some ranks are slow: what comes round after 32 steps comes twice. */
export function withLongRun<Drawn extends Stage>(drawn: Drawn): Drawn {
  const entropy = createEntropy(drawn.seed ^ 0x10b0);
  if (drawn.ranks < 2 || !entropy.chance('workload', 'long run', LONG_CHANCE)) return drawn;
  return { ...drawn, ...longRun(drawn, entropy) };
}

/** Milliseconds for which a slow rank stays slow, or until it has become a usual one. */
const SLOW_MS = [800, 20_000] as const;

function longRun({ ranks }: Stage, entropy: Entropy): Play {
  const slow = entropy.between('workload', 'slow ranks', 1, ranks - 1);
  return {
    profiles: ranks,
    steps: entropy.between('workload', 'steps', 70, 100),
    engineMs: [10, 20],
    checkpointEvery: 20,
    salt: 'uniform',
    quorum: 'majority',
    hierarchy: undefined,
    survivors: 'all',
    gathers: true,
    calmAt: 0,
    plan: pagesOf(slow).map((page): Strike => ({
      at: { ms: 0 },
      page,
      fault: {
        kind: 'slow-gpu',
        factor: entropy.pick('workload', 'factor', [2, 3, 10]),
        forMs: entropy.pick('workload', 'slow for', SLOW_MS),
      },
    })),
  };
}

/** Longer than the others may wait for it, in milliseconds. */
const STANDS_STILL_MS = [26_000, 40_000] as const;

/** One is heard, and what it computes does not come: the others must not wait for as long as it lasts. */
function standstill({ ranks }: Stage, entropy: Entropy): Play {
  const forMs = entropy.between('workload', 'stands still', ...STANDS_STILL_MS);
  const kind = entropy.pick('workload', 'how', ['hang-kernel', 'loader-hangs'] as const);
  const page = entropy.between('workload', 'page', 0, ranks - 1);
  const ms = entropy.between('workload', 'from', 200, 3000);
  return { calmAt: ms + forMs, plan: [{ at: { ms }, page, fault: { kind, forMs } }] };
}

/** The first proposal after a room has gathered is one of these, as a rule. */
const AFTER_GATHERING = [2, 4] as const;
/** Milliseconds after it has asked: its question is out by then, and its proposal is not. */
const ASKED_MS = [6, 14] as const;

/**
 * A page goes, and two that propose how to go on without it, one after the other, are heard by nobody once they have asked: each votes for
 * its own proposal alone. Then both are back, and whoever proposes next hears of the two.
 */
function rivalProposals({ ranks }: Stage, entropy: Entropy): Play {
  const first = entropy.between('workload', 'first proposal', ...AFTER_GATHERING);
  const second = first + entropy.between('workload', 'second proposal', 1, 2);
  const silenced = (nth: number, afterMs: number, forMs: number): Strike => ({
    at: { moment: 'prepared', nth, afterMs, hits: 'actor' },
    fault: { kind: 'cut', direction: 'out', forMs },
  });
  const asked = (): number => entropy.between('workload', 'asked', ...ASKED_MS);
  return {
    profiles: ranks,
    quorum: 'majority',
    hierarchy: undefined,
    calmAt: 12_000,
    plan: [
      // Somebody has to be missed.
      { at: { ms: 1500 }, page: entropy.between('workload', 'gone', 1, ranks - 1), fault: { kind: 'close' } },
      silenced(first, asked(), entropy.between('workload', 'first silence', 1600, 2800)),
      silenced(second, asked(), entropy.between('workload', 'second silence', 400, 2400)),
    ],
  };
}

/** Milliseconds in which a line of few steps is founded and saved, and after which its pages come back together with the others. */
const SAVED_MS = [20, 300] as const;
const REOPENED_MS = [9000, 12_000] as const;

/**
 * A page dies, and the others go back to a checkpoint, save one of the line that they found, and die as well. Then a page comes in the
 * browser of the first and one in that of the founder: the one with fewer steps may have the newer state.
 */
function closedTwice({ ranks }: Stage, entropy: Entropy): Play {
  const step = entropy.between('workload', 'step', 4, 12);
  const reopened = entropy.between('workload', 'reopened', ...REOPENED_MS);
  const savedMs = entropy.between('workload', 'saved', ...SAVED_MS);
  const kill = { kind: 'kill' } as const;
  return {
    profiles: ranks,
    steps: step + 20,
    engineMs: [20, 40],
    checkpointEvery: 1,
    quorum: 'majority',
    hierarchy: undefined,
    survivors: 'all',
    gathers: true,
    calmAt: reopened + 3000,
    plan: [
      { at: { step }, page: 1, fault: kill },
      { at: { step }, page: 0, fault: { kind: 'command', command: 'roll-back' } },
      { at: { moment: 'founded', nth: 2, afterMs: savedMs, hits: 'others' }, fault: kill },
      { at: { moment: 'founded', nth: 2, afterMs: savedMs, hits: 'actor' }, fault: kill },
      { at: { ms: reopened }, page: 0, fault: { kind: 'open' } },
      { at: { ms: reopened }, page: 1, fault: { kind: 'open' } },
    ],
  };
}

/** Milliseconds at which pages of the two rooms go, those first that are odd; and at which their witness starts again. */
const ODD_GOES_MS = [1800, 2200] as const;
const GOES_MS = [4000, 5500] as const;
const RESTARTS_MS = [5500, 9500] as const;

/**
 * Two halves that know nothing of each other found a room each, and have the same witness. One page of each goes, so that the witness votes
 * in both; then it starts again from its file, and the two rooms meet.
 */
function witnessOfTwo({ ranks }: Stage, entropy: Entropy): Play {
  const half = Math.floor(ranks / 2);
  const forMs = entropy.between('workload', 'apart', 7000, 10_000);
  const [here, there] = [pagesOf(ranks).slice(0, half), pagesOf(ranks).slice(half)];
  const cuts = here.flatMap((page) =>
    there.map((to): Strike => ({ at: { ms: 0 }, page, fault: { kind: 'cut', to, forMs } })),
  );
  const goes = (page: number, [low, high]: readonly [number, number]): Strike => ({
    at: { ms: entropy.between('workload', 'goes', low, high) },
    page,
    fault: { kind: 'close' },
  });
  // It has a vote only in a room of an even number.
  const departures = [here, there].flatMap(([first = 0, second = first, ...others]) =>
    others.length % 2 === 0 ? [goes(first, GOES_MS)] : [goes(first, ODD_GOES_MS), goes(second, GOES_MS)],
  );
  const restarts = Array.from({ length: 2 }, (): Strike => ({
    at: { ms: entropy.between('workload', 'restarts', ...RESTARTS_MS) },
    page: ranks,
    fault: { kind: 'reload' },
  }));
  return {
    profiles: ranks,
    quorum: 'majority',
    hierarchy: undefined,
    witness: true,
    calmAt: forMs,
    plan: [...cuts, ...departures, ...restarts],
  };
}
