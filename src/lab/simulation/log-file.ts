// A log or an incident that somebody opens in the page: gzip, as the lab saves it, or what it holds as text. It may be anybody's: sizes
// are bounded before anything is held.

import { INCIDENT_FORMAT } from '../../protocol/recording/incident.ts';
import { isTraceLog } from '../../protocol/recording/trace-lines.ts';
import { RECORDING_FORMAT } from '../../protocol/recording/writer.ts';

export const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** Unpacked. An hour of four ranks, and what a tab can hold. */
export const MAX_TEXT_BYTES = 512 * 1024 * 1024;
/** Far more than a heal of the largest model takes, whose bytes are kept as a hash. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
const LINE_END = 10;

export type LogFlaw = 'too-large' | 'unpacks-too-large' | 'damaged' | 'line-too-long' | 'empty';

export class LogFileError extends Error {
  override readonly name = 'LogFileError';
  constructor(readonly flaw: LogFlaw) {
    super(`This is no log: ${flaw}.`);
  }
}

const STARTS = [`{"format":"${RECORDING_FORMAT}"`, `{"format":"${INCIDENT_FORMAT}"`];
const HEAD_BYTES = 64;

/** Whether a file is a log rather than a protocol or a replay, as its first bytes tell. */
export async function isLog(file: Blob): Promise<boolean> {
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  const text = new TextDecoder().decode(head);
  return isMember(head, 0) || isTraceLog(text) || STARTS.some((start) => text.startsWith(start));
}

/** Whether a gzip member may begin there (RFC 1952, section 2.3): its magic, deflate, and no flag that is reserved. */
const isMember = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0x1f && bytes[at + 1] === 0x8b && bytes[at + 2] === 8 && (bytes[at + 3] ?? 0xff) < 0x20;

function nextMember(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0x1f, from); at >= 0; at = bytes.indexOf(0x1f, at + 1))
    if (isMember(bytes, at)) return at;
  return bytes.length;
}

/** The text of a file, in blocks. Throws a `LogFileError`. */
export async function unpack(file: Blob, limit = MAX_TEXT_BYTES): Promise<readonly Uint8Array[]> {
  if (file.size > MAX_FILE_BYTES) throw new LogFileError('too-large');
  if (file.size === 0) throw new LogFileError('empty');
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (!isMember(bytes, 0)) return [bytes];
  return gunzip(bytes, limit);
}

/** What looks like the next member's start may be in the middle of one: so often it is passed over. */
const MAX_PASSES = 4;

/**
 * Gzip members one after the other. A browser's stream takes one and calls the rest an error, without saying where it begins: the
 * bytes are cut where a member may begin, and its own checksum tells whether that was one.
 */
async function gunzip(bytes: Uint8Array<ArrayBuffer>, limit: number): Promise<readonly Uint8Array[]> {
  const blocks: Uint8Array[] = [];
  let left = limit;
  for (let start = 0; start < bytes.length;) {
    let end = start;
    let found: readonly Uint8Array[] | undefined;
    for (let passes = 0; found === undefined && passes <= MAX_PASSES && end < bytes.length; passes++) {
      end = nextMember(bytes, end + 1);
      found = await inflate(bytes.subarray(start, end), left);
    }
    if (found === undefined) throw new LogFileError('damaged');
    for (const block of found) {
      blocks.push(block);
      left -= block.length;
    }
    start = end;
  }
  return blocks;
}

/** Undefined where it is no whole member. */
async function inflate(
  member: Uint8Array<ArrayBuffer>,
  limit: number,
): Promise<readonly Uint8Array[] | undefined> {
  const blocks: Uint8Array[] = [];
  let length = 0;
  try {
    const reader = new Blob([member]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return blocks;
      length += value.length;
      if (length > limit) {
        await reader.cancel();
        break;
      }
      blocks.push(value);
    }
  } catch {
    return undefined;
  }
  throw new LogFileError('unpacks-too-large');
}

/** The lines of a text in blocks, one after the other: together they can be longer than a string may be. */
export function* linesOf(blocks: readonly Uint8Array[]): Generator<string> {
  let decoder = new TextDecoder();
  let parts: string[] = [];
  let length = 0;
  const add = (bytes: Uint8Array): void => {
    length += bytes.length;
    if (length > MAX_LINE_BYTES) throw new LogFileError('line-too-long');
    parts.push(decoder.decode(bytes, { stream: true }));
  };
  const line = (): string => {
    const text = parts.join('') + decoder.decode();
    decoder = new TextDecoder();
    parts = [];
    length = 0;
    return text;
  };
  for (const block of blocks) {
    let start = 0;
    for (let end = block.indexOf(LINE_END); end >= 0; end = block.indexOf(LINE_END, start)) {
      add(block.subarray(start, end));
      yield line();
      start = end + 1;
    }
    add(block.subarray(start));
  }
  if (length > 0) yield line();
}
