// What came of a lesson's run, in whichever world it was.

import type { SlotOf } from '../diagram/lane-colours.ts';
import type { Diagram } from '../../trace/diagram.ts';
import type { Measures } from './metrics.ts';

export interface LessonOutcome {
  readonly measures: Measures;
  /** What was broken, or why the run could not be held to its promise. */
  readonly reason: string | undefined;
  readonly diagram: Diagram;
  /** The run as one string that `rankfall replay` takes; of a live run there is none. */
  readonly replay: string | undefined;
  /** Of a live run: the colours of its ranks on the ring. */
  readonly slotOf?: SlotOf;
  /** Of a live run, which cannot be run again: the same in the language that the page speaks now. */
  readonly retell?: () => LessonOutcome;
}
