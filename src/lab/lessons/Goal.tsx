// The goal of a lesson: each condition with what was found, whether it is reached, and where to go from there.

import type { JSX } from 'preact';
import { Icon } from '../view/icons.tsx';
import { Panel } from '../view/Panel.tsx';
import { holdAll, holds } from './condition.ts';
import { lessonWords } from './lesson-words.ts';
import { conditionText, foundText, valueText } from './measure-text.ts';
import { METRICS } from './metrics.ts';
import type { Session } from './session.ts';

interface Props {
  readonly session: Session;
  readonly next: { readonly id: string; readonly title: string } | undefined;
}

export function Goal({ session, next }: Props): JSX.Element {
  const { outcome, room } = session;
  const { goal } = session.lesson.value;
  // While a live room trains, the newest reading stands here; it is judged at the end.
  const measures = outcome.value?.measures ?? room.value?.measures.value;
  const isJudged = outcome.value !== undefined;
  const isPassed = isJudged && holdAll(goal, outcome.value.measures);
  const named = new Set(goal.flatMap((one) => (one.kind === 'metric' ? [one.metric] : [])));
  return (
    <Panel name="lesson-goal" title={lessonWords.goal.title} about={lessonWords.goal.about}>
      <ul class="lesson-conditions">
        {goal.map((condition, i) => {
          const isMet = measures !== undefined && holds(condition, measures);
          // What a run has not reached yet, it may still reach.
          const state = isMet ? 'met' : isJudged ? 'missed' : 'open';
          return (
            <li key={i} data-state={state}>
              <span class="lesson-sign">
                {state === 'open' ? (
                  <span aria-hidden="true">·</span>
                ) : (
                  <Icon name={state === 'met' ? 'check' : 'cross'} />
                )}
              </span>
              <span>{conditionText(condition)}</span>
              {measures !== undefined && (
                <span class="lesson-found numeric">
                  <span class="sr-only">
                    {isMet ? lessonWords.goal.met : lessonWords.goal.missed}, {lessonWords.goal.found}{' '}
                  </span>
                  {foundText(condition, measures)}
                </span>
              )}
            </li>
          );
        })}
      </ul>
      <p class="lesson-verdict" role="status" data-passed={isPassed}>
        {!isJudged
          ? room.value === undefined
            ? lessonWords.goal.open
            : lessonWords.goal.running
          : isPassed
            ? lessonWords.goal.passed
            : lessonWords.goal.notYet}
      </p>
      {isJudged && (
        <details class="lesson-more">
          <summary>{lessonWords.goal.more}</summary>
          <dl>
            <dt>{lessonWords.run.verdict}</dt>
            <dd>
              {lessonWords.verdicts[outcome.value.measures.verdict]}
              {outcome.value.reason !== undefined && <>: {outcome.value.reason}</>}
            </dd>
            {METRICS.filter(
              (metric) => !named.has(metric) && outcome.value?.measures.values[metric] !== undefined,
            ).map((metric) => (
              <>
                <dt>{lessonWords.metrics[metric]}</dt>
                <dd class="numeric">{valueText(metric, outcome.value?.measures.values[metric])}</dd>
              </>
            ))}
          </dl>
        </details>
      )}
      {isPassed && (
        <p>
          <a class="button" href={next === undefined ? '#' : `#${next.id}`}>
            {next === undefined ? lessonWords.all : lessonWords.goal.next(next.title)}
          </a>
        </p>
      )}
    </Panel>
  );
}
