// Where a saved state stands in history, and which one of those that a browser holds is looked for.

import type { GenerationId, IncarnationId } from '../ports/ids.ts';
import { compareCheckpoints, type CheckpointKey } from '../ports/store.ts';
import type { SavedPlace } from './generation.ts';

export interface Saved {
  readonly lineage: GenerationId;
  readonly step: number;
}

/** The newest one. */
export interface NewestWanted {
  readonly kind: 'newest';
  /** None that is older than this; undefined: any. */
  readonly least: Saved | undefined;
  /** Only one of this line of generations; undefined: of any. */
  readonly line: IncarnationId | undefined;
}

export type Wanted = NewestWanted | { readonly kind: 'chosen'; readonly place: SavedPlace };

const keyOf = ({ lineage, step }: Saved): CheckpointKey => ({ room: '', generation: lineage, step });

/** Positive when the first of two is the newer. */
export const compareSaved = (a: Saved, b: Saved): number => compareCheckpoints(keyOf(a), keyOf(b));

/** Whether a checkpoint is one of those of which the newest that verifies is taken. */
export const isWanted = ({ least, line }: NewestWanted, saved: Saved): boolean =>
  (line === undefined || saved.lineage.incarnation === line) &&
  (least === undefined || compareSaved(saved, least) >= 0);
