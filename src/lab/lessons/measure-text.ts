// A measured value as a person reads it, in the unit of its metric.

import { percent, span } from '../format.ts';
import type { Condition } from './condition.ts';
import { lessonWords } from './lesson-words.ts';
import type { Measures, Metric } from './metrics.ts';

const IN_MS: ReadonlySet<Metric> = new Set<Metric>(['recoverMs', 'doneMs']);

export function valueText(metric: Metric, value: number | undefined): string {
  if (value === undefined) return lessonWords.goal.none;
  if (metric === 'goodput') return percent(value);
  return IN_MS.has(metric) ? span(value) : String(value);
}

/** What was found for a condition. */
export const foundText = (condition: Condition, { verdict, values }: Measures): string =>
  condition.kind === 'verdict'
    ? lessonWords.verdicts[verdict]
    : valueText(condition.metric, values[condition.metric]);

export const conditionText = (condition: Condition): string =>
  condition.kind === 'verdict'
    ? lessonWords.condition(lessonWords.run.verdict, lessonWords.verdicts[condition.verdict])
    : lessonWords.condition(
        lessonWords.metrics[condition.metric],
        `${lessonWords.comparisons[condition.is]} ${valueText(condition.metric, condition.value)}`,
      );
