// Reading what a person names on the command line, and writing results: errors say which file, and end with status 2.

import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseScheduleText, ScheduleError, type Schedule } from '../../faults/schedule.ts';
import { isTraceLog } from '../../protocol/recording/trace-lines.ts';
import { AnyExperimentSchema, type AnyExperiment } from '../../simulator/any-experiment.ts';
import { isPasted, OtherCoreError } from '../../simulator/pasted.ts';
import { JobError } from '../../job/job.ts';
import { jobOf } from '../../simulator/experiment.ts';
import { TapeDivergence } from '../../simulator/random.ts';
import { parseReplayOf, type Replay } from '../../simulator/replay.ts';
import { ReplayError } from '../../simulator/replay-error.ts';
import { spaceTimeSvg } from '../../trace/space-time.ts';
import { oneLine, RunError, UsageError } from '../errors.ts';

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${oneLine(error)}`);
  }
}

export const writeText = (path: string, text: string): void => {
  writeBytes(path, Buffer.from(text));
};

export function writeBytes(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes);
  } catch (error) {
    throw new RunError(`${path} cannot be written: ${oneLine(error)}`);
  }
}

/** A replay of the built-in protocol: a file, or a pasted `rf1:…` string. */
export function readReplay(fileOrText: string, svg?: string): Replay {
  const { experiment, ...rest } = readAnyReplay(fileOrText, svg);
  if ('protocol' in experiment)
    throw new UsageError(
      `The replay is of the protocol "${experiment.protocol.name}", with SHA-256 ${experiment.protocol.hash}: expected its file as --protocol.`,
    );
  try {
    jobOf(experiment);
  } catch (error) {
    if (!(error instanceof JobError)) throw error;
    throw new UsageError(`The replay is wrong at experiment.deadlines: ${error.message}`);
  }
  return { ...rest, experiment };
}

/** The same, of whatever protocol. Of one that cannot be run here, `svg` is where the diagram goes that it brings along. */
export function readAnyReplay(fileOrText: string, svg?: string): Replay<AnyExperiment> {
  const pasted = isPasted(fileOrText);
  try {
    const text = pasted ? fileOrText : readText(fileOrText);
    if (isTraceLog(text))
      throw new UsageError(
        `${fileOrText}: expected a replay or a log of recordings, found an event log. It holds what ranks reported and not what they were told, so it cannot be run again; the race laboratory draws it.`,
      );
    return parseReplayOf(AnyExperimentSchema, text);
  } catch (error) {
    if (error instanceof OtherCoreError) throw new UsageError(`${error.message}${tellRecorded(error, svg)}`);
    if (!(error instanceof ReplayError)) throw error;
    throw new UsageError(pasted ? error.message : `${fileOrText}: ${error.message}`);
  }
}

/** What was seen of a run where it was recorded. */
function tellRecorded({ recorded }: OtherCoreError, svg: string | undefined): string {
  if (recorded === undefined) return '';
  const { verdict, reason, diagram } = recorded;
  if (svg !== undefined) writeText(svg, spaceTimeSvg(diagram));
  const drawn = svg === undefined ? '--svg draws it' : `${svg} shows it`;
  return ` There it was ${verdict}${reason === undefined ? '' : `: ${reason}`} (${drawn}, as it was recorded).`;
}

/** Whether a file says of itself that it is a replay, whatever else is wrong with it. */
export const namesReplay = (path: string): boolean =>
  /^\s*(rf\d+:|\{\s*"format"\s*:\s*"rankfall-replay")/.test(readText(path));

/** A fault schedule, in the format of docs/faults.md. */
export function readScheduleFile(path: string): Schedule {
  try {
    return parseScheduleText(readText(path));
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    throw new UsageError(`${path}: ${error.message}`);
  }
}

/** A replay is one experiment: what it says for itself cannot be said otherwise beside it. */
export function refuseWithReplay(path: string, options: readonly string[]): void {
  if (options.length > 0)
    throw new UsageError(
      `${path} is a replay, which holds a seed, ranks and steps of its own: expected no ${options.map((name) => `--${name}`).join(', ')} with it.`,
    );
}

/** Whether something can be written there is found out before it is worked for. Leaves no file that was not there. */
export function expectWritable(path: string): void {
  const isThere = existsSync(path);
  try {
    closeSync(openSync(path, 'a'));
  } catch (error) {
    throw new UsageError(`${path} cannot be written: ${oneLine(error)}`);
  }
  if (!isThere) unlinkSync(path);
}

/** Writes what must not be lost: where `path` has become unwritable, into the directory for temporary files. Returns where it is. */
export function keepText(path: string, text: string): string {
  try {
    writeFileSync(path, text);
    return path;
  } catch (error) {
    const kept = join(mkdtempSync(join(tmpdir(), 'rankfall-')), basename(path));
    writeText(kept, text);
    process.stderr.write(`${path} cannot be written: ${oneLine(error)}. It is kept in ${kept}.\n`);
    return kept;
  }
}

/** A tape that does not fit becomes one line. */
export function exactly<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof TapeDivergence) throw new RunError(error.message);
    throw error;
  }
}
