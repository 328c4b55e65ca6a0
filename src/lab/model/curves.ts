// The curves of a run as columns, the shape that uPlot draws: read bit by bit from one rank, and started anew with another.

import type { EvaluationPoint, MetricPoint } from '../../live/api.ts';

export interface Curves {
  /** Index to ask the rank's history from next. */
  readonly next: number;
  /** Ascending. */
  readonly step: readonly number[];
  readonly loss: readonly number[];
  /** Exponential mean of the loss, which the eye follows. */
  readonly smoothLoss: readonly number[];
  readonly smoothAccuracy: readonly number[];
  readonly evaluations: readonly EvaluationPoint[];
}

export const NO_CURVES: Curves = {
  next: 0,
  step: [],
  loss: [],
  smoothLoss: [],
  smoothAccuracy: [],
  evaluations: [],
};

/** Weight of the newest point: about ten steps are seen at once. */
const NEWEST = 0.1;

/** A point whose step is not above the one before it starts the curve anew from there: the step was redone. */
export function extendCurves(
  curves: Curves,
  points: readonly MetricPoint[],
  evaluations: readonly EvaluationPoint[],
  next: number,
): Curves {
  if (points.length === 0 && sameEvaluations(curves.evaluations, evaluations)) {
    return curves.next === next ? curves : { ...curves, next };
  }
  const step = [...curves.step];
  const loss = [...curves.loss];
  const smoothLoss = [...curves.smoothLoss];
  const smoothAccuracy = [...curves.smoothAccuracy];
  for (const point of points) {
    while ((step.at(-1) ?? -1) >= point.step) {
      for (const column of [step, loss, smoothLoss, smoothAccuracy]) column.pop();
    }
    step.push(point.step);
    loss.push(point.loss);
    smoothLoss.push(smooth(smoothLoss.at(-1), point.loss));
    smoothAccuracy.push(smooth(smoothAccuracy.at(-1), point.trainAccuracy));
  }
  return { next, step, loss, smoothLoss, smoothAccuracy, evaluations };
}

const smooth = (before: number | undefined, value: number): number =>
  before === undefined ? value : before + NEWEST * (value - before);

const sameEvaluations = (a: readonly EvaluationPoint[], b: readonly EvaluationPoint[]): boolean =>
  a.length === b.length && a.at(-1)?.step === b.at(-1)?.step && a[0]?.step === b[0]?.step;
