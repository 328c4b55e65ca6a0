// A page's words in both languages. The English table is part of the page and gives the type; the Chinese one has to have the same
// type, so that a string that is missing there does not compile, and is loaded when somebody reads Chinese.

import { computed, signal } from '@preact/signals';
import { language, needs } from './language.ts';
import type { Language } from './language.ts';

/** The type of a table in any language: the same names and values to fill in, with other text. */
export type Wording<English> = English extends Language
  ? Language
  : English extends string
    ? string
    : English extends (...values: infer Values) => infer Said
      ? (...values: Values) => Wording<Said>
      : English extends readonly (infer Item)[]
        ? readonly Wording<Item>[]
        : { readonly [Name in keyof English]: Wording<English[Name]> };

/** The table in the language of the page. A component that reads a word of it follows the language. */
export function wordTable<Words extends object>(english: Words, loadChinese: () => Promise<Words>): Words {
  const chinese = signal<Words | undefined>(undefined);
  needs(async (next) => {
    if (next === 'zh-Hans') chinese.value ??= await loadChinese();
  });
  const spoken = computed(() => (language.value === 'zh-Hans' ? (chinese.value ?? english) : english));
  const table: object = {};
  for (const name of Object.keys(english))
    Object.defineProperty(table, name, {
      enumerable: true,
      get: (): unknown => spoken.value[name as keyof Words],
    });
  return table as Words;
}
