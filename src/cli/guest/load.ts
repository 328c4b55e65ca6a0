// Loads the protocol behind `--protocol FILE`: code that a person has written and asks to be run, so it runs; what it exports is checked.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tsImport } from 'tsx/esm/api';
import { oneLine, UsageError } from '../errors.ts';
import { ProtocolError } from '../../simulator/guest/protocol-error.ts';
import { parseProtocol, type GuestProtocol } from '../../simulator/guest/shape.ts';

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

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*(['"])(\.{1,2}\/[^'"]+)\1/g;

/**
 * The SHA-256 of the file, with line ends as LF: what `sha256sum` says of it. Where it imports files beside it, of the list of their
 * hashes and relative paths instead, so that a change in any of them shows.
 */
function hashOf(path: string, file: string): string {
  const hashes = new Map<string, string>();
  const visit = (current: string): void => {
    let text: string;
    try {
      text = readFileSync(current, 'utf8').replaceAll('\r\n', '\n');
    } catch (error) {
      throw new UsageError(`${path} cannot be read: ${oneLine(error)}`);
    }
    hashes.set(relative(dirname(file), current).replaceAll('\\', '/'), sha256(text));
    for (const [, , specifier = ''] of text.matchAll(IMPORT)) {
      const imported = moduleFile(resolve(dirname(current), specifier));
      if (imported !== undefined && !hashes.has(relative(dirname(file), imported).replaceAll('\\', '/')))
        visit(imported);
    }
  };
  visit(file);
  const [only] = hashes.values();
  return hashes.size === 1 && only !== undefined
    ? only
    : sha256([...hashes].map(([name, hash]) => `${hash}  ${name}\n`).join(''));
}

/** A module's file, where it is written without its ending too. */
const moduleFile = (path: string): string | undefined =>
  [path, `${path}.ts`, `${path}.js`, path.replace(/\.js$/, '.ts')].find((candidate) => existsSync(candidate));

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
