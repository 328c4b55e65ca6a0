// A log that was downloaded from the lab: gzip, or what it holds as text.

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { RECORDING_FORMAT } from '../../protocol/recording/writer.ts';
import { oneLine, UsageError } from '../errors.ts';

const GZIP = 0x1f8b;
const START = `{"format":"${RECORDING_FORMAT}"`;
const LINE_END = 10;

/** Whether a file holds recordings rather than a replay, as its first bytes tell. */
export function isRecording(path: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    // Whoever reads it says why it cannot be read.
    return false;
  }
  try {
    const head = Buffer.alloc(START.length);
    readSync(file, head);
    return head.readUInt16BE() === GZIP || head.toString() === START;
  } catch {
    return false;
  } finally {
    closeSync(file);
  }
}

/** Its lines, one after the other: together they can be longer than a string may be. */
export function* recordingLines(path: string): Generator<string> {
  let bytes = readFileSync(path);
  if (bytes.length >= 2 && bytes.readUInt16BE() === GZIP) {
    try {
      bytes = gunzipSync(bytes);
    } catch (error) {
      throw new UsageError(
        `${path}: expected a whole gzip file of ${bytes.length} bytes, found that it breaks off or is damaged (${oneLine(error)}).`,
      );
    }
  }
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LINE_END, start);
    const stop = end < 0 ? bytes.length : end;
    yield bytes.toString('utf8', start, stop);
    start = stop + 1;
  }
}
