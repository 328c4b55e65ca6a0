// The state that a generation goes on from.

import type { MemberId, StateHash } from '../ports/ids.ts';

export interface Target {
  readonly step: number;
  readonly hash: StateHash;
  /** The generation of this incarnation that vouched for the state; 0 for none. */
  readonly lineage: number;
  /** In ring order. */
  readonly donors: readonly MemberId[];
}
