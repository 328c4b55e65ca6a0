// What a command throws when it cannot go on. Each becomes one line on stderr and an exit status, never a stack trace.

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** The command was asked for something that makes no sense; the message says what was expected and what was found. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something that was waited for did not come in time, or came out wrong; the message says what. */
export class RunError extends Error {
  override readonly name = 'RunError';
}

/** The person (or their shell) stopped the command. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  constructor(readonly signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    super(`Stopped by ${signal}.`);
  }
}

/** Shell convention: 128 and the signal's number. */
const SIGNAL_STATUS: Readonly<Record<InterruptedError['signal'], number>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGTERM: 143,
};

export function exitStatus(error: unknown): number {
  if (error instanceof UsageError) return EXIT_USAGE;
  if (error instanceof InterruptedError) return SIGNAL_STATUS[error.signal];
  return EXIT_FAILED;
}

/** An error's message on one line. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
}
