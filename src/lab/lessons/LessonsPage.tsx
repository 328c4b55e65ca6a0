// The lessons' page: the list, or the lesson that the address names behind its #, or one that somebody brings as a file.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { sentenceIn } from '../lab-error.ts';
import { language } from '../language/language.ts';
import { Mark } from '../view/Header.tsx';
import { Switches } from '../view/Switches.tsx';
import { words } from '../words.ts';
import { lessonWords } from './lesson-words.ts';
import type { Lesson } from './lesson.ts';
import { findLesson, LESSON_IDS, lessonLanguage } from './library.ts';
import { LessonList } from './LessonList.tsx';
import { LessonView } from './LessonView.tsx';
import { followProgress, type Progress } from './progress.ts';

const NOTICE_MS = 5000;
/** What a file is held under behind the #, so that going back leads to the list. */
const OWN = 'your-file';

const named = (): string => location.hash.replace(/^#/, '');

export function LessonsPage({ frames }: { readonly frames: HTMLElement }): JSX.Element {
  const lessons = useSignal<readonly Lesson[] | undefined>(undefined);
  const own = useSignal<Lesson | undefined>(undefined);
  /** How many files were brought: each is worked on anew. */
  const brought = useSignal(0);
  const progress = useSignal<Progress>(new Map());
  const place = useSignal(named());
  const problem = useSignal<string | undefined>(undefined);
  const notice = useSignal('');
  const spoken = language.value;

  useEffect(() => followProgress((found) => (progress.value = found)), []);
  // At once, not after the next frame: an address that changes until then would be missed.
  useLayoutEffect(() => {
    const go = (): void => {
      place.value = named();
      problem.value = undefined;
      scrollTo({ top: 0 });
    };
    window.addEventListener('hashchange', go);
    return () => {
      window.removeEventListener('hashchange', go);
    };
  }, []);
  useEffect(() => {
    let isOver = false;
    Promise.all(LESSON_IDS.map((id) => findLesson(id, lessonLanguage(spoken))))
      .then((found) => {
        if (!isOver) lessons.value = found.flatMap((lesson) => lesson ?? []);
      })
      .catch((error: unknown) => {
        problem.value = lessonWords.failed(sentenceIn(error));
      });
    return () => {
      isOver = true;
    };
  }, [spoken]);

  const bring = async (file: File): Promise<void> => {
    problem.value = undefined;
    try {
      const { MAX_LESSON, parseLesson } = await import('./parse-lesson.ts');
      if (file.size > 4 * MAX_LESSON)
        throw new Error(lessonWords.own.tooLarge(file.name, Math.round(MAX_LESSON / 1024)));
      own.value = parseLesson(await file.text());
      brought.value += 1;
      location.hash = OWN;
      place.value = OWN;
    } catch (error) {
      problem.value = sentenceIn(error);
    }
  };
  const say = (text: string): void => {
    notice.value = text;
    setTimeout(() => {
      if (notice.value === text) notice.value = '';
    }, NOTICE_MS);
  };

  const all = lessons.value;
  const at = all?.findIndex(({ id }) => id === place.value) ?? -1;
  const lesson = place.value === OWN ? own.value : all?.[at];
  useEffect(() => {
    document.title = `${lesson?.title ?? lessonWords.title} · ${words.name}`;
  }, [lesson, spoken]);

  return (
    <div
      onDragOver={(event) => {
        event.preventDefault();
      }}
      onDrop={(event) => {
        event.preventDefault();
        const file = event.dataTransfer?.files[0];
        if (file !== undefined) void bring(file);
      }}
    >
      <Head isLesson={lesson !== undefined} />
      {all === undefined ? (
        <main class="lessons">
          <h1 class="sr-only">{lessonWords.title}</h1>
          <p role="status">{problem.value ?? lessonWords.loading}</p>
        </main>
      ) : lesson === undefined ? (
        <LessonList
          lessons={all}
          progress={progress.value}
          bring={(file) => void bring(file)}
          problem={
            problem.value ??
            (['', OWN].includes(place.value) ? undefined : lessonWords.unknown(place.value.slice(0, 40)))
          }
        />
      ) : (
        <LessonView
          key={at < 0 ? `${OWN} ${brought.value}` : lesson.id}
          lesson={lesson}
          next={at < 0 ? undefined : all[at + 1]}
          frames={frames}
          isKept={at >= 0 || !LESSON_IDS.includes(lesson.id)}
          say={say}
        />
      )}
      <p class="toast" role="status" data-shown={notice.value !== ''}>
        {notice.value}
      </p>
    </div>
  );
}

const Head = ({ isLesson }: { readonly isLesson: boolean }): JSX.Element => (
  <header class="header lessons-header">
    <div class="header-row">
      <span class="brand">
        <Mark />
        {words.name}
      </span>
      {isLesson && (
        <a class="button small" href="#">
          {lessonWords.all}
        </a>
      )}
      <a class="button small ghost" href="./">
        {lessonWords.toLab}
      </a>
      <Switches />
    </div>
  </header>
);
