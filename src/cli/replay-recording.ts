// `rankfall replay` on a log from the lab: what is printed of it.

import { RecordingError } from '../protocol/recording/rerun.ts';
import { replayRecording, type RecordingOutcome } from '../simulator/replay-recording.ts';
import { EXIT_FAILED, EXIT_OK, UsageError } from './errors.ts';
import { createRecorder, type RecordFlags } from './sim/recorder.ts';
import { recordingLines } from './sim/recording-file.ts';

export function replayRecordingCommand(path: string, flags: RecordFlags & { readonly json?: true }): number {
  if (flags.shiviz !== undefined || flags.svg !== undefined)
    throw new UsageError(
      `${path} is a log from live ranks, which do not note which message was which: expected --log or --trace, found ${flags.svg === undefined ? '--shiviz' : '--svg'}.`,
    );
  const started = performance.now();
  let outcome: RecordingOutcome;
  try {
    outcome = replayRecording(recordingLines(path));
  } catch (error) {
    if (error instanceof RecordingError) throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
  const wallMs = performance.now() - started;
  const recorder = createRecorder(flags);
  const first = outcome.records[0]?.at ?? 0;
  // Drawn from zero, as simulated runs are.
  for (const record of outcome.records) recorder.record({ ...record, at: record.at - first });
  recorder.finish({ virtualMs: outcome.spanMs, invariant: outcome.invariant, reason: outcome.reason });
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(recordingJson(outcome, wallMs))}\n`
      : `${recordingText(outcome).join('\n')}\n`,
  );
  return outcome.verdict === 'held' ? EXIT_OK : EXIT_FAILED;
}

const recordingJson = (outcome: RecordingOutcome, wallMs: number): object => ({
  verdict: outcome.verdict,
  invariant: outcome.invariant ?? null,
  reason: outcome.reason ?? null,
  divergence: outcome.divergence ?? null,
  ranks: outcome.ranks.length,
  perRank: outcome.ranks.map(({ divergence, stateHash, ...rank }) => ({
    ...rank,
    stateHash: stateHash ?? null,
    differsAt: divergence?.seq ?? null,
  })),
  events: outcome.inputs,
  virtualMs: outcome.spanMs,
  wallMs: Math.round(wallMs),
  committed: outcome.committed,
  stateHash: outcome.stateHash ?? null,
  ledger: outcome.ledger,
});

const ENDINGS = {
  open: '',
  full: '; its recording ended at its limit, and the rank went on',
  'cut off': '; its recording breaks off',
} as const;

function recordingText({ verdict, reason, divergence, ranks, invariant }: RecordingOutcome): string[] {
  const lines = ranks.map(
    ({ member, inputs, messages, votes, step, stateHash, ended }) =>
      `rank ${member.slice(0, 4)}: ${inputs} inputs, ${messages} messages, ${votes} votes, step ${step}, state ${stateHash ?? '-'}${ENDINGS[ended]}`,
  );
  switch (verdict) {
    case 'held':
      return [
        'held: every rank decided, sent and arrived at what it did live, and no invariant is violated',
        ...lines,
      ];
    case 'violated':
      return [`violated (invariant ${invariant ?? '?'}): ${reason ?? ''}`, ...lines];
    case 'differs':
      return [
        `differs: ${reason ?? ''}`,
        ...(divergence === undefined
          ? []
          : [
              `  line ${divergence.line} of the log, ${new Date(divergence.at).toISOString()}`,
              `  expected ${divergence.expected}`,
              `  found    ${divergence.found}`,
            ]),
        ...lines,
      ];
  }
}
