// Ctrl-C and its kin as an abort signal, so that whatever was started is taken down before the command ends.

import { InterruptedError } from './errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs `work` with a signal that aborts on the first interrupt; a second one ends the process at once. */
export async function interruptible<T>(work: (stop: AbortController) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = (signal: (typeof SIGNALS)[number]): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort(new InterruptedError(signal));
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    return await work(stop);
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}
