// What `sim` and `replay` print of a run of a user's protocol: one JSON object, or a few lines for a person.

import type { GuestExperiment } from '../../simulator/guest/experiment.ts';
import type { GuestOutcome } from '../../simulator/guest/run.ts';
import { strikes } from '../sim/print.ts';

/** The fields are those of a run of the built-in protocol. */
export const guestJson = (experiment: GuestExperiment, outcome: GuestOutcome, wallMs: number): object => ({
  protocol: experiment.protocol.name,
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
  stateHash: outcome.stateHash,
  ledger: outcome.ledger,
});

export function guestLines(
  experiment: GuestExperiment,
  outcome: GuestOutcome,
  wallMs: number,
): readonly string[] {
  const { verdict, invariant, reason } = outcome;
  return [
    verdict === 'held' ? 'held' : `violated ("${invariant ?? ''}"): ${reason ?? ''}`,
    `${experiment.protocol.name}, seed ${experiment.seed}, ${experiment.ranks} nodes, ${outcome.committed} of ${experiment.steps} steps committed, ${strikes(experiment.plan.length)}`,
    `state ${outcome.stateHash}`,
    `trace ${outcome.traceHash}`,
    `${outcome.events} events, ${(outcome.virtualMs / 1000).toFixed(1)} virtual seconds in ${(wallMs / 1000).toFixed(2)} s`,
    'Where the time of the nodes went:',
    ...Object.entries(outcome.ledger).map(
      ([condition, ms]) => `  ${condition.padEnd(8)} ${(ms / 1000).toFixed(1).padStart(9)} s`,
    ),
  ];
}
