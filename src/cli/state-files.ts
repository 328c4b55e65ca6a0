// Checkpoint files on the command line: what is wrong with one is said in one line, with exit status 2.

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { checkStateFileSize, isStateFileProblem } from '../live/state-reader.ts';
import { oneLine, UsageError } from './errors.ts';

export function readCheckpointFile(path: string): Uint8Array<ArrayBuffer> {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${oneLine(error)}`);
  }
  try {
    const about = fstatSync(descriptor);
    if (about.isDirectory()) throw new UsageError(`${path} is a directory: expected a .safetensors file.`);
    named(path, () => {
      checkStateFileSize(about.size);
    });
    return new Uint8Array(readFileSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

/** What a file's contents are refused for, with the file's name. */
export function named<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isStateFileProblem(error)) throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
}
