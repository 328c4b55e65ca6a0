// What a browser keeps of a class: the token that gives the place back. Once for the tab, so that a reload takes its own place; once for
// the browser, so that a tab that was closed leaves its place to the next.

import * as v from 'valibot';
import { NicknameSchema, TokenSchema } from '../../live/classroom/messages.ts';

const KEY = 'rankfall.class';

const KeptSchema = v.strictObject({
  /** The class's public name: another class does not know the token. */
  class: TokenSchema,
  token: TokenSchema,
  nickname: NicknameSchema,
});
export type Kept = v.InferOutput<typeof KeptSchema>;

type Where = 'tab' | 'browser';
const storageOf = (where: Where): Storage => (where === 'tab' ? sessionStorage : localStorage);

/** Undefined where nothing of this class is kept, or storage is refused. */
export function kept(where: Where, name: string): Kept | undefined {
  try {
    const text = storageOf(where).getItem(KEY);
    const parsed = v.safeParse(KeptSchema, JSON.parse(text ?? 'null'));
    return parsed.success && parsed.output.class === name ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

export function keep(what: Kept): void {
  for (const where of ['tab', 'browser'] as const) {
    try {
      storageOf(where).setItem(KEY, JSON.stringify(what));
    } catch {
      // Storage may be refused; the place then lasts as long as the page.
    }
  }
}

/** What the browser keeps may have become another tab's by now. */
export function forget(token: string, name: string): void {
  for (const where of ['tab', 'browser'] as const) {
    try {
      if (kept(where, name)?.token === token) storageOf(where).removeItem(KEY);
    } catch {
      // Nothing is kept, then.
    }
  }
}
