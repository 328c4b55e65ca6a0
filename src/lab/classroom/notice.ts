// Whether the server of this page has a class. Asked as soon as the page's code runs, and never waited for long.

import * as v from 'valibot';
import { CLASS_NOTICE, NoticeSchema } from '../../live/classroom/notice.ts';

const PATIENCE_MS = 1000;

/** The class's public name, or undefined: no class, a static build, or a server that takes too long. */
export async function askForClass(): Promise<string | undefined> {
  try {
    const answer = await fetch(new URL(CLASS_NOTICE, document.baseURI), {
      signal: AbortSignal.timeout(PATIENCE_MS),
      cache: 'no-store',
    });
    if (!answer.ok) return undefined;
    return v.parse(NoticeSchema, await answer.json()).class ?? undefined;
  } catch {
    return undefined;
  }
}
