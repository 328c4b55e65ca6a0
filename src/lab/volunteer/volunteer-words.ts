// Every word that a volunteer reads, in the language of the page.

import { wordTable } from '../language/word-table.ts';
import { english } from './volunteer-words-en.ts';
import type { VolunteerWords } from './volunteer-words-en.ts';

export const volunteerWords = wordTable<VolunteerWords>(
  english,
  async () => (await import('./volunteer-words-zh.ts')).chinese,
);
