// Fields that recordings, event logs and incidents have in common, as they are validated when somebody brings one.

import * as v from 'valibot';
import type { StallCause } from '../../trace/events.ts';

/** Milliseconds that a date can hold. */
export const time = v.pipe(v.number(), v.minValue(0), v.maxValue(8.64e15));

const CAUSES = [
  'missing',
  'slow',
  'different-operation',
  'different-size',
  'different-state',
] as const satisfies readonly StallCause[];

/** Of which kind a stall is. */
export const stallCause = v.picklist(CAUSES);
