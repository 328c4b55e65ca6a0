// What a safetensors header must hold beyond being JSON: no key twice, no number but whole ones, no deep nesting.
//
// JSON.parse keeps the last of two equal keys in silence, so that two readers could see two different files.

import { FormatError } from './format-error.ts';

/** `{ name: { shape: [ … ] } }` */
const MAX_DEPTH = 3;
const SPACE = new Set(' \t\n\r');
const PLAIN = new Set(' \t\n\r:,0123456789');

/** Scans the text in one pass. That it is JSON at all is left to `JSON.parse`, whose `SyntaxError` may come out of here too. */
export function checkHeaderText(text: string): void {
  if (!text.startsWith('{'))
    throw new FormatError('header', 'The header does not begin with "{": this is no safetensors file.');
  /** The keys seen in each open object; undefined for an open array. */
  const open: (Set<string> | undefined)[] = [];
  /** The last character that was neither blank nor in a string. */
  let previous = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '"') {
      const end = stringEnd(text, at);
      const keys = open.at(-1);
      // A string in an object is a key unless a colon stands before it.
      if (keys !== undefined && previous !== ':') addKey(keys, text.slice(at, end));
      at = end - 1;
    } else if (char === '{' || char === '[') {
      open.push(char === '{' ? new Set() : undefined);
      if (open.length > MAX_DEPTH) {
        throw new FormatError(
          'header',
          `The header is nested deeper than ${MAX_DEPTH} levels: this is no safetensors file.`,
        );
      }
    } else if (char === '}' || char === ']') {
      open.pop();
    } else if (!PLAIN.has(char)) {
      throw new FormatError(
        'header',
        `The header holds ${JSON.stringify(char)} outside of a string: expected only whole numbers there.`,
      );
    }
    if (!SPACE.has(char)) previous = char;
  }
}

function addKey(keys: Set<string>, literal: string): void {
  const key: unknown = literal.includes('\\') ? JSON.parse(literal) : literal.slice(1, -1);
  if (typeof key !== 'string' || keys.has(key)) {
    throw new FormatError(
      'duplicate',
      `The header names ${literal.slice(0, 80)} twice: the file is damaged or forged.`,
    );
  }
  keys.add(key);
}

/** Index behind the closing quote of the string that opens at `start`. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at++;
    else if (code === 0x22) return at + 1;
  }
  throw new FormatError('header', 'A string in the header has no end: the file is damaged.');
}
