// A log or an incident, run again, or an event log, and drawn: what the worker that reads it answers. Types and words' keys only; no page is needed.

import {
  IncidentError,
  isIncident,
  parseIncident,
  type Incident,
} from '../../protocol/recording/incident.ts';
import { RecordingError, type Divergence } from '../../protocol/recording/rerun.ts';
import { isTraceLog } from '../../protocol/recording/trace-lines.ts';
import { drawRecording } from '../../simulator/recorded-run.ts';
import type { RecordingOutcome } from '../../simulator/replay-recording.ts';
import { drawTraceLog } from '../../simulator/traced-run.ts';
import type { Diagram } from '../../trace/diagram.ts';
import { teller } from '../teller.ts';
import { LogFileError, linesOf, unpack, type LogFlaw } from './log-file.ts';

/** What a log came to. */
export interface OpenedLog {
  /** Undefined: an incident without recordings. */
  readonly verdict: RecordingOutcome['verdict'] | undefined;
  readonly invariant: number | undefined;
  readonly sentence: string | undefined;
  readonly divergence: Divergence | undefined;
  readonly ranks: number;
  /** What it holds: all that ranks were told, or what they reported, which cannot be run again. */
  readonly holds: 'inputs' | 'records';
  readonly entries: number;
  readonly spanMs: number;
  readonly committed: number;
  readonly incident: Pick<Incident, 'room' | 'at' | 'failures'> | undefined;
  readonly diagram: Diagram;
  /** So many events of the beginning are not drawn. */
  readonly skipped: number;
}

/** Why a file could not be opened: its size or form, or the sentence that names the place in it. */
export type LogRefusal =
  { readonly kind: 'flaw'; readonly flaw: LogFlaw } | { readonly kind: 'wrong'; readonly sentence: string };

export type LogAnswer =
  | { readonly kind: 'opened'; readonly log: OpenedLog }
  | { readonly kind: 'refused'; readonly why: LogRefusal };

/** Whatever is wrong with the file is an answer, not an error. `reached` is told how much of it is behind, from 0 to 1, now and then. */
export async function readLog(
  file: Blob,
  reached: (share: number) => void = () => undefined,
): Promise<LogAnswer> {
  try {
    const blocks = await unpack(file);
    return { kind: 'opened', log: opened(counted(linesOf(blocks), sizeOf(blocks), reached)) };
  } catch (error) {
    if (error instanceof LogFileError) return { kind: 'refused', why: { kind: 'flaw', flaw: error.flaw } };
    if (error instanceof RecordingError || error instanceof IncidentError)
      return { kind: 'refused', why: { kind: 'wrong', sentence: error.message } };
    throw error;
  }
}

/** Steps in which it is told how far it has come. */
const STEPS = 50;

const sizeOf = (blocks: readonly Uint8Array[]): number => blocks.reduce((sum, { length }) => sum + length, 0);

/** Characters stand for bytes: a log is mostly ASCII, and a share only has to be about right. */
function* counted(
  lines: Iterable<string>,
  total: number,
  reached: (share: number) => void,
): Generator<string, undefined> {
  let behind = 0;
  let told = 0;
  for (const line of lines) {
    yield line;
    behind += line.length + 1;
    if (behind - told < total / STEPS) continue;
    told = behind;
    reached(Math.min(1, behind / total));
  }
}

function opened(lines: Generator<string>): OpenedLog {
  const first = lines.next();
  const head = first.done === true ? '' : first.value;
  if (isTraceLog(head)) return traced(chained([head], lines));
  if (!isIncident(head)) return told(undefined, chained([head], lines));
  const incident = parseIncident(head);
  const next = lines.next();
  const isAlone = next.done === true || next.value === '';
  // The head's line is counted, so that a flaw is named by its line in the file.
  return told(incident, isAlone ? undefined : chained(['', next.value], lines));
}

function* chained(first: readonly string[], rest: Iterable<string>): Generator<string> {
  yield* first;
  yield* rest;
}

function traced(lines: Iterable<string>): OpenedLog {
  const { violation, ranks, records, spanMs, committed, diagram, skipped } = drawTraceLog(lines, teller);
  return {
    verdict: violation === undefined ? 'held' : 'violated',
    invariant: violation?.invariant,
    sentence: violation?.sentence,
    divergence: undefined,
    ranks,
    holds: 'records',
    entries: records,
    spanMs,
    committed,
    incident: undefined,
    diagram,
    skipped,
  };
}

function told(incident: Incident | undefined, lines: Iterable<string> | undefined): OpenedLog {
  const { outcome, diagram, skipped } = drawRecording(lines, incident, teller);
  return {
    verdict: outcome?.verdict,
    invariant: outcome?.invariant,
    sentence: outcome?.reason,
    divergence: outcome?.divergence,
    ranks: outcome?.ranks.length ?? 0,
    holds: 'inputs',
    entries: outcome?.inputs ?? 0,
    spanMs: outcome?.spanMs ?? 0,
    committed: outcome?.committed ?? 0,
    incident:
      incident === undefined
        ? undefined
        : { room: incident.room, at: incident.at, failures: incident.failures },
    diagram,
    skipped,
  };
}
