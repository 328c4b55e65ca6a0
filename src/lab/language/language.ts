// Which language the page speaks: the browser's, until somebody chooses; the choice is kept in the browser.

import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';

/** As `lang` and Intl spell them. */
export type Language = 'en' | 'zh-Hans';

const KEY = 'rankfall.language';

const spoken = signal<Language>('en');
/** What the page speaks now. Whoever reads it while rendering follows. */
export const language: ReadonlySignal<Language> = spoken;

/** Fetches what a language needs; it may be called again, and then does nothing. */
type Fetch = (next: Language) => Promise<void>;
const fetches = new Set<Fetch>();
let asked: Language = 'en';

/** Something that has to be fetched before a language can be spoken. */
export function needs(fetchIt: Fetch): void {
  fetches.add(fetchIt);
}

/** Changes the language once all of the page's words are there. Where they cannot be had, it stays as it is. */
export async function speak(next: Language): Promise<void> {
  asked = next;
  try {
    await Promise.all([...fetches].map((fetchIt) => fetchIt(next)));
  } catch (error) {
    if (asked === next) asked = spoken.value;
    throw error;
  }
  // Somebody may have chosen again meanwhile.
  if (asked !== next) return;
  spoken.value = next;
  if (typeof document !== 'undefined') document.documentElement.lang = next;
}

/** A part of the page that was loaded later may have brought words of its own: waits until they are there. */
export const wordsReady = (): Promise<void> => speak(asked);

/** The language that this browser chose last, or asks for. */
export async function speakAsTheBrowserDoes(): Promise<void> {
  try {
    await speak(kept() ?? preferred(navigator.languages));
  } catch {
    // The words could not be loaded. The page is there in English, and a reload tries again.
  }
}

/** Speaks it from now on, in this browser. */
export async function choose(next: Language): Promise<void> {
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Storage may be refused; the choice then lasts as long as the page.
  }
  await speak(next);
}

/** The first of a browser's languages that the lab speaks: any Chinese is nearer to Simplified Chinese than to English. */
export function preferred(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const [primary] = tag.toLowerCase().split('-');
    if (primary === 'zh') return 'zh-Hans';
    if (primary === 'en') return 'en';
  }
  return 'en';
}

function kept(): Language | undefined {
  try {
    const text = localStorage.getItem(KEY);
    return text === 'en' || text === 'zh-Hans' ? text : undefined;
  } catch {
    return undefined;
  }
}
