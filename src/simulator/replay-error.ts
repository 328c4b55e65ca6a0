// What is wrong with a replay that somebody brings, and how it is found: the place, what was expected and what is there.

import * as v from 'valibot';
import { findJsonFlaw } from '../trace/json-text.ts';

/** A replay that cannot be used. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
  constructor(
    readonly place: string,
    readonly expected: string,
    readonly found: string,
  ) {
    super(`The replay is wrong at ${place}: expected ${expected}, found ${found}.`);
  }
}

/** The JSON of a text. Throws a `ReplayError` where it stops being one. */
export function readJson(text: string): unknown {
  const flaw = findJsonFlaw(text);
  if (flaw !== undefined)
    throw new ReplayError(`line ${flaw.line}, column ${flaw.column}`, flaw.expected, flaw.found);
  return JSON.parse(text);
}

/** A value of a schema. Throws a `ReplayError` at its first issue. */
export function readAs<T>(schema: v.GenericSchema<unknown, T>, value: unknown): T {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = issue.path?.map(({ key }) => String(key)).join('.') ?? 'the whole text';
  throw new ReplayError(path, expectedIn(issue), issue.received === 'undefined' ? 'nothing' : issue.received);
}

function expectedIn({ type, expected, received, message }: v.BaseIssue<unknown>): string {
  // Of a key that is missing, valibot says its name.
  if (type === 'strict_object' && received === 'undefined') return 'a value';
  if (expected === 'never') return 'no such key';
  if (type === 'integer') return 'a whole number';
  return expected ?? /^Expected (.*)$/.exec(message)?.[1] ?? 'another value';
}
