// What engines and invariants say of themselves, in the language of the page.

import { wordTable } from './language/word-table.ts';
import { english } from './told-words-en.ts';
import type { ToldWords } from './told-words-en.ts';

export const toldWords = wordTable<ToldWords>(
  english,
  async () => (await import('./told-words-zh.ts')).chinese,
);
