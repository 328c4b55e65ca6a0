// A log or an incident that was downloaded from the lab: gzip, or what it holds as text. Sizes are bounded before anything is held.

import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { INCIDENT_FORMAT } from '../../protocol/recording/incident.ts';
import { RECORDING_FORMAT } from '../../protocol/recording/writer.ts';
import { oneLine, UsageError } from '../errors.ts';

const GZIP = 0x1f8b;
const STARTS = [`{"format":"${RECORDING_FORMAT}"`, `{"format":"${INCIDENT_FORMAT}"`];
/** Four recordings that have come to their limit; unpacked, since it is then that they take room. */
const MAX_BYTES = 2 * 1024 * 1024 * 1024;
const MAX_FILE_BYTES = 512 * 1024 * 1024;
/** Far more than a heal of the largest model takes, whose bytes are kept as a hash. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
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
    const head = Buffer.alloc(64);
    readSync(file, head);
    return head.readUInt16BE() === GZIP || STARTS.some((start) => head.toString().startsWith(start));
  } catch {
    return false;
  } finally {
    closeSync(file);
  }
}

/** Its lines, one after the other: together they can be longer than a string may be. */
export function* recordingLines(path: string, limit = MAX_BYTES): Generator<string> {
  const size = statSync(path).size;
  if (size > MAX_FILE_BYTES)
    throw new UsageError(`${path}: expected at most ${MAX_FILE_BYTES} bytes, found ${size}.`);
  let bytes = readFileSync(path);
  if (bytes.length >= 2 && bytes.readUInt16BE() === GZIP) {
    try {
      bytes = gunzipSync(bytes, { maxOutputLength: limit });
    } catch (error) {
      if (error instanceof RangeError)
        throw new UsageError(`${path}: expected at most ${limit} bytes when unpacked, found more.`);
      throw new UsageError(
        `${path}: expected a whole gzip file of ${bytes.length} bytes, found that it breaks off or is damaged (${oneLine(error)}).`,
      );
    }
  }
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LINE_END, start);
    const stop = end < 0 ? bytes.length : end;
    if (stop - start > MAX_LINE_BYTES)
      throw new UsageError(
        `${path}: expected lines of at most ${MAX_LINE_BYTES} bytes, found one of ${stop - start}.`,
      );
    yield bytes.toString('utf8', start, stop);
    start = stop + 1;
  }
}
