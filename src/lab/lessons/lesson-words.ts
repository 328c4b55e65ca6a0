// Every word of the lessons' page, in the language of the page; apart from the lessons themselves, which are files of their own.

import { wordTable } from '../language/word-table.ts';
import { english } from './lesson-words-en.ts';
import type { LessonWords } from './lesson-words-en.ts';

export const lessonWords = wordTable<LessonWords>(
  english,
  async () => (await import('./lesson-words-zh.ts')).chinese,
);
