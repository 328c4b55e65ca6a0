// Conditions on a run, as a lesson writes them: `goodput >= 0.9`, `lostSteps = 0`, `verdict = held`. A small closed vocabulary.

import { METRICS, VERDICTS, type LessonVerdict, type Measures, type Metric } from './metrics.ts';

const COMPARISONS = ['>=', '<=', '=', '>', '<'] as const;
export type Comparison = (typeof COMPARISONS)[number];

export type Condition =
  | { readonly kind: 'metric'; readonly metric: Metric; readonly is: Comparison; readonly value: number }
  | { readonly kind: 'verdict'; readonly verdict: LessonVerdict };

const FORM = /^\s*([A-Za-z]+)\s*(>=|<=|=|>|<)\s*([A-Za-z]+|\d{1,9}(?:\.\d{1,6})?)\s*$/;

/** How a condition is spelled, for whoever got it wrong. */
export const CONDITION_SPELLING = `a condition such as "goodput >= 0.9", of ${METRICS.join(', ')}, with >=, <=, =, > or <; or "verdict = ${VERDICTS.join(' | ')}"`;

/** Undefined where it is not well-formed. */
export function parseCondition(text: string): Condition | undefined {
  const [, name = '', sign = '', value = ''] = FORM.exec(text) ?? [];
  if (name === 'verdict') {
    const verdict = VERDICTS.find((known) => known === value);
    return verdict === undefined || sign !== '=' ? undefined : { kind: 'verdict', verdict };
  }
  const metric = METRICS.find((known) => known === name);
  const is = COMPARISONS.find((known) => known === sign);
  if (metric === undefined || is === undefined || !/^\d/.test(value)) return undefined;
  return { kind: 'metric', metric, is, value: Number(value) };
}

export function formatCondition(condition: Condition): string {
  return condition.kind === 'verdict'
    ? `verdict = ${condition.verdict}`
    : `${condition.metric} ${condition.is} ${condition.value}`;
}

/** A metric that the run has no value for meets no condition. */
export function holds(condition: Condition, { verdict, values }: Measures): boolean {
  if (condition.kind === 'verdict') return condition.verdict === verdict;
  const found = values[condition.metric];
  return found !== undefined && compare(found, condition.is, condition.value);
}

export const holdAll = (conditions: readonly Condition[], measures: Measures): boolean =>
  conditions.every((condition) => holds(condition, measures));

function compare(found: number, is: Comparison, value: number): boolean {
  switch (is) {
    case '>=':
      return found >= value;
    case '<=':
      return found <= value;
    case '=':
      return found === value;
    case '>':
      return found > value;
    case '<':
      return found < value;
  }
}
