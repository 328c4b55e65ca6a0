// Every word of the instructor's console, in the language of the page.

import { wordTable } from '../language/word-table.ts';
import { english } from './console-words-en.ts';
import type { ConsoleWords } from './console-words-en.ts';

export const consoleWords = wordTable<ConsoleWords>(
  english,
  async () => (await import('./console-words-zh.ts')).chinese,
);
