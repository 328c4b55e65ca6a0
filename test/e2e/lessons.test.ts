/** Each lesson from start to passed, as people work on it: in a real browser, on a static build without any server of ours. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtPages } from '../../src/server/built-pages.ts';
import { flaws, violations } from './axe.ts';
import { openBrowser } from './frames.ts';
import type { Lab } from './frames.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STEP_MS = 60_000;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

let server: Server;
let lab: Lab;
beforeAll(async () => {
  const folder = await builtPages(ROOT, join(ROOT, 'vite.config.ts'));
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = join(folder, pathname === '/' ? 'index.html' : pathname);
    readFile(file).then(
      (body) => {
        response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
        response.end(body);
      },
      () => {
        response.writeHead(404).end();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  lab = await openBrowser(`http://localhost:${address.port}`);
});
afterAll(async () => {
  await lab.close();
  server.close();
});

const complaints: string[] = [];
async function open(hash: string): Promise<Page> {
  const page = await lab.context.newPage();
  page.setDefaultTimeout(STEP_MS);
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${lab.origin}/lessons.html?engine=cpu${hash}`);
  return page;
}

const say = async (page: Page, answer: string | number): Promise<void> => {
  if (typeof answer === 'string') await page.getByLabel(answer).check();
  else await page.locator('.lesson-ask input').fill(String(answer));
  await page.getByRole('button', { name: 'That is my prediction' }).click();
};

/** By the switch, until the lesson itself is there in it. */
async function speak(page: Page, language: 'en' | 'zh-Hans'): Promise<void> {
  await page.getByRole('button', { name: language === 'en' ? 'English' : '中文' }).click();
  await page.locator(`.lesson-head[lang="${language}"]`).waitFor();
}

const run = (page: Page) => page.getByRole('button', { name: /^(Run it|Run it again|Start \d ranks)$/ });

interface Walk {
  readonly predict: string | number;
  /** What the reader sets after the first run, which misses the goal. */
  readonly set?: readonly (readonly [label: string, value: string])[];
}

const SIMULATED: Readonly<Record<string, Walk>> = {
  zombie: { predict: 1000, set: [['It freezes for (ms)', '3000']] },
  'split-brain': { predict: 'One side trains on, the other waits', set: [['Who may go on', 'majority']] },
  'out-of-memory': { predict: 'The others wait for it', set: [['Memory is short for (ms)', '2000']] },
  timeouts: {
    predict: 12_000,
    set: [
      ['Suspicion: silence (ms)', '800'],
      ['Collective: no progress (ms)', '1000'],
      ['Regroup: given up (ms)', '2000'],
    ],
  },
  'torn-checkpoint': { predict: 60, set: [['A checkpoint every (steps)', '5']] },
  interval: { predict: 50, set: [['A checkpoint every (steps)', '40']] },
  race: { predict: 'They can wait for each other for ever' },
};

