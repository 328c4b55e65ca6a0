// A replay that comes out otherwise than it was recorded is another run, and is not shown as that one.

import { TapeDivergence } from '../../simulator/random.ts';

/** Crosses from a worker by its name. */
const NAME = 'ReplayDiffersError';

export class ReplayDiffersError extends Error {
  override readonly name = NAME;
}

export const isDifference = (error: unknown): boolean => error instanceof Error && error.name === NAME;

/** Runs a replay; throws a `ReplayDiffersError` where its tape does not fit or its trace is another one. */
export function exactly<T extends { readonly traceHash: string }>(
  recorded: string | undefined,
  run: () => T,
): T {
  let outcome: T;
  try {
    outcome = run();
  } catch (error) {
    if (error instanceof TapeDivergence) throw new ReplayDiffersError(undefined, { cause: error });
    throw error;
  }
  if (recorded !== undefined && recorded !== outcome.traceHash) throw new ReplayDiffersError();
  return outcome;
}
