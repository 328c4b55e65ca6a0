// Makes a failing run small while the same invariant fails: drops strikes, then ranks and steps, then lowers draws to the least.

import type { Rules } from '../protocol/rules.ts';
import type { Experiment } from './experiment.ts';
import {
  choicesOf,
  editedEntropy,
  recordingEntropy,
  replayingEntropy,
  type Choices,
  type Tape,
} from './random.ts';
import type { Replay } from './replay.ts';
import { runExperiment, type Outcome, type RunOptions } from './swarm.ts';

export interface ShrinkOptions {
  readonly rules?: Rules | undefined;
  /** Wall time in milliseconds, passed in: the simulator has no clock of its own. */
  readonly now: () => number;
  /** Wall time after which the smallest so far is taken. */
  readonly budgetMs: number;
  /** Called as it goes on, with the size so far. */
  readonly onProgress?: (size: number) => void;
}

export interface Shrunk {
  readonly replay: Replay;
  /** What is left to tell: strikes, and draws that are not the least choice. */
  readonly size: number;
  readonly runs: number;
}

interface Candidate {
  readonly experiment: Experiment;
  readonly choices: Choices;
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

const TIMED = ['net', 'disk', 'gpu', 'sched'] as const;

const aboveLeast = (choices: Choices): number =>
  TIMED.reduce((sum, stream) => sum + choices[stream].filter((value) => value > 0).length, 0);

export const sizeOf = (experiment: Experiment, tape: Tape): number =>
  experiment.plan.length + aboveLeast(choicesOf(tape));

export function shrink(start: Replay, options: ShrinkOptions): Shrunk {
  const deadline = options.now() + options.budgetMs;
  const { invariant } = start;
  let runs = 0;
  let best: Candidate = { experiment: start.experiment, choices: choicesOf(start.tape) };
  /** Runs that are longer than this are no simplification, and cost time. */
  let limit = 2_000_000;
  const inTime = (): boolean => options.now() < deadline;

  /** Takes a candidate over if it fails in the same way. */
  function attempt(candidate: Candidate): boolean {
    if (!inTime()) return false;
    runs += 1;
    const { entropy, tape } = editedEntropy(candidate.choices);
    const outcome = runExperiment(candidate.experiment, {
      ...withRules(options.rules),
      entropy,
      maxEvents: limit,
    });
    if (outcome.verdict !== 'violated' || outcome.invariant !== invariant) return false;
    if (outcome.events >= limit) return false;
    limit = Math.min(limit, outcome.events * 4 + 1000);
    // What was drawn, not what was offered: the tail that no run reaches is gone.
    best = { experiment: candidate.experiment, choices: choicesOf(tape) };
    options.onProgress?.(best.experiment.plan.length + aboveLeast(best.choices));
    return true;
  }

  /** The same experiment with all delays least, or with those of a few seeds: a change that shifts draws may need others. */
  function attemptExperiment(experiment: Experiment): boolean {
    const { workload } = best.choices;
    if (attempt({ experiment, choices: { net: [], disk: [], gpu: [], sched: [], workload } })) return true;
    if (attempt({ experiment, choices: best.choices })) return true;
    return attemptSeeded(experiment);
  }

  function attemptSeeded(experiment: Experiment): boolean {
    if (!inTime()) return false;
    runs += 1;
    const { entropy, tape } = recordingEntropy(experiment.seed);
    const outcome = runExperiment(experiment, { ...withRules(options.rules), entropy, maxEvents: limit });
    if (outcome.verdict !== 'violated' || outcome.invariant !== invariant || outcome.events >= limit)
      return false;
    best = { experiment, choices: choicesOf(tape) };
    return true;
  }

  function dropStrikes(): void {
    for (let chunk = best.experiment.plan.length; chunk >= 1; chunk = Math.floor(chunk / 2))
      for (let at = 0; at < best.experiment.plan.length && inTime();) {
        const plan = best.experiment.plan.filter((_, i) => i < at || i >= at + chunk);
        if (!attemptExperiment({ ...best.experiment, plan })) at += chunk;
      }
  }

  function simplifyRoom(): void {
    const { experiment } = best;
    const simpler: Partial<Experiment>[] = [
      { survivors: 'all' },
      { scheduler: 'fifo' },
      { quorum: 'majority' },
      ...[1, 2, 3, 4]
        .filter((ranks) => ranks < experiment.ranks)
        .map((ranks) => ({ ranks, profiles: Math.min(experiment.profiles, ranks) })),
      ...[1, 2, 4, 8, 16].filter((steps) => steps < experiment.steps).map((steps) => ({ steps })),
      { calmAt: 0 },
      { checkpointEvery: 20 },
    ];
    for (const change of simpler) {
      const next = { ...best.experiment, ...change };
      if (next.ranks <= best.experiment.ranks && next.steps <= best.experiment.steps) attemptExperiment(next);
    }
  }

  /** Sets whole streams, then ever smaller runs of draws, to the least. */
  function lowerDraws(): void {
    for (const stream of TIMED) attempt({ ...best, choices: { ...best.choices, [stream]: [] } });
    for (const stream of TIMED) {
      let places = best.choices[stream].flatMap((value, i) => (value > 0 ? [i] : []));
      for (let chunk = Math.ceil(places.length / 2); chunk >= 1 && inTime(); chunk = Math.floor(chunk / 2))
        for (let at = 0; at < places.length && inTime();) {
          const lowered = new Set(places.slice(at, at + chunk));
          const values = best.choices[stream].map((value, i) => (lowered.has(i) ? 0 : value));
          if (attempt({ ...best, choices: { ...best.choices, [stream]: values } }))
            places = best.choices[stream].flatMap((value, i) => (value > 0 ? [i] : []));
          else at += chunk;
        }
    }
  }

  for (let size = Infinity; inTime();) {
    dropStrikes();
    simplifyRoom();
    lowerDraws();
    const now = best.experiment.plan.length + aboveLeast(best.choices);
    if (now >= size) break;
    size = now;
  }

  const { entropy, tape } = editedEntropy(best.choices);
  const outcome = runExperiment(best.experiment, { ...withRules(options.rules), entropy, hash: true });
  return {
    replay: {
      experiment: best.experiment,
      tape,
      invariant: outcome.invariant,
      reason: outcome.reason,
      traceHash: outcome.traceHash,
    },
    size: sizeOf(best.experiment, tape),
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
