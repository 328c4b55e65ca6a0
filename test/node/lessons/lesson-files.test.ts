// The eight lessons themselves: both languages alike, and each goal reached by the run that the lesson names.

import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { holdAll } from '../../../src/lab/lessons/condition.ts';
import type { Lesson } from '../../../src/lab/lessons/lesson.ts';
import { LESSON_IDS } from '../../../src/lab/lessons/library.ts';
import { parseMarkdown, type Block } from '../../../src/lab/lessons/markdown.ts';
import { keepMeasures, METRICS, type Measures } from '../../../src/lab/lessons/metrics.ts';
import { parseLesson } from '../../../src/lab/lessons/parse-lesson.ts';
import {
  experimentOf,
  liveJob,
  scheduleOf,
  usualChoices,
  withChoices,
  type Choices,
} from '../../../src/lab/lessons/settings.ts';
import { runExperiment } from '../../../src/simulator/swarm.ts';

const FOLDER = fileURLToPath(new URL('../../../src/lab/lessons/', import.meta.url));
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.md'));
const read = (name: string): Lesson => parseLesson(readFileSync(FOLDER + name, 'utf8'));
const english = files.filter((name) => name.endsWith('.en.md')).sort();

/** What is written for the page and not for a reader: everything but words. */
function structureOf({ body, ...front }: Lesson): unknown {
  const { title: _title, idea: _idea, language: _language, predict, settings, ...rest } = front;
  return {
    ...rest,
    predict: 'choices' in predict ? predict.choices.map(({ when }) => when) : predict.number,
    settings: settings.map(({ label: _label, ...setting }) =>
      'options' in setting ? { ...setting, options: setting.options.map(({ value }) => value) } : setting,
    ),
    blocks: parseMarkdown(body).map(shapeOf),
  };
}

const shapeOf = (block: Block): unknown =>
  block.kind === 'list'
    ? [block.kind, block.ordered, block.items.length]
    : block.kind === 'table'
      ? [block.kind, block.head.length, block.rows.length]
      : block.kind === 'heading'
        ? [block.kind, block.level]
        : block.kind;

test('there are eight lessons, in the order of the workshop, each in English and in Chinese', () => {
  expect(LESSON_IDS).toEqual([
    'all-reduce',
    'zombie',
    'split-brain',
    'out-of-memory',
    'timeouts',
    'torn-checkpoint',
    'interval',
    'race',
  ]);
  expect([...files].sort()).toEqual(
    english.flatMap((name) => [name, name.replace('.en.md', '.zh.md')]).sort(),
  );
});

describe.each(english)('%s', (name) => {
  const lesson = read(name);
  const chinese = read(name.replace('.en.md', '.zh.md'));

  test('is named in its file, and its two languages have the same structure', () => {
    expect(name).toMatch(new RegExp(`^\\d\\d-${lesson.id}\\.en\\.md$`));
    expect([lesson.language, chinese.language]).toEqual(['en', 'zh-Hans']);
    expect(structureOf(chinese)).toEqual(structureOf(lesson));
    expect(chinese.title).toMatch(/\p{Script=Han}/u);
  });

  test('holds a budget in numbers', () => {
    expect(lesson.goal.some((condition) => condition.kind === 'metric')).toBe(true);
  });
});

function measured(lesson: Lesson, set: Choices): Measures {
  const run = withChoices(lesson.run, { ...usualChoices(lesson.settings), ...set });
  if (run.world !== 'simulator') throw new Error(`${lesson.id} is not simulated`);
  const experiment = experimentOf(run);
  const keeper = keepMeasures(experiment.steps, 0);
  const { verdict, invariant } = runExperiment(experiment, {
    onRecord: (record) => keeper.observe(record),
    onStrike: (_strike, at) => keeper.struck(at),
  });
  return keeper.measures(verdict, invariant === undefined ? 0 : 1);
}

describe('the goal of a simulated lesson is missed as the lesson stands, and reached with', () => {
  const answers: Readonly<Record<string, Choices>> = {
    '02-zombie': { forMs: 3000 },
    '03-split-brain': { quorum: 'majority' },
    '04-out-of-memory': { forMs: 2000 },
    '05-timeouts': { suspicionMs: 800, collectiveMs: 1000, regroupMs: 2000 },
    '06-torn-checkpoint': { checkpointEvery: 5 },
    '07-interval': { checkpointEvery: 40 },
  };
  const simulated = english.filter((name) => read(name).run.world === 'simulator');

  test('an answer for each of them', () => {
    expect(simulated.map((name) => name.replace('.en.md', ''))).toEqual(Object.keys(answers));
  });

  test.each(Object.entries(answers))('%s: %o', (name, set) => {
    const lesson = read(`${name}.en.md`);
    const asItStands = measured(lesson, {});
    expect(holdAll(lesson.goal, asItStands)).toBe(false);
    expect(holdAll(lesson.goal, measured(lesson, set))).toBe(true);
    // The prediction can be held against what happened.
    if ('choices' in lesson.predict)
      expect(lesson.predict.choices.some(({ when }) => holdAll(when, asItStands))).toBe(true);
    else expect(asItStands.values[lesson.predict.number.metric]).toBeDefined();
  });
});

test('the lesson that the documentation shows can be run, and every metric is explained there', () => {
  const docs = readFileSync(new URL('../../../docs/lessons.md', import.meta.url), 'utf8');
  const [, shown = ''] = /```markdown\n([\s\S]*?)```/.exec(docs) ?? [];
  const lesson = parseLesson(shown);
  expect(holdAll(lesson.goal, measured(lesson, {}))).toBe(false);
  expect(holdAll(lesson.goal, measured(lesson, { forMs: 1000 }))).toBe(true);
  for (const metric of METRICS) expect(docs).toContain(`\`${metric}\``);
});

test('the job and the schedule of a live lesson are sound', () => {
  for (const name of english) {
    const { run } = read(name);
    if (run.world !== 'live') continue;
    expect(liveJob(run).steps).toBe(run.steps);
    expect(scheduleOf(run).faults).toHaveLength(run.faults.length);
  }
});

test('deadlines out of order are refused with the inequality that does not hold', () => {
  expect(() => measured(read('05-timeouts.en.md'), { collectiveMs: 7000 })).toThrow(
    'collectiveMs < regroupMs does not hold: 7000 and 6000.',
  );
});
