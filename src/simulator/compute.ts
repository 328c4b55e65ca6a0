// What a simulated rank computes with: pure functions over a state that nobody else looks into. The protocol cannot tell one from
// another: the hash chain, which is nearly free, from real training on the CPU.

import { exponentFor } from '../collective/fixed-point.ts';
import type { LaneLayout } from '../collective/lanes.ts';
import type { GenerationId, IncarnationId, MemberId, StateHash } from '../ports/ids.ts';

/** Which contribution of whom. */
export interface Contribution {
  readonly member: MemberId;
  readonly generation: GenerationId;
  readonly microBatches: readonly number[];
  /** Replaces the state's exponents when a step is redone after an overflow. */
  readonly exponents: Int32Array | undefined;
}

/** States `S` are never changed, only replaced. */
export interface Compute<S = unknown> {
  readonly layout: LaneLayout;
  /** The names of the tensors that the gradient lanes hold, in order. */
  readonly tensors: readonly string[];
  readonly initial: S;
  /** Into how many pieces a state is cut for a rank that heals. */
  readonly pieces: number;
  contribute(state: S, contribution: Contribution): Int32Array<ArrayBuffer>;
  apply(state: S, reduced: Int32Array, exponents: Int32Array | undefined): S;
  hashOf(state: S): StateHash;
  stepOf(state: S): number;
  /** As it travels to a rank that heals, or rests in a checkpoint. */
  encode(state: S): Uint8Array<ArrayBuffer>;
  /** Throws when the bytes are no state. */
  decode(bytes: Uint8Array<ArrayBuffer>): S;
}

/** The hash after each number of steps of the run with one rank and no faults. */
export function referenceRun<S>(compute: Compute<S>, steps: number): readonly StateHash[] {
  const { layout } = compute;
  const nobody = {
    member: '' as MemberId,
    generation: { incarnation: '' as IncarnationId, number: 0 },
    microBatches: Array.from({ length: layout.microBatches }, (_, m) => m),
  };
  let state = compute.initial;
  const hashes = [compute.hashOf(state)];
  for (let step = 0; step < steps; step++) {
    let exponents: Int32Array | undefined;
    let reduced = compute.contribute(state, { ...nobody, exponents });
    if ((reduced[layout.overflows] ?? 0) > 0) {
      // Redone at the agreed exponents, as the protocol does.
      exponents = Int32Array.from({ length: layout.tensors }, (_, i) =>
        exponentFor(reduced[layout.exponents + i] ?? 0, 0),
      );
      reduced = compute.contribute(state, { ...nobody, exponents });
    }
    state = compute.apply(state, reduced, exponents);
    hashes.push(compute.hashOf(state));
  }
  return hashes;
}
