// What the lab says when one of its own actions fails. The message says what was expected, what was found, what to do.

import { toldWords } from './told-words.ts';
import { words } from './words.ts';

export type LabFault =
  'frame-failed' | 'frame-silent' | 'no-such-rank' | 'no-answer' | 'too-many' | 'left' | 'other-text';

/** A sentence that is made each time it is read: what stays on the page follows its language. */
export type Said = () => string;

export class LabError extends Error {
  override readonly name = 'LabError';
  constructor(
    readonly fault: LabFault,
    readonly said: Said,
  ) {
    super(said());
  }
}

/** The sentence in whatever was thrown. */
export const sentenceIn = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** The same, for what stays on the page. What parts say that know nothing of languages is known by its English. */
export function saidIn(error: unknown): Said {
  if (error instanceof LabError) return error.said;
  const sentence = sentenceIn(error);
  return () => toldWords.told(sentence);
}

/** A call into a frame that was removed never settles, so every call from here has a deadline. */
export async function answered<T>(what: string | Said, ms: number, call: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const name = (): string => (typeof what === 'string' ? what : what());
      reject(new LabError('no-answer', () => words.banners.noAnswer(name(), Math.round(ms / 1000))));
    }, ms);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
}
