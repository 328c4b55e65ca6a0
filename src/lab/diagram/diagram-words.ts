// Every word of the space-time diagram, in the language of the page.

import { wordTable } from '../language/word-table.ts';
import { english } from './diagram-words-en.ts';
import type { DiagramWords } from './diagram-words-en.ts';

export const diagramWords = wordTable<DiagramWords>(
  english,
  async () => (await import('./diagram-words-zh.ts')).chinese,
);
