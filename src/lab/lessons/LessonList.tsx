// All lessons in the order of the workshop, each with its idea and how far the reader is; and a place for one's own.

import type { JSX } from 'preact';
import { Icon } from '../view/icons.tsx';
import { lessonWords } from './lesson-words.ts';
import type { Lesson } from './lesson.ts';
import { passedOf, type Progress } from './progress.ts';

interface Props {
  readonly lessons: readonly Lesson[];
  readonly progress: Progress;
  readonly bring: (file: File) => void;
  readonly problem: string | undefined;
}

export function LessonList({ lessons, progress, bring, problem }: Props): JSX.Element {
  const ids = lessons.map(({ id }) => id);
  return (
    <main class="lessons">
      <div class="lessons-head">
        <h1>{lessonWords.title}</h1>
        <p class="muted">{lessonWords.about}</p>
        <p>
          <b>{lessonWords.passed(passedOf(progress, ids), ids.length)}</b>
        </p>
      </div>
      <ol class="lesson-list" aria-label={lessonWords.list}>
        {lessons.map((lesson, i) => (
          <Entry key={lesson.id} lesson={lesson} number={i + 1} state={stateOf(progress, lesson.id)} />
        ))}
      </ol>
      <section class="panel lesson-own" aria-labelledby="lesson-own-title">
        <h2 id="lesson-own-title">{lessonWords.own.title}</h2>
        <p class="muted">{lessonWords.own.about}</p>
        <p>
          <label class="button file-button">
            {lessonWords.own.open}
            <input
              type="file"
              class="sr-only"
              accept=".md,.markdown,text/markdown,text/plain"
              onChange={(event) => {
                const input = event.currentTarget;
                const file = input.files?.[0];
                if (file !== undefined) bring(file);
                // The same file again, after a change, is to be opened again.
                input.value = '';
              }}
            />
          </label>
        </p>
        {problem !== undefined && (
          <p class="lesson-problem" role="alert">
            {problem}
          </p>
        )}
      </section>
    </main>
  );
}

type State = keyof typeof lessonWords.states;

function stateOf(progress: Progress, id: string): State {
  const kept = progress.get(id);
  if (kept?.passedAt !== undefined) return 'passed';
  return kept === undefined || kept.runs === 0 ? 'fresh' : 'tried';
}

interface EntryProps {
  readonly lesson: Lesson;
  readonly number: number;
  readonly state: State;
}

const Entry = ({ lesson, number, state }: EntryProps): JSX.Element => (
  <li class="lesson-entry" data-state={state}>
    <a href={`#${lesson.id}`}>
      <span class="lesson-number" aria-hidden="true">
        {state === 'passed' ? <Icon name="check" /> : number}
      </span>
      <span class="lesson-entry-text">
        <b>{lesson.title}</b>
        <span>{lesson.idea}</span>
        <span class="muted">
          {lessonWords.states[state]} ·{' '}
          {lessonWords.facts(lessonWords.minutes(lesson.minutes), lessonWords.worlds[lesson.run.world])}
        </span>
      </span>
    </a>
  </li>
);
