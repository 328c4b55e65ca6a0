// Makes a failing run of any simulated world small while the same invariant fails: drops strikes, then simplifies the experiment, then
// lowers draws to the least.

import {
  choicesOf,
  editedEntropy,
  recordingEntropy,
  type Choices,
  type Entropy,
  type Tape,
} from './random.ts';

/** What shrinking needs to know of an experiment. */
interface Planned {
  readonly seed: number;
  readonly plan: readonly unknown[];
}

interface Outcome {
  readonly verdict: 'held' | 'violated' | 'unrecoverable';
  readonly invariant: number | string | undefined;
  readonly events: number;
}

/** What is shrunk: how an experiment runs, and what would be a simpler one. */
export interface Subject<E extends Planned> {
  run(experiment: E, options: { readonly entropy: Entropy; readonly maxEvents: number }): Outcome;
  /** One step simpler in each way that there is, tried in this order; each is applied to the smallest so far. */
  simplifications(experiment: E): readonly Simplification<E>[];
}

/** Undefined: the experiment is as simple already. */
export type Simplification<E> = (experiment: E) => E | undefined;

export interface MinimizeOptions {
  /** Wall time in milliseconds, passed in: the simulator has no clock of its own. */
  readonly now: () => number;
  /** Wall time after which the smallest so far is taken. */
  readonly budgetMs: number;
  /** Called as it goes on, with the size so far. */
  readonly onProgress?: (size: number) => void;
}

/** An experiment with the draws that it is run with. */
interface Candidate<E> {
  readonly experiment: E;
  readonly choices: Choices;
}

export interface Minimized<E> extends Candidate<E> {
  readonly runs: number;
}

const TIMED = ['net', 'disk', 'gpu', 'sched'] as const;

const aboveLeast = (choices: Choices): number =>
  TIMED.reduce((sum, stream) => sum + choices[stream].filter((value) => value > 0).length, 0);

/** What there is to tell: strikes, and draws that are not the least choice. */
export const sizeOf = (experiment: Planned, tape: Tape): number =>
  experiment.plan.length + aboveLeast(choicesOf(tape));

export function minimize<E extends Planned>(
  start: { readonly experiment: E; readonly tape: Tape; readonly invariant?: number | string | undefined },
  subject: Subject<E>,
  options: MinimizeOptions,
): Minimized<E> {
  const deadline = options.now() + options.budgetMs;
  const { invariant } = start;
  let runs = 0;
  let best: Candidate<E> = { experiment: start.experiment, choices: choicesOf(start.tape) };
  /** Runs that are longer than this are no simplification, and cost time. */
  let limit = 2_000_000;
  const inTime = (): boolean => options.now() < deadline;

  /** Takes a candidate over if it fails in the same way. */
  function attempt(candidate: Candidate<E>): boolean {
    if (!inTime()) return false;
    runs += 1;
    const { entropy, tape } = editedEntropy(candidate.choices);
    const outcome = subject.run(candidate.experiment, { entropy, maxEvents: limit });
    if (outcome.verdict !== 'violated' || outcome.invariant !== invariant) return false;
    if (outcome.events >= limit) return false;
    limit = Math.min(limit, outcome.events * 4 + 1000);
    // What was drawn, not what was offered: the tail that no run reaches is gone.
    best = { experiment: candidate.experiment, choices: choicesOf(tape) };
    options.onProgress?.(best.experiment.plan.length + aboveLeast(best.choices));
    return true;
  }

  /** The same experiment with all delays least, or with those of a few seeds: a change that shifts draws may need others. */
  function attemptExperiment(experiment: E): boolean {
    const { workload } = best.choices;
    if (attempt({ experiment, choices: { net: [], disk: [], gpu: [], sched: [], workload } })) return true;
    if (attempt({ experiment, choices: best.choices })) return true;
    return attemptSeeded(experiment);
  }

  function attemptSeeded(experiment: E): boolean {
    if (!inTime()) return false;
    runs += 1;
    const { entropy, tape } = recordingEntropy(experiment.seed);
    const outcome = subject.run(experiment, { entropy, maxEvents: limit });
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

  function simplify(): void {
    for (const simpler of subject.simplifications(best.experiment)) {
      const next = simpler(best.experiment);
      if (next !== undefined) attemptExperiment(next);
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
    simplify();
    lowerDraws();
    const now = best.experiment.plan.length + aboveLeast(best.choices);
    if (now >= size) break;
    size = now;
  }

  return { ...best, runs };
}
