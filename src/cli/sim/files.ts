// Reading what a person names on the command line, and writing results: errors say which file, and end with status 2.

import { readFileSync, writeFileSync } from 'node:fs';
import { parseScheduleText, ScheduleError, type Schedule } from '../../faults/schedule.ts';
import { parseReplay, ReplayError, type Replay } from '../../simulator/replay.ts';
import { oneLine, RunError, UsageError } from '../errors.ts';

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${oneLine(error)}`);
  }
}

export function writeText(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new RunError(`${path} cannot be written: ${oneLine(error)}`);
  }
}

/** A replay file, or a pasted `rf1:…` string. */
export function readReplay(fileOrText: string): Replay {
  const pasted = /^rf\d+:/.test(fileOrText);
  try {
    return parseReplay(pasted ? fileOrText : readText(fileOrText));
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
