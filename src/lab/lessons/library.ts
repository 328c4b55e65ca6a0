// The lessons of this folder. Their names are part of the page; a lesson's file is loaded when somebody opens it.

import type { Language } from '../language/language.ts';
import type { Lesson } from './lesson.ts';

/** The languages in which each of them is written, as the file's name says it. */
export type LessonLanguage = 'en' | 'zh';

export const lessonLanguage = (spoken: Language): LessonLanguage => (spoken === 'zh-Hans' ? 'zh' : 'en');

const files = import.meta.glob<string>('./*.md', { query: '?raw', import: 'default' });

const named = Object.keys(files).flatMap((path) => {
  const [, order, id, language] = /^\.\/(\d\d)-([a-z0-9-]+)\.(en|zh)\.md$/.exec(path) ?? [];
  return order === undefined || id === undefined || language === undefined
    ? []
    : [{ path, order, id, language }];
});

/** Their ids, in the order of the workshop. */
export const LESSON_IDS: readonly string[] = named
  .filter(({ language }) => language === 'en')
  .sort((a, b) => Number(a.order) - Number(b.order))
  .map(({ id }) => id);

/** Undefined where there is none of that name. Rejects with a `LessonError` where the file is not well-formed. */
export async function findLesson(id: string, language: LessonLanguage): Promise<Lesson | undefined> {
  const file = named.find((one) => one.id === id && one.language === language);
  const load = file === undefined ? undefined : files[file.path];
  if (load === undefined) return undefined;
  const [{ parseLesson }, text] = await Promise.all([import('./parse-lesson.ts'), load()]);
  return parseLesson(text);
}
