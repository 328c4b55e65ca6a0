// Which version of a protocol a run belongs to: the SHA-256 of its source, the same on the command line and in the lab.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*(['"])(\.{1,2}\/[^'"]+)\1/g;

/**
 * The SHA-256 of the file `entry`, with line ends as LF: what `sha256sum` says of it. Where it imports files beside it, of the list of
 * their hashes and relative paths instead, so that a change in any of them shows. `read` gives the text of a file by its path relative
 * to the folder of `entry`, with `/` between folders; undefined: there is none.
 */
export function sourceHash(entry: string, read: (path: string) => string | undefined): string {
  const hashes = new Map<string, string>();
  const visit = (path: string, text: string): void => {
    const lines = text.replaceAll('\r\n', '\n');
    hashes.set(path, hex(lines));
    for (const [, , specifier = ''] of lines.matchAll(IMPORT))
      for (const candidate of endings(beside(path, specifier))) {
        const imported = read(candidate);
        if (imported === undefined) continue;
        if (!hashes.has(candidate)) visit(candidate, imported);
        break;
      }
  };
  visit(entry, read(entry) ?? '');
  const [only] = hashes.values();
  return hashes.size === 1 && only !== undefined
    ? only
    : hex([...hashes].map(([path, hash]) => `${hash}  ${path}\n`).join(''));
}

const hex = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)));

/** What a module at `path` means by `specifier`. */
function beside(path: string, specifier: string): string {
  const folders = path.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '.') continue;
    if (part === '..' && folders.length > 0 && folders.at(-1) !== '..') folders.pop();
    else folders.push(part);
  }
  return folders.join('/');
}

/** A module's file, where it is written without its ending too. */
const endings = (path: string): readonly string[] => [
  path,
  `${path}.ts`,
  `${path}.js`,
  path.replace(/\.js$/, '.ts'),
];
