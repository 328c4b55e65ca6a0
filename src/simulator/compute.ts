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
  /** Samples that the step is redone without. */
  readonly quarantined: readonly number[] | undefined;
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
  apply(
    state: S,
    reduced: Int32Array,
    exponents: Int32Array | undefined,
    quarantined: readonly number[] | undefined,
  ): S;
  /** From now on a sample of that step is bad. No rank may have come to the step. */
  spoil(step: number, microBatch: number): void;
  hashOf(state: S): StateHash;
  stepOf(state: S): number;
  /** As it travels to a rank that heals, or rests in a checkpoint. */
  encode(state: S): Uint8Array<ArrayBuffer>;
  /** Throws when the bytes are no state. */
  decode(bytes: Uint8Array<ArrayBuffer>): S;
}

/** Samples of a data set that are bad, as every rank finds that comes to them: by their number, from which step on. */
export type Spoiled = Map<number, number>;

export const isSpoiled = (spoiled: Spoiled, sample: number, step: number): boolean =>
  step >= (spoiled.get(sample) ?? Infinity);

/** The run with one rank and no faults, computed as far as it is asked for: most rooms are watched for few of their steps. */
export interface Reference {
  /** The hash after so many steps; undefined beyond the run's end. */
  at(steps: number): StateHash | undefined;
  /** A sample has been spoiled: what was computed is computed anew. */
  restart(): void;
}

export function createReference<S>(compute: Compute<S>, steps: number): Reference {
  let known: StateHash[] = [];
  let run = hashesOf(compute, steps);
  return {
    at(step) {
      while (known.length <= step) {
        const next = run.next();
        if (next.done === true) return undefined;
        known.push(next.value);
      }
      return known[step];
    },
    restart() {
      known = [];
      run = hashesOf(compute, steps);
    },
  };
}

/** The hash after each number of steps of the run with one rank and no faults. */
export const referenceRun = <S>(compute: Compute<S>, steps: number): readonly StateHash[] => [
  ...hashesOf(compute, steps),
];

function* hashesOf<S>(compute: Compute<S>, steps: number): Generator<StateHash, undefined> {
  const { layout } = compute;
  const nobody = {
    member: '' as MemberId,
    generation: { incarnation: '' as IncarnationId, number: 0 },
    microBatches: Array.from({ length: layout.microBatches }, (_, m) => m),
  };
  let state = compute.initial;
  yield compute.hashOf(state);
  for (let step = 0; step < steps; step++) {
    let exponents: Int32Array | undefined;
    let quarantined: readonly number[] | undefined;
    let reduced = compute.contribute(state, { ...nobody, exponents, quarantined });
    // Redone without what is bad, and at the agreed exponents, as the protocol does.
    for (;;) {
      const bad = reduced[layout.badSample] ?? 0;
      if (bad > 0) quarantined = [...(quarantined ?? []), bad - 1];
      else if ((reduced[layout.overflows] ?? 0) > 0 && exponents === undefined)
        exponents = Int32Array.from({ length: layout.tensors }, (_, i) =>
          exponentFor(reduced[layout.exponents + i] ?? 0, 0),
        );
      else break;
      reduced = compute.contribute(state, { ...nobody, exponents, quarantined });
    }
    state = compute.apply(state, reduced, exponents, quarantined);
    yield compute.hashOf(state);
  }
  return undefined;
}
