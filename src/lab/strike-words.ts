// What strikes in a simulated run, in the language of the page.

import { whatStrikes } from '../simulator/story.ts';
import { wordTable } from './language/word-table.ts';

const english = { strike: whatStrikes };

export const strikeWords = wordTable<typeof english>(
  english,
  async () => (await import('./strike-words-zh.ts')).chinese,
);
