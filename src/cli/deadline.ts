// Waiting with an end: every wait of a command says what it waits for, how long, and gives up when the command is stopped.

import { setTimeout as delay } from 'node:timers/promises';
import { RunError } from './errors.ts';

export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => {
    signal.throwIfAborted();
  });

const seconds = (ms: number): string => `${ms < 10_000 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000)} s`;

/** The sentence of a wait that ended without its object. */
export const waitedInVain = (what: string, ms: number, meanwhile = ''): RunError =>
  new RunError(
    `Waited ${seconds(ms)} for ${what}, in vain.${meanwhile === '' ? '' : ` Meanwhile: ${meanwhile}`}`,
  );

/** The promise's value, unless the deadline or the signal comes first. */
export async function within<T>(
  what: string,
  ms: number,
  signal: AbortSignal,
  promise: Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const anySignal = AbortSignal.any([signal, ended.signal]);
  const timeout = delay(ms, undefined, { signal: anySignal }).then(
    () => {
      throw waitedInVain(what, ms);
    },
    () => {
      signal.throwIfAborted();
      return new Promise<never>(() => undefined);
    },
  );
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    ended.abort();
    // Whichever lost the race must not be reported as unhandled.
    promise.catch(() => undefined);
    timeout.catch(() => undefined);
  }
}
