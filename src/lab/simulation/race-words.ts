// Every word of the race laboratory, in the language of the page. Apart from those of the lab, since it is loaded only when somebody opens it.

import { wordTable } from '../language/word-table.ts';
import { english } from './race-words-en.ts';
import type { RaceWords } from './race-words-en.ts';

export const raceWords = wordTable<RaceWords>(
  english,
  async () => (await import('./race-words-zh.ts')).chinese,
);
