// What the class predicted in the lessons, as a histogram: of a choice by its answers, of a number by few bins.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { LessonPrediction } from '../../live/classroom/messages.ts';
import { Bars } from '../classroom/Bars.tsx';
import { language } from '../language/language.ts';
import { binsOf } from '../lessons/histogram.ts';
import { findLesson, LESSON_IDS, lessonLanguage } from '../lessons/library.ts';
import type { Lesson } from '../lessons/lesson.ts';
import { Panel } from '../view/Panel.tsx';
import type { Console } from './console.ts';
import { consoleWords } from './console-words.ts';

export function Predictions({ console }: { readonly console: Console }): JSX.Element {
  const own = consoleWords.predictions;
  const chosen = useSignal<string | undefined>(undefined);
  const lessons = useSignal<ReadonlyMap<string, Lesson>>(new Map());
  const made = console.roster.value.participants.flatMap(({ report }) => report?.predictions ?? []);
  const ids = [...new Set(made.map(({ lesson }) => lesson))].sort((a, b) => placeOf(a) - placeOf(b));
  // Until the instructor chooses: the lesson that the class has come to.
  const id = chosen.value ?? ids.at(-1);
  const spoken = language.value;
  useEffect(() => {
    let isOver = false;
    void Promise.all(ids.map((one) => findLesson(one, lessonLanguage(spoken)).catch(() => undefined))).then(
      (found) => {
        if (!isOver)
          lessons.value = new Map(found.flatMap((one) => (one === undefined ? [] : [[one.id, one]])));
      },
    );
    return () => {
      isOver = true;
    };
  }, [ids.join(), spoken]);
  const lesson = id === undefined ? undefined : lessons.value.get(id);
  const of = made.filter((one) => one.lesson === id);
  return (
    <Panel name="predictions" title={own.title} about={own.about}>
      {id === undefined ? (
        <p class="empty">{own.empty}</p>
      ) : (
        <>
          <label class="field wide">
            <span>{own.which}</span>
            <select
              class="select"
              value={id}
              onChange={(event) => {
                chosen.value = event.currentTarget.value;
              }}
            >
              {ids.map((one) => (
                <option key={one} value={one}>
                  {lessons.value.get(one)?.title ?? one}
                </option>
              ))}
            </select>
          </label>
          {lesson !== undefined && <h3>{lesson.predict.question}</h3>}
          <Histogram predictions={of} lesson={lesson} />
          <p class="muted" role="status">
            {own.count(of.length)}
          </p>
        </>
      )}
    </Panel>
  );
}

/** Lessons in the order of the workshop, then those that somebody brought. */
function placeOf(id: string): number {
  const place = LESSON_IDS.indexOf(id);
  return place < 0 ? LESSON_IDS.length : place;
}

interface HistogramProps {
  readonly predictions: readonly LessonPrediction[];
  /** Undefined: one that somebody brought, whose words this page does not have. */
  readonly lesson: Lesson | undefined;
}

function Histogram({ predictions, lesson }: HistogramProps): JSX.Element {
  const own = consoleWords.predictions;
  const predict = lesson?.predict;
  const choices = predictions.flatMap((one) => (one.kind === 'choice' ? [one.choice] : []));
  if (choices.length > 0) {
    const says = predict !== undefined && 'choices' in predict ? predict.choices : [];
    const answers = Math.max(says.length, ...choices.map((choice) => choice + 1));
    return (
      <Bars
        choices={Array.from({ length: answers }, (_, i) => says[i]?.says ?? own.answer(i + 1))}
        counts={Array.from({ length: answers }, (_, i) => choices.filter((choice) => choice === i).length)}
      />
    );
  }
  const bins = binsOf(predictions.flatMap((one) => (one.kind === 'number' ? [one.value] : [])));
  const unit = predict !== undefined && 'number' in predict ? predict.number.unit : '';
  return (
    <Bars
      choices={bins.map(({ low, high }) => `${own.between(String(low), String(high))} ${unit}`.trim())}
      counts={bins.map(({ count }) => count)}
    />
  );
}
