// The core goes on from a saved state: the newest at hand, or the one that the room has agreed to go back to.

import type { Job } from '../job/job.ts';
import type { Event } from '../protocol/effects.ts';
import type { Wanted } from '../protocol/saved.ts';
import type { EngineWork } from './engine-work.ts';
import type { GoingBack } from './going-back.ts';
import type { StartingPoint } from './starting-point.ts';

export interface Restoring {
  restore(wanted: Wanted): Promise<void>;
  /** The step of the state that was restored last; undefined where none was. */
  readonly fromStep: number | undefined;
}

export function createRestoring(host: {
  readonly work: EngineWork;
  readonly startingPoint: StartingPoint;
  readonly goingBack: GoingBack;
  /** What the room trains. */
  readonly job: () => Job;
  readonly dispatch: (event: Event) => void;
  readonly isOver: () => boolean;
}): Restoring {
  const { work } = host;
  let fromStep: number | undefined;
  return {
    /** What was found at the start may have been outrun since, by this tab or by another. */
    async restore(wanted) {
      const { preparations } = work;
      const saved =
        wanted.kind === 'newest'
          ? await host.startingPoint.saved(host.job(), wanted)
          : host.goingBack.held(wanted.place);
      if (host.isOver() || work.preparations !== preparations) return;
      if (saved === undefined) {
        host.dispatch({ kind: 'restored', found: undefined });
        return;
      }
      work.restore(saved);
      fromStep = saved.summary.step;
    },
    get fromStep() {
      return fromStep;
    },
  };
}
