// `rankfall replay` on a log or an incident from the lab: what is printed of it.

import { IncidentError, isIncident, parseIncident, type Incident } from '../protocol/recording/incident.ts';
import { RecordingError } from '../protocol/recording/rerun.ts';
import { replayRecording, type RecordingOutcome } from '../simulator/replay-recording.ts';
import { EXIT_FAILED, EXIT_OK, UsageError } from './errors.ts';
import { incidentJson, incidentLines } from './incident-report.ts';
import { printable } from './printable.ts';
import { createRecorder, type RecordFlags } from './sim/recorder.ts';
import { recordingLines } from './sim/recording-file.ts';

export function replayRecordingCommand(path: string, flags: RecordFlags & { readonly json?: true }): number {
  if (flags.shiviz !== undefined || flags.svg !== undefined)
    throw new UsageError(
      `${path} is a log from live ranks, which do not note which message was which: expected --log or --trace, found ${flags.svg === undefined ? '--shiviz' : '--svg'}.`,
    );
  const started = performance.now();
  const { incident, outcome } = read(path);
  const wallMs = performance.now() - started;
  if (outcome === undefined) return tellHead(path, incident, flags);
  const recorder = createRecorder(flags);
  const first = outcome.records[0]?.at ?? 0;
  // Drawn from zero, as simulated runs are.
  for (const record of outcome.records) recorder.record({ ...record, at: record.at - first });
  recorder.finish({ virtualMs: outcome.spanMs, invariant: outcome.invariant, reason: outcome.reason });
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ ...recordingJson(outcome, wallMs), ...(incident && { incident: incidentJson(incident, outcome) }) })}\n`
      : `${[...(incident === undefined ? [] : incidentLines(incident, outcome)), ...recordingText(outcome).map(printable)].join('\n')}\n`,
  );
  return outcome.verdict === 'held' ? EXIT_OK : EXIT_FAILED;
}

/** The head of an incident, where the file is one, and what came of running the recordings in it. */
function read(path: string): {
  readonly incident: Incident | undefined;
  readonly outcome: RecordingOutcome | undefined;
} {
  const lines = recordingLines(path);
  const first = lines.next();
  try {
    const head = first.done === true ? '' : first.value;
    if (!isIncident(head)) return { incident: undefined, outcome: replayRecording(chained(head, lines)) };
    const incident = parseIncident(head);
    const next = lines.next();
    const isEmpty = next.done === true || next.value === '';
    // The head's line is counted, so that a flaw is named by its line in the file.
    return {
      incident,
      outcome: isEmpty ? undefined : replayRecording(chained('', chained(next.value, lines))),
    };
  } catch (error) {
    if (error instanceof RecordingError || error instanceof IncidentError)
      throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
}

function* chained(first: string, rest: Iterable<string>): Generator<string> {
  yield first;
  yield* rest;
}

/** An incident without recordings: no rank that was recorded lived to tell. */
function tellHead(
  path: string,
  incident: Incident | undefined,
  flags: RecordFlags & { readonly json?: true },
): number {
  if (incident === undefined) throw new UsageError(`${path}: expected recordings, found none.`);
  if (flags.log !== undefined || flags.trace !== undefined)
    throw new UsageError(`${path}: expected recordings to write a log of, found an incident without any.`);
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ verdict: null, ranks: 0, incident: incidentJson(incident, undefined) })}\n`
      : `${[...incidentLines(incident, undefined), 'nothing to run again: the file holds no recording'].join('\n')}\n`,
  );
  return EXIT_OK;
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
