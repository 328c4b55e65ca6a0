// Branches of a recorded run, for either simulator: how many futures break the same invariant, and one to look at.

import { laterMessage, otherFuture, type Branch } from '../../simulator/branching.ts';
import { choicesOf, type Tape } from '../../simulator/random.ts';
import type { SchedulerName } from '../../simulator/scheduler.ts';
import type { Diagram } from '../../trace/diagram.ts';
import type { BranchRequest, BranchResult } from './api.ts';

interface Recorded {
  readonly experiment: { readonly scheduler: SchedulerName };
  readonly tape: Tape;
  readonly invariant?: number | string | undefined;
}

interface Future {
  readonly invariant: number | string | undefined;
  readonly diagram: Diagram;
}

/** `run` takes what makes a branch of how many moments were recorded so far, and runs the experiment with it. */
export function branch(
  { experiment, tape, invariant }: Recorded,
  request: BranchRequest,
  run: (make: (moments: () => number) => Branch) => Future,
): BranchResult {
  const choices = choicesOf(tape);
  const { scheduler } = experiment;
  const { kind, seq } = request;
  const futures = kind === 'chance' ? request.futures : 1;
  let violated = 0;
  let example: Diagram | undefined;
  let isOther = false;
  for (let seed = 1; seed <= futures; seed++) {
    const future = run((moments) =>
      kind === 'chance'
        ? otherFuture(choices, scheduler, seed, () => moments() <= seq)
        : laterMessage(choices, scheduler, request.ms, () => moments() === seq),
    );
    const isSame = future.invariant === invariant;
    if (future.invariant !== undefined && isSame) violated += 1;
    if (example === undefined || (!isSame && !isOther)) example = future.diagram;
    isOther ||= !isSame;
  }
  if (example === undefined) throw new RangeError('Expected at least one future.');
  return { request, violated, futures, example };
}
