import { expect, test } from 'vitest';
import { createEvaluator } from '../../../src/live/evaluator.ts';
import type { EvaluationPoint } from '../../../src/live/api.ts';
import { trainStep } from '../../support/engine.ts';
import { SMALL_JOB, smallEngine } from './small-job.ts';

const INPUTS = Float32Array.of(0.1, 0.2, 0.3, 0.4);

test('predictions come from the state that is named, also with accuracy measured on others in between', async () => {
  const trained = smallEngine(SMALL_JOB);
  const first = await trained.exportState();
  await trainStep(trained, 0);
  const second = await trained.exportState();
  const expected = await trained.predict({ inputs: INPUTS, position: 0 });

  const evaluator = createEvaluator(async (job) => smallEngine(job), expect.unreachable);
  const measured = new Promise<EvaluationPoint>((resolve) => {
    evaluator.evaluate(SMALL_JOB, first, resolve);
  });
  const request = { inputs: INPUTS, position: 0 };
  const predictions = [
    evaluator.predict(SMALL_JOB, second, request),
    evaluator.predict(SMALL_JOB, first, request),
    evaluator.predict(SMALL_JOB, second, request),
  ];
  const [one, other, again] = await Promise.all(predictions);
  expect(one).toEqual(expected);
  expect(again).toEqual(expected);
  expect(other).not.toEqual(expected);
  expect((await measured).step).toBe(0);
  evaluator.destroy();
});

test('of snapshots that wait, the newest alone is measured; a bad request costs nobody else an answer', async () => {
  const evaluator = createEvaluator(async (job) => smallEngine(job), expect.unreachable);
  const state = await smallEngine(SMALL_JOB).exportState();
  const points: EvaluationPoint[] = [];
  const bad = evaluator.predict(SMALL_JOB, state, { inputs: INPUTS.slice(1), position: 0 });
  const newest = new Promise<void>((resolve) => {
    evaluator.evaluate(SMALL_JOB, { ...state, step: 1 }, (point) => points.push(point));
    evaluator.evaluate(SMALL_JOB, { ...state, step: 2 }, (point) => {
      points.push(point);
      resolve();
    });
  });
  await expect(bad).rejects.toThrow(/Predictions are asked/u);
  await newest;
  expect(points.map(({ step }) => step)).toEqual([2]);
  evaluator.destroy();
  await expect(evaluator.predict(SMALL_JOB, state, { inputs: INPUTS, position: 0 })).rejects.toThrow(/gone/u);
});
