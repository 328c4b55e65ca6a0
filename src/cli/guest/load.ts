// Loads the protocol behind `--protocol FILE`: code that a person has written and asks to be run, so it runs; what it exports is checked.

import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tsImport } from 'tsx/esm/api';
import { oneLine, UsageError } from '../errors.ts';
import { ProtocolError } from '../../simulator/guest/protocol-error.ts';
import { parseProtocol, type GuestProtocol } from '../../simulator/guest/shape.ts';
import { sourceHash } from '../../simulator/guest/source-hash.ts';

export interface LoadedProtocol {
  readonly path: string;
  readonly protocol: GuestProtocol;
  readonly hash: string;
}

/** Throws a `UsageError` that says what is wrong with the file. */
export async function loadProtocol(path: string): Promise<LoadedProtocol> {
  const file = resolve(path);
  const hash = hashOf(path, file);
  const module = await importModule(path, file);
  if (!('protocol' in module))
    throw new UsageError(
      `${path} exports no protocol: expected "export const protocol", found ${
        Object.keys(module)
          .filter((name) => name !== 'default')
          .join(', ') || 'no named export'
      }.`,
    );
  return { path, protocol: await answering(path, () => parseProtocol(module['protocol'])), hash };
}

/** What is wrong with a protocol's file is one line, with the file's name. */
export async function answering<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ProtocolError) throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
}

async function importModule(path: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    // Unlike import(), this takes TypeScript and ES modules from any folder, also without a package.json that says so.
    return (await tsImport(pathToFileURL(file).href, {
      parentURL: import.meta.url,
      tsconfig: false,
    })) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new UsageError(`${path} cannot be loaded: ${oneLine(error)}`);
  }
}

/** See `sourceHash`. */
function hashOf(path: string, file: string): string {
  const folder = dirname(file);
  const read = (relative: string): string | undefined => {
    const target = resolve(folder, relative);
    if (target !== file && !existsSync(target)) return undefined;
    try {
      return readFileSync(target, 'utf8');
    } catch (error) {
      throw new UsageError(`${path} cannot be read: ${oneLine(error)}`);
    }
  };
  return sourceHash(basename(file), read);
}
