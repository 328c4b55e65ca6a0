// The history of a run: what a reader that polls sees, and what travels with a state.

import { describe, expect, test } from 'vitest';
import { createHistory, curve } from '../../../src/live/history.ts';
import type { History } from '../../../src/live/history.ts';

const fill = (history: History, from: number, to: number, loss = 1): void => {
  for (let step = from; step < to; step++) history.point({ step, loss, trainAccuracy: 0.5 });
};
const steps = (points: readonly { readonly step: number }[]): readonly number[] =>
  points.map(({ step }) => step);

describe('a history', () => {
  test('gives a reader that goes on from `next` each point once', () => {
    const history = createHistory();
    fill(history, 0, 3);
    const first = history.read(0);
    expect(steps(first.points)).toEqual([0, 1, 2]);
    fill(history, 3, 5);
    const second = history.read(first.next);
    expect(steps(second.points)).toEqual([3, 4]);
    expect(history.read(second.next).points).toEqual([]);
  });

  test('starts the curve anew from a step that was done again', () => {
    const history = createHistory();
    fill(history, 0, 4, 1);
    fill(history, 2, 4, 2);
    expect(curve(history.read(0).points).map(({ step, loss }) => [step, loss])).toEqual([
      [0, 1],
      [1, 1],
      [2, 2],
      [3, 2],
    ]);
  });

  test('takes over what came with a state, up to the state’s own step', () => {
    const donor = createHistory();
    fill(donor, 0, 10);
    donor.evaluation({ step: 5, accuracy: 0.8, loss: 0.4 });
    donor.evaluation({ step: 9, accuracy: 0.9, loss: 0.3 });
    const healed = createHistory();
    fill(healed, 0, 2, 7);
    const { next } = healed.read(0);
    healed.adopt(donor.notes(8), 8);
    expect(steps(healed.read(next).points)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(curve(healed.read(0).points).every(({ loss }) => loss === 1)).toBe(true);
    expect(healed.evaluations()).toEqual([{ step: 5, accuracy: 0.8, loss: 0.4 }]);
  });

  test('leaves out notes that are not well-formed', () => {
    const history = createHistory();
    fill(history, 0, 2);
    for (const notes of [{}, { metrics: 1 }, { metrics: { step: ['a'], loss: [], trainAccuracy: [] } }]) {
      history.adopt(notes, 100);
    }
    expect(steps(history.read(0).points)).toEqual([0, 1]);
  });

  test('stays small when it travels, and keeps its first and last point', () => {
    const history = createHistory();
    fill(history, 0, 50_000);
    const healed = createHistory();
    healed.adopt(history.notes(50_000), 50_000);
    const { points } = healed.read(0);
    expect(points.length).toBeLessThanOrEqual(2_000);
    expect([points[0]?.step, points.at(-1)?.step]).toEqual([0, 49_999]);
  });

  test('forgets its oldest points before it grows without bound, and tells readers where to go on', () => {
    const history = createHistory();
    fill(history, 0, 250_000);
    const { points, next } = history.read(0);
    expect(points.length).toBeLessThanOrEqual(100_000);
    expect(points.at(-1)?.step).toBe(249_999);
    expect(next).toBe(250_000);
    fill(history, 250_000, 250_001);
    expect(steps(history.read(next).points)).toEqual([250_000]);
  });

  test('keeps the newest word on the accuracy of each step', () => {
    const history = createHistory();
    history.evaluation({ step: 20, accuracy: 0.5, loss: 1 });
    history.evaluation({ step: 40, accuracy: 0.6, loss: 1 });
    history.evaluation({ step: 20, accuracy: 0.7, loss: 1 });
    expect(history.evaluations()).toEqual([
      { step: 20, accuracy: 0.7, loss: 1 },
      { step: 40, accuracy: 0.6, loss: 1 },
    ]);
  });
});
