// Every word that a participant of a class reads, in the language of the page. Apart from those of the lab, since it is loaded where there is a class only.

import { wordTable } from '../language/word-table.ts';
import { english } from './class-words-en.ts';
import type { ClassWords } from './class-words-en.ts';

export const classWords = wordTable<ClassWords>(
  english,
  async () => (await import('./class-words-zh.ts')).chinese,
);
