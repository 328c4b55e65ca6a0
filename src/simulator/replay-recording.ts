// What was recorded live, run again: each rank's inputs through the real core with the recorded outcomes of compute, and the
// invariants over the logs of all ranks together.

import { checkLogs, type Violation } from '../invariants/check.ts';
import { rerun, type Divergence, type RankRerun, type RerunWatch } from '../protocol/recording/rerun.ts';
import { RULES } from '../protocol/rules.ts';
import type { TraceRecord } from '../trace/events.ts';
import { keepLedger, type Ledger } from '../trace/ledger.ts';

export interface RecordingOutcome {
  /** `differs`: a rank answered otherwise than it did live. */
  readonly verdict: 'held' | 'violated' | 'differs';
  readonly invariant: number | undefined;
  /** What showed first that an invariant does not hold. */
  readonly violation: Violation | undefined;
  /** What was violated, or what differs first. */
  readonly reason: string | undefined;
  readonly divergence: Divergence | undefined;
  readonly ranks: readonly Omit<RankRerun, 'records'>[];
  /** Of all ranks, in order of time. */
  readonly records: readonly TraceRecord[];
  readonly inputs: number;
  /** From the first record to the last. */
  readonly spanMs: number;
  readonly committed: number;
  readonly stateHash: string | undefined;
  readonly ledger: Ledger;
}

/** Throws a `RecordingError` where the lines are not recordings. */
export function replayRecording(lines: Iterable<string>, watch?: RerunWatch): RecordingOutcome {
  const reruns = rerun(lines, RULES, watch);
  const records = reruns
    .flatMap((rank) => rank.records)
    .sort((a, b) => a.at - b.at || (a.member === b.member ? a.seq - b.seq : 0));
  const divergence = reruns
    .flatMap((rank) => rank.divergence ?? [])
    .sort((a, b) => a.at - b.at)
    .at(0);
  const violation = checkLogs(records).at(0);
  const keeper = keepLedger();
  for (const record of records) keeper.observe(record);
  const newest = reruns.toSorted((a, b) => b.step - a.step).at(0);
  return {
    verdict: divergence !== undefined ? 'differs' : violation !== undefined ? 'violated' : 'held',
    invariant: violation?.invariant,
    violation,
    reason:
      divergence === undefined
        ? violation?.sentence
        : `Rank ${divergence.member.slice(0, 4)} answered input ${divergence.seq} (${divergence.input}) otherwise than it did live.`,
    divergence,
    ranks: reruns.map(({ records: _, ...rank }) => rank),
    records,
    inputs: reruns.reduce((sum, rank) => sum + rank.inputs, 0),
    spanMs: (records.at(-1)?.at ?? 0) - (records[0]?.at ?? 0),
    committed: Math.max(0, ...reruns.map((rank) => rank.committed)),
    stateHash: newest?.stateHash,
    ledger: keeper.ledger(),
  };
}
