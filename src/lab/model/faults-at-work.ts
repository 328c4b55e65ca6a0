// What acts in the ranks of this page now: what they tell of it themselves, and freezes, of which a frozen rank can tell nothing.

import type { MemberId } from '../../ports/ids.ts';
import type { RankStatus } from '../../live/api.ts';
import type { Frozen, Lab } from './lab.ts';

export interface FaultsAtWork {
  /** Ends by itself: nobody can reach the rank before. */
  readonly frozen: readonly Frozen[];
  readonly told: readonly ({ readonly member: MemberId } & RankStatus['faults'][number])[];
}

export function faultsAtWork(lab: Pick<Lab, 'frozen' | 'locals'>): FaultsAtWork {
  const locals = lab.locals.value;
  const frozen = lab.frozen.value.filter((one) => locals.some(({ member }) => member === one.member));
  return {
    frozen,
    told: locals.flatMap(({ member, status }) =>
      (status?.faults ?? [])
        // One that answered once more before it stood still has told of its freeze itself.
        .filter(({ fault }) => fault.kind !== 'freeze' || !frozen.some((one) => one.member === member))
        .map(({ id, fault }) => ({ member, id, fault })),
    ),
  };
}
