// A text, character by character. A sample is a place in it: the tokens from there on, each labelled with the one after it.
//
// Characters are Unicode code points, and a token is a character's place in the sorted vocabulary of the whole text. The last tenth
// of the text is held out: no training sample reaches into it.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { LoaderError, type Loader, type Samples, type Split } from '../../ports/loader.ts';
import { checkRows } from './rows.ts';
import { MAX_TEXT_BYTES } from './text-limit.ts';

/** Different characters of a text: the model has a row of weights for each. */
export const MAX_VOCABULARY = 4096;
/** Characters of a text, at least: less would leave nothing to hold out. */
export const MIN_TEXT = 2000;
/** Windows of the held-out part that are measured, evenly spread over it: enough for two digits of the loss. */
const HELD_OUT_WINDOWS = 64;

export interface Text {
  /** SHA-256 of the bytes that it was read from. */
  readonly sha256: string;
  /** Sorted by code point; a token is an index into it. */
  readonly vocabulary: readonly string[];
  readonly tokens: Uint16Array;
}

/** Reads a text from UTF-8. Line ends become \n and a byte order mark is dropped; nothing else is changed. Throws a `LoaderError`. */
export function decodeText(bytes: Uint8Array, what: string): Text {
  if (bytes.length > MAX_TEXT_BYTES) {
    throw new LoaderError(
      `${what} has ${bytes.length} bytes; a text may have ${MAX_TEXT_BYTES} (16 MiB). Bring a shorter one.`,
    );
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r\n?/gu, '\n');
  } catch (cause) {
    throw new LoaderError(`${what} is not UTF-8 text. Save it as UTF-8 and bring it again.`, { cause });
  }
  if (text.includes('\0')) {
    throw new LoaderError(`${what} has zero characters in it, so it is not a text. Bring a plain text file.`);
  }
  const characters = Array.from(text);
  if (characters.length < MIN_TEXT) {
    throw new LoaderError(
      `${what} has ${characters.length} characters; at least ${MIN_TEXT} are needed. Bring a longer text.`,
    );
  }
  const points = [...new Set(characters)].map((character) => character.codePointAt(0) ?? 0);
  points.sort((a, b) => a - b);
  if (points.length < 2 || points.length > MAX_VOCABULARY) {
    throw new LoaderError(
      `${what} has ${points.length} different characters; 2 to ${MAX_VOCABULARY} can be learned. Bring another text.`,
    );
  }
  const vocabulary = points.map((point) => String.fromCodePoint(point));
  const numbers = new Map(vocabulary.map((character, token) => [character, token]));
  const tokens = Uint16Array.from(characters, (character) => numbers.get(character) ?? 0);
  return { sha256: bytesToHex(sha256(bytes)), vocabulary, tokens };
}

/** Tokens of a prompt. Characters that the vocabulary lacks become blanks, or its first character where it has no blank. */
export function encodeText(vocabulary: readonly string[], text: string): Int32Array<ArrayBuffer> {
  const numbers = new Map(vocabulary.map((character, token) => [character, token]));
  const blank = numbers.get(' ') ?? 0;
  return Int32Array.from(Array.from(text), (character) => numbers.get(character) ?? blank);
}

/** Samples of `context` tokens. Throws a `LoaderError` when the text is too short for them. */
export function openText({ vocabulary, tokens }: Text, context: number): Loader {
  const training = Math.floor(tokens.length * 0.9);
  const heldOut = tokens.length - training;
  const windows = Math.min(HELD_OUT_WINDOWS, Math.floor((heldOut - 1) / context));
  if (windows < 1 || training <= context) {
    throw new LoaderError(
      `The text has ${tokens.length} characters; samples of ${context} need at least ${10 * (context + 1)}. ` +
        'Bring a longer text, or make the model’s context shorter.',
    );
  }
  const sizes = { train: training - context, test: windows };
  const startOf = (split: Split, row: number): number =>
    split === 'train' ? row : training + Math.floor((row * (heldOut - context)) / windows);

  const read = (split: Split, rows: Int32Array): Samples => {
    checkRows(sizes, split, rows);
    const inputs = new Int32Array(rows.length * context);
    const labels = new Int32Array(rows.length * context);
    rows.forEach((row, i) => {
      const start = startOf(split, row);
      inputs.set(tokens.subarray(start, start + context), i * context);
      labels.set(tokens.subarray(start + 1, start + context + 1), i * context);
    });
    return { inputs, labels };
  };

  return {
    format: { type: 'tokens', shape: [context], positions: context, classes: vocabulary.length },
    sizes,
    load: async (split, rows) => read(split, rows),
  };
}