describe('each lesson is passed', () => {
  // One page, as a reader goes from lesson to lesson.
  let page: Page;
  beforeAll(async () => {
    page = await open('');
  });
  afterAll(() => page.close());

  test.each(Object.entries(SIMULATED))('%s, in the simulator', async (id, { predict, set }) => {
    await page.goto(`${lab.origin}/lessons.html?engine=cpu#${id}`);
    await say(page, predict);
    await run(page).click();
    if (set !== undefined) {
      await page.getByText('Not yet. Change something, and run it again.').waitFor();
      for (const [label, value] of set) {
        const field = page.getByLabel(label);
        if ((await field.evaluate((element) => element.tagName)) === 'SELECT')
          await field.selectOption(value);
        else await field.fill(value);
      }
      await run(page).click();
    }
    await page.getByText('Passed. Well done.').waitFor();
    await page.getByRole('application', { name: /^Space-time diagram/ }).waitFor();
    if (id === 'zombie') expect(await flaws(page)).toEqual([]);
    if (id !== 'race') return;
    // What was found is read in whatever language, without another hunt.
    await speak(page, 'zh-Hans');
    await page.locator('.diagram-failing').getByText('只要人数足够，每个节点都在训练').waitFor();
    await page.locator('.travel button').first().click();
    expect(await page.locator('.diagram-says').textContent()).toMatch(/\p{Script=Han}/u);
    await speak(page, 'en');
    await page.locator('.diagram-failing').getByText('everybody trains, if there are enough').waitFor();
  });

  test('is opened also by an address that changes as soon as the page is there', async () => {
    const early = await lab.context.newPage();
    await early.addInitScript(() => {
      const watch = new MutationObserver(() => {
        if (document.querySelector('main') === null) return;
        watch.disconnect();
        location.hash = 'zombie';
      });
      watch.observe(document, { childList: true, subtree: true });
    });
    await early.goto(`${lab.origin}/lessons.html?engine=cpu`);
    await early.locator('.lesson-ask').waitFor({ timeout: STEP_MS });
    await early.close();
  });

  test('all-reduce, in a live room: a rank is killed by hand, and the others go on, whatever language is read', async () => {
    await page.goto(`${lab.origin}/lessons.html?engine=cpu#all-reduce`);
    await say(page, 'No step at all');
    await run(page).click();
    await page.waitForFunction(() => Number(document.querySelector('.ring-step')?.textContent) >= 5);
    const frames = await page.locator('iframe').elementHandles();
    await speak(page, 'zh-Hans');
    await speak(page, 'en');
    expect(frames.length).toBeGreaterThan(1);
    // The very same frames: nothing was opened anew.
    for (const frame of frames) expect(await frame.evaluate((element) => element.isConnected)).toBe(true);
    await page.getByRole('button', { name: 'Kill Rank 2' }).click();
    await page.waitForFunction(() => Number(document.querySelector('.ring-step')?.textContent) >= 62);
    await page.getByRole('button', { name: 'End and judge' }).click();
    await page.getByText('Passed. Well done.').waitFor();
    await page.getByText('As you predicted.').waitFor();
    expect(await page.locator('iframe').count()).toBe(0);
    const told = async (): Promise<string | null> => {
      await page.locator('.travel button').first().click();
      return await page.locator('.diagram-says').textContent();
    };
    expect(await told()).not.toMatch(/\p{Script=Han}/u);
    // A run that nobody can run again is told again.
    await speak(page, 'zh-Hans');
    expect(await told()).toMatch(/\p{Script=Han}/u);
    expect(await page.locator('.lesson-verdict').getAttribute('data-passed')).toBe('true');
    await speak(page, 'en');
    expect(await told()).not.toMatch(/\p{Script=Han}/u);
  });

  test('and the list keeps it, in both languages', async () => {
    await page.goto(`${lab.origin}/lessons.html?engine=cpu#`);
    await page.getByText('8 of 8 passed').waitFor();
    expect(await flaws(page)).toEqual([]);
    await page.getByRole('button', { name: '中文' }).click();
    await page.getByText('已通过 8／8 课').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'English' }).click();
  });
});

describe('a lesson of somebody else', () => {
  const front = `id: mine
title: Mine
idea: One idea.
minutes: 5
predict: { question: How many?, number: { metric: committed, least: 0, most: 100 } }
run: { world: simulator, ranks: 3, steps: 20 }
goal: [committed = 20]`;
  const bring = (page: Page, text: string) =>
    page.locator('.lesson-own input').setInputFiles({
      name: 'mine.md',
      mimeType: 'text/markdown',
      buffer: Buffer.from(text),
    });

  test('is opened, run and passed; nothing of it runs, and nothing is loaded from elsewhere', async () => {
    const page = await open('');
    const foreign: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(lab.origin) && !request.url().startsWith('blob:'))
        foreign.push(request.url());
    });
    await bring(page, `---\n${front.replace('minutes: 5', 'minutes: soon')}\n---\n\nText.`);
    await page.getByText('The lesson is wrong at minutes: expected').waitFor();
    const evil =
      '![x](https://example.org/x.png) <img src="https://example.org/y.png" onerror="document.title=1">';
    await bring(page, `---\n${front}\n---\n\n${evil}`);
    await page.getByRole('heading', { name: 'Mine' }).waitFor();
    await say(page, 20);
    await run(page).click();
    await page.getByText('Passed. Well done.').waitFor();
    expect(await page.locator('.prose img').count()).toBe(0);
    expect(await page.title()).toBe('Mine · Rankfall');
    expect(foreign).toEqual([]);
    await page.close();
  });
});

test('no page complained', () => {
  expect(complaints).toEqual([]);
});
