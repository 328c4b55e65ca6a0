// Reading what a person names on the command line, and writing results: errors say which file, and end with status 2.

import * as v from 'valibot';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseScheduleText, ScheduleError, type Schedule } from '../../faults/schedule.ts';
import { ExperimentSchema, type Experiment } from '../../simulator/experiment.ts';
import { GuestExperimentSchema, type GuestExperiment } from '../../simulator/guest/experiment.ts';
import { TapeDivergence } from '../../simulator/random.ts';
import { parseReplayOf, ReplayError, type Replay } from '../../simulator/replay.ts';
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

/** A replay names its protocol, or else it is of the built-in one. */
const AnyExperimentSchema: v.GenericSchema<unknown, Experiment | GuestExperiment> = v.lazy((input) =>
  typeof input === 'object' && input !== null && 'protocol' in input
    ? GuestExperimentSchema
    : ExperimentSchema,
);

/** A replay of the built-in protocol: a file, or a pasted `rf1:…` string. */
export function readReplay(fileOrText: string): Replay {
  const { experiment, ...rest } = readAnyReplay(fileOrText);
  if ('protocol' in experiment)
    throw new UsageError(
      `The replay is of the protocol "${experiment.protocol.name}", with SHA-256 ${experiment.protocol.hash}: expected its file as --protocol.`,
    );
  return { ...rest, experiment };
}

/** The same, of whatever protocol. */
export function readAnyReplay(fileOrText: string): Replay<Experiment | GuestExperiment> {
  const pasted = /^rf\d+:/.test(fileOrText);
  try {
    return parseReplayOf(AnyExperimentSchema, pasted ? fileOrText : readText(fileOrText));
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error;
    throw new UsageError(pasted ? error.message : `${fileOrText}: ${error.message}`);
  }
}

/** A fault schedule, in the format of docs/faults.md. */
export function readScheduleFile(path: string): Schedule {
  try {
    return parseScheduleText(readText(path));
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    throw new UsageError(`${path}: ${error.message}`);
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
