// What `sim` and `replay` print: one JSON object, or a few lines for a person.

import type { Experiment } from '../../simulator/experiment.ts';
import type { Outcome } from '../../simulator/swarm.ts';
import { ACCOUNT_NAMES } from '../../trace/account-names.ts';
import type { Ledger } from '../../trace/ledger.ts';

/** The JSON of `rankfall sim` and `rankfall replay`. */
export const outcomeJson = (experiment: Experiment, outcome: Outcome, wallMs: number): object => ({
  seed: experiment.seed,
  ranks: experiment.ranks,
  steps: experiment.steps,
  verdict: outcome.verdict,
  invariant: outcome.invariant ?? null,
  reason: outcome.reason ?? null,
  traceHash: outcome.traceHash,
  events: outcome.events,
  virtualMs: outcome.virtualMs,
  wallMs: Math.round(wallMs),
  committed: outcome.committed,
  stateHash: outcome.stateHash ?? null,
  ledger: outcome.ledger,
});

/** Of faults: one, or so many. */
export const strikes = (many: number): string => (many === 1 ? '1 strike' : `${many} strikes`);

const count = (value: number): string => Math.round(value).toLocaleString('en-US');

export function outcomeLines(experiment: Experiment, outcome: Outcome, wallMs: number): readonly string[] {
  const { verdict, invariant, reason, ledger } = outcome;
  const accounts = Object.entries(ledger) as (readonly [keyof Ledger, number])[];
  const total = accounts.reduce((sum, [, ms]) => sum + ms, 0);
  const spent = accounts
    .filter(([, ms]) => ms > 0)
    .sort(([, a], [, b]) => b - a)
    .map(
      ([name, ms]) =>
        `  ${ACCOUNT_NAMES[name].padEnd(24)} ${(ms / 1000).toFixed(1).padStart(9)} s  ${((100 * ms) / total).toFixed(1).padStart(5)} %`,
    );
  return [
    `${verdict}${invariant === undefined ? '' : ` (invariant ${invariant})`}${reason === undefined ? '' : `: ${reason}`}`,
    `seed ${experiment.seed}, ${experiment.ranks} ranks, ${outcome.committed} of ${experiment.steps} steps committed, ${strikes(experiment.plan.length)}`,
    `state ${outcome.stateHash ?? '-'}`,
    `trace ${outcome.traceHash}`,
    `${count(outcome.events)} events, ${(outcome.virtualMs / 1000).toFixed(1)} virtual seconds in ${(wallMs / 1000).toFixed(2)} s: ` +
      `${count(outcome.events / (wallMs / 1000))} events and ${count(outcome.virtualMs / wallMs)} virtual seconds per second`,
    'Where the time of the ranks went:',
    ...spent,
  ];
}

/** The run as one string, or why there is none. */
export const pasteableLine = (text: string | undefined): string =>
  text ?? 'This run is too long for one string to paste: shrink it, or send the file.';
