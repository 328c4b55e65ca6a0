// How a state came about, beside its bits: what a room that goes on from it may still promise.

import type { UpdateMode } from '../ports/engine.ts';
import type { Exactness } from '../trace/events.ts';

export interface Provenance {
  /** Of the engine that the writer computed with. */
  readonly fingerprint: string;
  readonly updateMode: UpdateMode;
  readonly exactness: Exactness;
}

export const sameExactness = (a: Exactness, b: Exactness): boolean =>
  a.kind === 'exact' || b.kind === 'exact' ? a.kind === b.kind : a.since === b.since;

/** What an engine with `fingerprint` may promise from `step` on. Another engine goes on portably, and the promise ends here. */
export function inherited(
  provenance: Provenance,
  fingerprint: string | undefined,
  step: number,
): { readonly updateMode: UpdateMode; readonly exactness: Exactness } {
  const { updateMode, exactness } = provenance;
  if (fingerprint === provenance.fingerprint) return { updateMode, exactness };
  return {
    updateMode: 'portable',
    exactness: exactness.kind === 'exact' ? { kind: 'unpromised', since: step } : exactness,
  };
}
