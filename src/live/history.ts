// The history of a run: loss and accuracy by step, what a reader of it sees, and what travels with a state.
//
// Readers poll with an index, so the history is only ever appended to. A point whose step is not above the one before it
// starts the curve anew from that step: a step was redone, or a donor's history replaced our own.

import * as v from 'valibot';
import type { CheckpointNotes } from '../ports/store.ts';
import type { EvaluationPoint, MetricPoint } from './api.ts';

const MAX_POINTS = 100_000;
const DROPPED_AT_ONCE = 10_000;
const MAX_EVALUATIONS = 2_000;
/** Points that travel with a state: more than a screen has columns, and less than 100 kB. */
const MAX_NOTED = 2_000;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const column = v.pipe(v.array(v.number()), v.maxLength(MAX_NOTED));
const steps = v.pipe(v.array(count), v.maxLength(MAX_NOTED));

/** Columns of numbers, which JSON writes in a fifth of the space of objects. */
const NotesSchema = v.object({
  metrics: v.object({ step: steps, loss: column, trainAccuracy: column }),
  evaluations: v.object({ step: steps, accuracy: column, loss: column }),
});

export interface History {
  /** A step was applied. */
  point(point: MetricPoint): void;
  evaluation(point: EvaluationPoint): void;
  /** What is known from index `from` on, and the index to ask for next. */
  read(from: number): { readonly points: readonly MetricPoint[]; readonly next: number };
  evaluations(): readonly EvaluationPoint[];
  /** What was measured up to `step`, thinned out to what a curve needs. */
  notes(step: number): CheckpointNotes;
  /** Takes over what came with a state of `step` updates. Notes from elsewhere: what is not well-formed is left out. */
  adopt(notes: CheckpointNotes, step: number): void;
}

export function createHistory(): History {
  let points: MetricPoint[] = [];
  /** Index of `points[0]`. */
  let offset = 0;
  let evaluated: EvaluationPoint[] = [];

  const append = (point: MetricPoint): void => {
    points.push(point);
    if (points.length > MAX_POINTS) {
      points = points.slice(DROPPED_AT_ONCE);
      offset += DROPPED_AT_ONCE;
    }
  };

  const addEvaluation = (point: EvaluationPoint): void => {
    const others = evaluated.filter((known) => known.step !== point.step);
    evaluated = [...others, point].sort((x, y) => x.step - y.step).slice(-MAX_EVALUATIONS);
  };

  return {
    point: append,
    evaluation: addEvaluation,
    read(from) {
      const start = Math.max(0, Math.trunc(from) - offset);
      return { points: points.slice(start), next: offset + points.length };
    },
    evaluations: () => evaluated,
    notes(step) {
      const metrics = thin(curve(points).filter((point) => point.step <= step));
      const evaluations = thin(evaluated.filter((point) => point.step <= step));
      return {
        metrics: {
          step: metrics.map((point) => point.step),
          loss: metrics.map((point) => point.loss),
          trainAccuracy: metrics.map((point) => point.trainAccuracy),
        },
        evaluations: {
          step: evaluations.map((point) => point.step),
          accuracy: evaluations.map((point) => point.accuracy),
          loss: evaluations.map((point) => point.loss),
        },
      };
    },
    adopt(notes, step) {
      const parsed = v.safeParse(NotesSchema, notes);
      if (!parsed.success) return;
      const { metrics, evaluations } = parsed.output;
      metrics.step.forEach((at, i) => {
        const loss = metrics.loss[i];
        const trainAccuracy = metrics.trainAccuracy[i];
        if (loss === undefined || trainAccuracy === undefined || at > step) return;
        append({ step: at, loss, trainAccuracy });
      });
      evaluated = [];
      evaluations.step.forEach((at, i) => {
        const accuracy = evaluations.accuracy[i];
        const loss = evaluations.loss[i];
        if (accuracy === undefined || loss === undefined || at > step) return;
        addEvaluation({ step: at, accuracy, loss });
      });
    },
  };
}

/** The curve that an append-only history draws: steps ascending, the latest word on each. */
export function curve(points: readonly MetricPoint[]): MetricPoint[] {
  const kept: MetricPoint[] = [];
  for (const point of points) {
    while ((kept.at(-1)?.step ?? -1) >= point.step) kept.pop();
    kept.push(point);
  }
  return kept;
}

/** Every k-th item, and the last. */
function thin<T>(items: readonly T[]): readonly T[] {
  if (items.length <= MAX_NOTED) return items;
  const stride = Math.ceil(items.length / (MAX_NOTED - 1));
  return items.filter((_, i) => i % stride === 0 || i === items.length - 1);
}
