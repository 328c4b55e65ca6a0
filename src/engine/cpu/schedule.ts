// The learning rate of each step, in portable arithmetic: a pure function of the job and the step.

import type { Schedule } from '../../job/optimizer-schema.ts';
import { cos } from './portable-math.ts';

/** What the learning rate is multiplied by at `step`, from 0. */
export function rateFactor(schedule: Schedule, step: number): number {
  switch (schedule.kind) {
    case 'constant':
      return 1;
    case 'cosine': {
      const { warmup, end, floor } = schedule;
      if (step < warmup) return (step + 1) / warmup;
      if (step >= end) return floor;
      // Half a cosine from 1 to the floor (Loshchilov and Hutter 2017, without restarts).
      const progress = (step - warmup) / (end - warmup);
      return floor + (1 - floor) * 0.5 * (1 + cos(Math.PI * progress));
    }
  }
}
