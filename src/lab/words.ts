// Every word that the lab shows, in the language of the page.

import { wordTable } from './language/word-table.ts';
import { english } from './words-en.ts';
import type { Words } from './words-en.ts';

export const words = wordTable<Words>(english, async () => (await import('./words-zh.ts')).chinese);
