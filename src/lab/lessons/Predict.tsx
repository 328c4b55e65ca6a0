// The prediction of a lesson: asked before the run, held against what came of it after.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { Icon } from '../view/icons.tsx';
import { Panel } from '../view/Panel.tsx';
import { holdAll } from './condition.ts';
import { lessonWords } from './lesson-words.ts';
import type { Lesson } from './lesson.ts';
import type { Measures } from './metrics.ts';
import type { Predicted } from './progress.ts';
import type { Session } from './session.ts';

export function Predict({ session }: { readonly session: Session }): JSX.Element {
  const { predicted, outcome, isRunning } = session;
  const lesson = session.lesson.value;
  const { predict } = lesson;
  const made = predicted.value;
  const found = outcome.value;
  return (
    <Panel name="lesson-predict" title={lessonWords.predict.title} about={lessonWords.predict.about}>
      <p class="lesson-question" lang={lesson.language}>
        {predict.question}
      </p>
      {made === undefined ? (
        <Ask session={session} />
      ) : (
        <div class="lesson-predicted">
          <dl>
            <dt>{lessonWords.predict.mine}</dt>
            <dd>{saidText(lesson, made)}</dd>
            {found !== undefined && (
              <>
                <dt>{lessonWords.predict.happened}</dt>
                <dd>{happenedText(lesson, found.measures)}</dd>
              </>
            )}
          </dl>
          {found === undefined ? (
            <button
              type="button"
              class="button small"
              disabled={isRunning.value}
              onClick={() => {
                session.predict(undefined);
              }}
            >
              {lessonWords.predict.change}
            </button>
          ) : (
            <p role="status">
              <b>{comparison(lesson, made, found.measures)}</b>
            </p>
          )}
        </div>
      )}
    </Panel>
  );
}

function Ask({ session }: { readonly session: Session }): JSX.Element {
  const { predict, language } = session.lesson.value;
  const problem = useSignal('');
  const submit = (form: HTMLFormElement): void => {
    const answer = new FormData(form).get('answer');
    problem.value = typeof answer === 'string' && answer !== '' ? '' : lessonWords.predict.missing;
    if (problem.value !== '') return;
    const value = Number(answer);
    session.predict('choices' in predict ? { kind: 'choice', choice: value } : { kind: 'number', value });
  };
  return (
    <form
      class="lesson-ask"
      onSubmit={(event) => {
        event.preventDefault();
        submit(event.currentTarget);
      }}
    >
      {'choices' in predict ? (
        <fieldset lang={language}>
          <legend class="sr-only">{predict.question}</legend>
          {predict.choices.map(({ says }, i) => (
            <label key={i} class="choice">
              <input type="radio" name="answer" value={String(i)} />
              <span>{says}</span>
            </label>
          ))}
        </fieldset>
      ) : (
        <label class="field">
          <span>
            {lessonWords.predict.range(predict.number.least, predict.number.most, predict.number.unit)}
          </span>
          <input
            class="select numeric"
            type="number"
            name="answer"
            step="any"
            required
            min={predict.number.least}
            max={predict.number.most}
          />
        </label>
      )}
      <p class="lesson-problem" role="alert">
        {problem.value}
      </p>
      <button type="submit" class="button primary">
        <Icon name="check" />
        {lessonWords.predict.save}
      </button>
    </form>
  );
}

/** The first choice whose conditions hold. */
const cameTrue = ({ predict }: Lesson, measures: Measures): number =>
  'choices' in predict ? predict.choices.findIndex(({ when }) => holdAll(when, measures)) : -1;

function saidText({ predict }: Lesson, made: Predicted): string {
  if (made.kind === 'choice')
    return ('choices' in predict ? predict.choices[made.choice]?.says : undefined) ?? lessonWords.goal.none;
  return 'number' in predict ? `${made.value} ${predict.number.unit}`.trim() : String(made.value);
}

function happenedText(lesson: Lesson, measures: Measures): string {
  const { predict } = lesson;
  if ('choices' in predict)
    return predict.choices[cameTrue(lesson, measures)]?.says ?? lessonWords.predict.neither;
  const { metric, scale, unit } = predict.number;
  const value = measures.values[metric];
  // In the unit that was asked for, so that the two can be compared.
  return value === undefined
    ? lessonWords.goal.none
    : `${Number((value / scale).toPrecision(4))} ${unit}`.trim();
}

/** Nearer than this, in either direction, a number counts as predicted. */
const NEAR = 1.5;

function comparison(lesson: Lesson, made: Predicted, measures: Measures): string {
  const { right, wrong, near, off } = lessonWords.predict;
  const { predict } = lesson;
  if (made.kind === 'choice') return cameTrue(lesson, measures) === made.choice ? right : wrong;
  if (!('number' in predict)) return wrong;
  const measured = measures.values[predict.number.metric];
  if (measured === undefined) return wrong;
  const found = measured / predict.number.scale;
  if (found === made.value) return right;
  const factor = Math.max(found, made.value) / Math.min(found, made.value);
  if (!Number.isFinite(factor) || factor < 0) return wrong;
  return factor <= NEAR ? near : off(factor.toPrecision(2));
}
