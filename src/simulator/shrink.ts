// Rankfall's own runs: recorded, replayed, and made small while the same invariant fails.

import type { Rules } from '../protocol/rules.ts';
import type { Experiment } from './experiment.ts';
import { minimize, sizeOf, type MinimizeOptions, type Simplification } from './minimize.ts';
import { editedEntropy, recordingEntropy, replayingEntropy, type Tape } from './random.ts';
import type { Replay } from './replay.ts';
import { runExperiment, type Outcome, type RunOptions } from './swarm.ts';

export interface ShrinkOptions extends MinimizeOptions {
  readonly rules?: Rules | undefined;
}

export interface Shrunk {
  readonly replay: Replay;
  /** What is left to tell: strikes, and draws that are not the least choice. */
  readonly size: number;
  readonly runs: number;
}

const withRules = (rules: Rules | undefined): RunOptions => (rules === undefined ? {} : { rules });

/** Runs an experiment from its seed, and keeps the tape. */
export function recordRun(
  experiment: Experiment,
  options: RunOptions = {},
): { readonly outcome: Outcome; readonly tape: Tape } {
  const { entropy, tape } = recordingEntropy(experiment.seed);
  return { outcome: runExperiment(experiment, { ...options, entropy }), tape };
}

/** Runs a replay exactly. Throws a `TapeDivergence` where it cannot. */
export const replayRun = ({ experiment, tape }: Replay, options: RunOptions = {}): Outcome =>
  runExperiment(experiment, { ...options, entropy: replayingEntropy(tape) });

/** A change that makes a room no larger. */
const change =
  (simpler: Partial<Experiment>): Simplification<Experiment> =>
  (experiment) => {
    const next = { ...experiment, ...simpler };
    return next.ranks <= experiment.ranks && next.steps <= experiment.steps ? next : undefined;
  };

const simplifications = (experiment: Experiment): readonly Simplification<Experiment>[] =>
  [
    { survivors: 'all' as const },
    { scheduler: 'fifo' as const },
    { quorum: 'majority' as const },
    ...[1, 2, 3, 4]
      .filter((ranks) => ranks < experiment.ranks)
      .map((ranks) => ({ ranks, profiles: Math.min(experiment.profiles, ranks) })),
    ...[1, 2, 4, 8, 16].filter((steps) => steps < experiment.steps).map((steps) => ({ steps })),
    { calmAt: 0 },
    { checkpointEvery: 20 },
  ].map(change);

export function shrink(start: Replay, options: ShrinkOptions): Shrunk {
  const rules = withRules(options.rules);
  const { experiment, choices, runs } = minimize(
    start,
    { run: (candidate, run) => runExperiment(candidate, { ...rules, ...run }), simplifications },
    options,
  );
  const { entropy, tape } = editedEntropy(choices);
  const { invariant, reason, traceHash } = runExperiment(experiment, { ...rules, entropy, hash: true });
  return {
    replay: { experiment, tape, invariant, reason, traceHash },
    size: sizeOf(experiment, tape),
    runs,
  };
}

/** A run from its seed, as a replay. */
export function replayOf(experiment: Experiment, options: RunOptions = {}): Replay {
  const { outcome, tape } = recordRun(experiment, { ...options, hash: true });
  return {
    experiment,
    tape,
    invariant: outcome.invariant,
    reason: outcome.reason,
    traceHash: outcome.traceHash,
  };
}
