// What a reader has done, kept in the browser.

import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import fc from 'fast-check';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { binsOf } from '../../../src/lab/lessons/histogram.ts';
import {
  keepProgress,
  lessonsReport,
  readProgress,
  type LessonProgress,
} from '../../../src/lab/lessons/progress.ts';
import { ReportSchema } from '../../../src/live/classroom/messages.ts';

test('what is kept of a lesson is there again, and what somebody else wrote there is passed over', async () => {
  await keepProgress('zombie', (before) => ({ ...before, prediction: { kind: 'number', value: 1500 } }));
  await keepProgress('zombie', (before) => ({ ...before, runs: before.runs + 1, passedAt: 7 }));
  const database = await openDB('rankfall-lessons', 1);
  await database.put('lessons', { lesson: '<b>', runs: -1 }, 'bad');
  await database.put('lessons', 'nothing', 'worse');
  database.close();
  expect([...(await readProgress())]).toEqual([
    ['zombie', { lesson: 'zombie', runs: 1, passedAt: 7, prediction: { kind: 'number', value: 1500 } }],
  ]);
});

test('an instructor is told of no lessons before one was begun, then how many of the workshop are passed', () => {
  expect(lessonsReport(new Map(), ['zombie'])).toEqual({});
  const kept: readonly LessonProgress[] = [
    { lesson: 'own', runs: 1, passedAt: 1, prediction: { kind: 'choice', choice: 0 } },
    { lesson: 'zombie', runs: 2, passedAt: 2, prediction: { kind: 'number', value: 10 } },
    { lesson: 'race', runs: 2 },
  ];
  const report = lessonsReport(new Map(kept.map((one) => [one.lesson, one])), ['zombie', 'race']);
  expect(report).toEqual({
    lessons: { passed: 1, of: 2 },
    predictions: [
      { lesson: 'zombie', kind: 'number', value: 10 },
      { lesson: 'own', kind: 'choice', choice: 0 },
    ],
  });
  const { lessons, predictions } = ReportSchema.entries;
  expect(v.is(v.strictObject({ lessons, predictions }), report)).toBe(true);
});

test('a histogram holds every number in one bin of few', () => {
  expect(binsOf([])).toEqual([]);
  expect(binsOf([5])).toEqual([{ low: 5, high: 6, count: 1 }]);
  expect(binsOf([-5e-324, 0]).reduce((sum, { count }) => sum + count, 0)).toBe(2);
  expect(binsOf([1, 1 + Number.EPSILON]).reduce((sum, { count }) => sum + count, 0)).toBe(2);
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
      const bins = binsOf(values);
      expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
      expect(bins.length).toBeLessThanOrEqual(8);
    }),
  );
});
