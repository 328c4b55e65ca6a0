// What a soak will do, worked out from its options.

import { CHAOS_KINDS, EXACT_KINDS } from '../../faults/chaos.ts';
import type { ChaosKind } from '../../faults/chaos.ts';
import type { EngineChoice } from '../../live/api.ts';
import { UsageError } from '../errors.ts';

export interface SoakOptions {
  readonly ranks: number;
  readonly minutes: number;
  /** Mean time between two faults, in seconds. */
  readonly faultEvery: number;
  readonly seed: number;
  /** Kinds with commas between them; `none` for an undisturbed soak; absent: all kinds that leave the result as it is. */
  readonly faults?: string;
  readonly engine: EngineChoice;
}

export interface SoakPlan {
  readonly ranks: number;
  readonly minutes: number;
  readonly everyMs: number;
  readonly seed: number;
  /** Empty: nothing happens. */
  readonly kinds: readonly ChaosKind[];
  readonly engine: EngineChoice;
}

export const MIN_RANKS = 2;

/** Throws a `UsageError` for a kind that there is not. */
export function planSoak({ faults, faultEvery, ...rest }: SoakOptions): SoakPlan {
  return { ...rest, everyMs: faultEvery * 1000, kinds: kindsIn(faults) };
}

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
