// What the lab says when one of its own actions fails. The message says what was expected, what was found, what to do.

import { words } from './words.ts';

export type LabFault = 'frame-failed' | 'frame-silent' | 'no-such-rank' | 'no-answer' | 'too-many' | 'left';

export class LabError extends Error {
  override readonly name = 'LabError';
  constructor(
    readonly fault: LabFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The sentence in whatever was thrown. */
export const sentenceIn = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** A call into a frame that was removed never settles, so every call from here has a deadline. */
export async function answered<T>(what: string, ms: number, call: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new LabError('no-answer', words.banners.noAnswer(what, Math.round(ms / 1000))));
    }, ms);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
}
