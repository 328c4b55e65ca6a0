// What a soak will do, worked out from its options.

import { CHAOS_KINDS, EXACT_KINDS, followChaos } from '../../faults/chaos.ts';
import type { ChaosKind } from '../../faults/chaos.ts';
import type { ScheduleCursor } from '../../faults/schedule.ts';
import type { EngineChoice } from '../../live/api.ts';
import { UsageError } from '../errors.ts';
import { LEAST_FOR_SILENCE, followTurns, planTurns } from './turns.ts';
import type { Turn } from './turns.ts';

export interface SoakOptions {
  readonly ranks: number;
  readonly minutes: number;
  /** Mean time between two faults, in seconds. */
  readonly faultEvery: number;
  readonly seed: number;
  /** Kinds with commas between them; `none` for an undisturbed soak; absent: all kinds that leave the result as it is. */
  readonly faults?: string;
  /** Train in turns, undisturbed and under deaths, and compare how fast. */
  readonly compare?: true;
  readonly engine: EngineChoice;
}

export interface SoakPlan {
  readonly ranks: number;
  readonly minutes: number;
  readonly everyMs: number;
  readonly seed: number;
  /** Empty: nothing happens. */
  readonly kinds: readonly ChaosKind[];
  /** Undefined: chaos all the time, and nothing is compared. */
  readonly turns: readonly Turn[] | undefined;
  readonly engine: EngineChoice;
}

export const MIN_RANKS = 2;

const MINUTE_MS = 60_000;

/** Throws a `UsageError` for a kind that there is not, and where there is nothing to compare. */
export function planSoak({ faults, faultEvery, compare, ...rest }: SoakOptions): SoakPlan {
  const plan = { ...rest, everyMs: faultEvery * 1000 };
  if (compare === undefined) return { ...plan, kinds: kindsIn(faults), turns: undefined };
  if (faults !== undefined)
    throw new UsageError(
      '--compare has faults of its own, deaths with and without evidence: leave --faults out.',
    );
  if (rest.ranks < LEAST_FOR_SILENCE)
    throw new UsageError(
      `--compare freezes ranks for good, and one of two has no majority to go on without the other: expected --ranks of ${LEAST_FOR_SILENCE} or more, found ${rest.ranks}.`,
    );
  const turns = planTurns(rest.minutes * MINUTE_MS, plan.everyMs);
  const shortest = (turns.length * faultEvery) / 60;
  if (rest.minutes < shortest)
    throw new UsageError(
      `--compare has three turns, each as long as --fault-every at least: expected --minutes of ${shortest} or more, found ${rest.minutes}.`,
    );
  return { ...plan, kinds: [], turns };
}

const NOTHING: ScheduleCursor = { due: () => [], pending: 0 };

/** What strikes when. */
export const cursorOf = ({ turns, kinds, seed, everyMs }: SoakPlan): ScheduleCursor => {
  if (turns !== undefined) return followTurns(turns, seed, everyMs);
  return kinds.length === 0 ? NOTHING : followChaos({ seed, everyMs, kinds });
};

function kindsIn(text: string | undefined): readonly ChaosKind[] {
  if (text === undefined) return EXACT_KINDS;
  if (text === 'none') return [];
  const names = [...new Set(text.split(','))];
  return names.map((name) => {
    const kind = CHAOS_KINDS.find((known) => known === name);
    if (kind !== undefined) return kind;
    throw new UsageError(
      `--faults names "${name.slice(0, 40)}"; expected none, or some of ${CHAOS_KINDS.join(', ')} with commas between them.`,
    );
  });
}
