// Runs of a user's protocol: recorded, replayed, and made small while the same invariant fails.

import { minimize, sizeOf, type MinimizeOptions, type Simplification } from '../minimize.ts';
import { editedEntropy, recordingEntropy, replayingEntropy } from '../random.ts';
import type { Replay } from '../replay.ts';
import type { GuestExperiment } from './experiment.ts';
import { runGuest, type GuestOutcome, type GuestRunOptions } from './run.ts';
import type { GuestProtocol } from './shape.ts';

export type GuestReplay = Replay<GuestExperiment>;

export interface GuestShrunk {
  readonly replay: GuestReplay;
  /** What is left to tell: strikes, and draws that are not the least choice. */
  readonly size: number;
  readonly runs: number;
}

/** Runs a replay exactly. Throws a `TapeDivergence` where it cannot. */
export const replayGuest = (
  protocol: GuestProtocol,
  { experiment, tape }: GuestReplay,
  options: GuestRunOptions = {},
): GuestOutcome => runGuest(protocol, experiment, { ...options, entropy: replayingEntropy(tape) });

/** A run from its seed, as a replay. */
export function guestReplayOf(protocol: GuestProtocol, experiment: GuestExperiment): GuestReplay {
  const { entropy, tape } = recordingEntropy(experiment.seed);
  const { invariant, reason, traceHash } = runGuest(protocol, experiment, { entropy, hash: true });
  return { experiment, tape, invariant, reason, traceHash };
}

const SMALL = [1, 2, 3, 4, 8, 16] as const;

/** A strike that comes at this share of its time, in whole milliseconds. */
const sooner =
  (index: number, share: number): Simplification<GuestExperiment> =>
  (now) => {
    const strike = now.plan[index];
    const at = Math.floor((strike?.at ?? 0) * share);
    return strike === undefined || at >= strike.at
      ? undefined
      : { ...now, plan: now.plan.with(index, { ...strike, at }) };
  };
const EARLIER = [0, 0.1, 0.5] as const;

const fewerRanks =
  (ranks: number): Simplification<GuestExperiment> =>
  (now) =>
    ranks < now.ranks ? { ...now, ranks } : undefined;

const fewerSteps =
  (steps: number): Simplification<GuestExperiment> =>
  (now) =>
    steps < now.steps ? { ...now, steps } : undefined;

/** Faults that end early, but not before the last of them has come. */
const soonCalm: Simplification<GuestExperiment> = (now) => {
  const calmAt = now.plan.reduce((latest, { at }) => Math.max(latest, Math.ceil(at)), 0);
  return calmAt < now.calmAt ? { ...now, calmAt } : undefined;
};

const simplifications = ({ plan }: GuestExperiment): readonly Simplification<GuestExperiment>[] => [
  (now) => (now.scheduler === 'fifo' ? undefined : { ...now, scheduler: 'fifo' }),
  ...SMALL.map(fewerRanks),
  ...SMALL.map(fewerSteps),
  ...plan.flatMap((_, index) => EARLIER.map((share) => sooner(index, share))),
  soonCalm,
];

export function shrinkGuest(
  protocol: GuestProtocol,
  start: GuestReplay,
  options: MinimizeOptions,
): GuestShrunk {
  const { experiment, choices, runs } = minimize(
    start,
    { run: (candidate, run) => runGuest(protocol, candidate, run), simplifications },
    options,
  );
  const { entropy, tape } = editedEntropy(choices);
  const { invariant, reason, traceHash } = runGuest(protocol, experiment, { entropy, hash: true });
  return {
    replay: { experiment, tape, invariant, reason, traceHash },
    size: sizeOf(experiment, tape),
    runs,
  };
}
