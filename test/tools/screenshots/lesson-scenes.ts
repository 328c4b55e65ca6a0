// The lessons: their list, each before it is tried, and each passed.

import type { Page } from 'playwright-core';
import { press, untilStep } from './stage.ts';
import type { Scenes } from './stage.ts';

/** What a reader does in each lesson that is simulated, until it is passed. */
const SIMULATED: Readonly<
  Record<string, { readonly predict: string | number; readonly set?: Readonly<Record<string, string>> }>
> = {
  zombie: { predict: 1000, set: { 'It freezes for (ms)': '3000' } },
  'split-brain': { predict: 'One side trains on, the other waits', set: { 'Who may go on': 'majority' } },
  'out-of-memory': { predict: 'The others wait for it', set: { 'Memory is short for (ms)': '2000' } },
  timeouts: {
    predict: 12_000,
    set: {
      'Suspicion: silence (ms)': '800',
      'Collective: no progress (ms)': '1000',
      'Regroup: given up (ms)': '2000',
    },
  },
  'torn-checkpoint': { predict: 60, set: { 'A checkpoint every (steps)': '5' } },
  interval: { predict: 50, set: { 'A checkpoint every (steps)': '40' } },
  race: { predict: 'They can wait for each other for ever' },
};

async function predict(page: Page, answer: string | number): Promise<void> {
  if (typeof answer === 'string') await page.getByLabel(answer).check();
  else await page.locator('.lesson-ask input').fill(String(answer));
  await press(page, 'That is my prediction');
}

async function openLesson(page: Page, id: string): Promise<void> {
  await page.goto(new URL(`lessons.html?engine=cpu#${id}`, page.url()).href);
  await page.getByRole('button', { name: 'That is my prediction' }).waitFor();
}

export const LESSON_SCENES: Scenes = {
  async lessons(stage) {
    const page = await stage.open('lessons.html?engine=cpu');
    await page.getByText('0 of 8 passed').waitFor();
    await stage.take(page, 'lessons');
    for (const id of ['all-reduce', ...Object.keys(SIMULATED)]) {
      await openLesson(page, id);
      await stage.take(page, `lesson-${id}`);
    }
  },
  async 'lessons-passed'(stage) {
    const page = await stage.open('lessons.html?engine=cpu');
    for (const [id, { predict: answer, set = {} }] of Object.entries(SIMULATED)) {
      await openLesson(page, id);
      await predict(page, answer);
      for (const [label, value] of Object.entries(set)) {
        const field = page.getByLabel(label);
        const isList = (await field.evaluate((element) => element.tagName)) === 'SELECT';
        await (isList ? field.selectOption(value) : field.fill(value));
      }
      await press(page, 'Run it');
      await page.getByText('Passed. Well done.').waitFor();
      await page.locator('.diagram-views canvas').first().waitFor();
      await stage.take(page, `lesson-${id}-passed`);
    }
    await page.goto(new URL('lessons.html?engine=cpu#', page.url()).href);
    await page.getByText('7 of 8 passed').waitFor();
    await stage.take(page, 'lessons-passed');
  },
  async 'lesson-live'(stage) {
    const page = await stage.open('lessons.html?engine=cpu#all-reduce');
    await predict(page, 'No step at all');
    await press(page, /^Start \d ranks$/);
    await untilStep(page, 5);
    await press(page, 'Kill Rank 2');
    await untilStep(page, 20);
    await stage.take(page, 'lesson-all-reduce-live');
    await untilStep(page, 62);
    await press(page, 'End and judge');
    await page.getByText('Passed. Well done.').waitFor();
    await stage.take(page, 'lesson-all-reduce-passed');
  },
};
