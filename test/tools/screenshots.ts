// Pictures of every page in the states that people meet, in both languages and themes, at three widths: to be looked at.
//
//   npm run screenshots -- --out DIR [--scenes lab-idle,race] [--widths 390,1280,2560] [--languages en,zh-Hans] [--themes light,dark]
//
// A scene is named for what it shows; `--list` prints them all. A page that is wider than its window is told, and makes the exit status 1.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { BROWSER_FLAGS, ensureBrowser } from '../../src/cli/browser.ts';
import { createClassroom } from '../../src/server/classroom/classroom.ts';
import { startServer } from '../../src/server/start.ts';
import type { RunningServer } from '../../src/server/start.ts';

const PATIENCE_MS = 60_000;
/** High enough that what is fixed to the window's edge stays out of the way. */
const HEIGHT = 900;

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'screenshots' },
    scenes: { type: 'string' },
    widths: { type: 'string', default: '390,1280,2560' },
    languages: { type: 'string', default: 'en,zh-Hans' },
    themes: { type: 'string', default: 'light,dark' },
    list: { type: 'boolean', default: false },
  },
});

/** A world for one scene: pages in profiles of their own, in English until the picture is taken. */
interface Stage {
  readonly classKey: string;
  readonly classCode: string;
  open(path: string): Promise<Page>;
  /** A picture now, as `name`. */
  take(page: Page, name: string): Promise<void>;
}

const untilStep = (page: Page, step: number) =>
  page.waitForFunction((least) => Number(document.querySelector('.ring-step')?.textContent) >= least, step);
const press = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: true }).first().click();
const rankOf = (page: Page, count: number) =>
  page.waitForFunction((n) => document.querySelectorAll('.card[data-activity=training]').length === n, count);

async function openRaces(stage: Stage): Promise<Page> {
  const page = await stage.open('?engine=cpu');
  await press(page, 'Open the simulator');
  await page.getByRole('button', { name: 'Run', exact: true }).waitFor();
  return page;
}

async function joinClass(stage: Stage, nickname: string): Promise<Page> {
  const page = await stage.open('?engine=cpu&steps=100000');
  await page.getByLabel('Nickname').fill(nickname);
  await page.getByLabel('Class code').fill(stage.classCode);
  await press(page, 'Join');
  return page;
}

/** What a reader does in each lesson, until it is passed. */
const LESSONS: Readonly<
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

/** Each scene sets itself up as a person would, and takes one picture or several on the way. */
const SCENES: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  async 'lab-idle'(stage) {
    const page = await stage.open('?engine=cpu');
    await page.getByText('Ready to train', { exact: true }).first().waitFor();
    await stage.take(page, 'lab-idle');
  },
  async 'lab-alone'(stage) {
    const page = await stage.open('?engine=cpu&ranks=1&autostart=1&steps=100000&job=moons');
    await untilStep(page, 40);
    await press(page, 'Pause');
    await stage.take(page, 'lab-alone');
  },
  async 'lab-room'(stage) {
    const page = await stage.open('?engine=cpu&ranks=3&autostart=1&steps=100000');
    await rankOf(page, 3);
    await untilStep(page, 10);
    await press(page, 'Checkpoint');
    await page.locator('.checkpoint').first().waitFor();
    // By keyboard: the middle of a curved stretch is not the stretch.
    await page
      .getByRole('button', { name: /^Break the link between/ })
      .first()
      .press('Enter');
    await page.locator('#faults').getByRole('button', { name: 'Inject' }).click();
    await page.locator('.active-faults').getByText('Cut the link').waitFor();
    await page.waitForTimeout(4000);
    await page.locator('.card[data-activity=training]').last().getByRole('button', { name: /^Kill/ }).click();
    await rankOf(page, 2);
    const step = Number(await page.locator('.ring-step').textContent());
    await untilStep(page, step + 3);
    await press(page, 'Pause');
    await page.locator('.checkpoint-more summary').first().click();
    await stage.take(page, 'lab-room');
    await press(page, 'Leave');
    await page.getByRole('heading', { name: /^You have left room/ }).waitFor();
    await stage.take(page, 'lab-left');
  },
  async 'lab-text'(stage) {
    const page = await stage.open('?engine=cpu&ranks=1&autostart=1&job=moby-dick');
    await untilStep(page, 2);
    await press(page, 'Write');
    await page.waitForFunction(() => (document.querySelector('.written')?.textContent ?? '').length > 30);
    await press(page, 'Pause');
    await stage.take(page, 'lab-text');
  },
  async race(stage) {
    const page = await openRaces(stage);
    await stage.take(page, 'race-start');
    await press(page, 'Run');
    await page.getByText('Held.').waitFor();
    await stage.take(page, 'race-held');
    await page.getByLabel('Protocol').selectOption('torchft-quorum');
    await page.getByRole('spinbutton', { name: 'Seed' }).fill('1');
    await press(page, 'Hunt');
    await page.getByText(/^Seed 4, made small/).waitFor();
    await stage.take(page, 'race-violated');
    const command = (await page.locator('.race-command').textContent()) ?? '';
    await page.getByRole('application').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowDown');
    await press(page, 'What if, from here?');
    await page.getByText(/^Of 40 other futures/).waitFor();
    await stage.take(page, 'race-branched');
    const link = /'(rf1:[\w-]+)'/.exec(command)?.[1] ?? '';
    const elsewhere = await stage.open(`#${link}`);
    await elsewhere.locator('.race-result').waitFor();
    await stage.take(elsewhere, 'race-link');
    const other = await stage.open('#rf77:AAAA');
    await other.getByText("another version of the protocol's core").waitFor();
    await stage.take(other, 'race-link-other');
  },
  async 'race-hunting'(stage) {
    const page = await openRaces(stage);
    await press(page, 'Hunt');
    await page.locator('.race-progress').waitFor();
    await page.waitForTimeout(1500);
    await stage.take(page, 'race-hunting');
  },
  async 'lessons-start'(stage) {
    const page = await stage.open('lessons.html?engine=cpu');
    await page.getByText('0 of 8 passed').waitFor();
    await stage.take(page, 'lessons');
    for (const id of ['all-reduce', ...Object.keys(LESSONS)]) {
      await page.goto(new URL(`lessons.html?engine=cpu#${id}`, page.url()).href);
      await page.getByRole('button', { name: 'That is my prediction' }).waitFor();
      await stage.take(page, `lesson-${id}`);
    }
  },
  async 'lessons-passed'(stage) {
    const page = await stage.open('lessons.html?engine=cpu');
    for (const [id, { predict: answer, set = {} }] of Object.entries(LESSONS)) {
      await page.goto(new URL(`lessons.html?engine=cpu#${id}`, page.url()).href);
      await predict(page, answer);
      for (const [label, value] of Object.entries(set)) {
        const field = page.getByLabel(label);
        const isList = (await field.evaluate((element) => element.tagName)) === 'SELECT';
        await (isList ? field.selectOption(value) : field.fill(value));
      }
      await press(page, 'Run it');
      await page.getByText('Passed. Well done.').waitFor();
      await stage.take(page, `lesson-${id}-passed`);
    }
    await page.goto(new URL('lessons.html?engine=cpu#', page.url()).href);
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
  async class(stage) {
    const page = await stage.open(`console.html#key=${stage.classKey}`);
    await page.getByText('Nobody yet.').waitFor();
    await stage.take(page, 'console-empty');
    const wrong = await stage.open('?engine=cpu');
    await wrong.getByLabel('Nickname').fill('Zoë');
    await stage.take(wrong, 'join');
    await wrong.getByLabel('Class code').fill('AAAAAA');
    await press(wrong, 'Join');
    await wrong.getByText('That is not the code of this class.').waitFor();
    await stage.take(wrong, 'join-wrong');
    await wrong.close();
    const [ada, ben, cyd] = await Promise.all(['Ada', 'Ben', 'Cyd'].map((name) => joinClass(stage, name)));
    if (ada === undefined || ben === undefined || cyd === undefined) throw new Error('nobody came');
    await page.waitForFunction(() => document.querySelectorAll('.person[data-state=ready]').length === 3);
    await press(page, 'Start all');
    await page.waitForFunction(() => document.querySelectorAll('.person[data-state=training]').length === 3);
    await press(page, 'Ask the class');
    await ada.getByLabel('Training stops').check();
    await cyd.getByLabel('It goes on as if nothing happened').check();
    await page.getByText('2 of 3 have answered.').waitFor();
    await press(page, 'Pause all');
    await stage.take(page, 'console');
    await press(page, 'Show the class');
    await ben.getByText('What the class said:').waitFor();
    await stage.take(ben, 'participant');
    const key = await stage.open(`console.html#key=${'A'.repeat(22)}`);
    await key.getByText('This key does not open the console.').waitFor();
    await stage.take(key, 'console-wrong-key');
  },
  async volunteer(stage) {
    const host = await stage.open('?engine=cpu&ranks=1&autostart=1&steps=100000');
    await untilStep(host, 2);
    const page = await stage.open(`volunteer.html${new URL(host.url()).hash}`);
    await page.getByRole('button', { name: 'Lend this tab' }).waitFor();
    await stage.take(page, 'volunteer-asked');
    await press(page, 'Lend this tab');
    await page.getByText(/This tab has computed \d/).waitFor();
    await stage.take(page, 'volunteer-lending');
    await press(page, 'Stop');
    await page.getByText('You have stopped it.').waitFor();
    await stage.take(page, 'volunteer-thanked');
    const none = await stage.open('volunteer.html');
    await none.getByText('This link names no room.').waitFor();
    await stage.take(none, 'volunteer-no-room');
  },
  async 'bad-link'(stage) {
    const link = await stage.open('#room=KQWERT.short');
    await link.getByRole('heading', { name: 'This link does not open a room.' }).waitFor();
    await stage.take(link, 'bad-link');
    const options = await stage.open('?engine=quantum&ranks=99');
    await options.getByText('The address says ranks=99').waitFor();
    await stage.take(options, 'bad-options');
  },
};

const LANGUAGES: Readonly<Record<string, { readonly html: string; readonly button: string }>> = {
  en: { html: 'en', button: 'English' },
  'zh-Hans': { html: 'zh-Hans', button: '中文' },
};

async function speak(page: Page, language: string): Promise<void> {
  const { html, button } = LANGUAGES[language] ?? { html: 'en', button: 'English' };
  if ((await page.evaluate(() => document.documentElement.lang)) === html) return;
  await page.getByRole('button', { name: button, exact: true }).click();
  await page.waitForFunction((wanted) => document.documentElement.lang === wanted, html);
}

const tooWide: string[] = [];

async function take(page: Page, name: string): Promise<void> {
  for (const language of values.languages.split(',')) {
    await speak(page, language);
    for (const colorScheme of values.themes.split(',')) {
      if (colorScheme !== 'light' && colorScheme !== 'dark') throw new Error(`no theme ${colorScheme}`);
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (const width of values.widths.split(',').map(Number)) {
        await page.setViewportSize({ width, height: HEIGHT });
        // Charts and diagrams follow the window's size in the next frames.
        await page.waitForTimeout(250);
        const file = `${name}.${language}.${colorScheme}.${width}`;
        if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) tooWide.push(file);
        await page.screenshot({ path: join(values.out, `${file}.png`), fullPage: true });
      }
    }
  }
  await speak(page, 'en');
  await page.setViewportSize({ width: 1280, height: HEIGHT });
}

function stageFor(
  browser: Browser,
  server: RunningServer,
  classroom: { readonly key: string; readonly code: string },
): Stage & { close(): Promise<void> } {
  const contexts: BrowserContext[] = [];
  return {
    classKey: classroom.key,
    classCode: classroom.code,
    async open(path) {
      const own = await browser.newContext({ locale: 'en-US' });
      contexts.push(own);
      const page = await own.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      await page.goto(`${server.url}${path}`);
      return page;
    },
    take,
    async close() {
      for (const each of contexts) await each.close();
    },
  };
}

if (values.list) {
  console.log(Object.keys(SCENES).join('\n'));
  process.exit(0);
}
const wanted = values.scenes?.split(',') ?? Object.keys(SCENES);
await mkdir(values.out, { recursive: true });
const browser = await chromium.launch({
  executablePath: await ensureBrowser({ log: console.error }),
  args: [...BROWSER_FLAGS],
});
for (const name of wanted) {
  const scene = SCENES[name];
  if (scene === undefined)
    throw new Error(`There is no scene ${name}: expected ${Object.keys(SCENES).join(', ')}.`);
  const classroom = createClassroom({ addresses: () => ['https://192.168.1.20:5173/'] });
  const server = await startServer({
    mode: 'preview',
    port: 0,
    ...(name === 'class' ? { classroom } : {}),
  });
  const stage = stageFor(browser, server, classroom);
  try {
    await scene(stage);
    console.log(name);
  } catch (error) {
    console.error(`${name}: ${String(error)}`);
    process.exitCode = 1;
  }
  await stage.close();
  await server.close();
}
await browser.close();
for (const file of tooWide) console.error(`wider than its window: ${file}`);
process.exit(process.exitCode ?? (tooWide.length > 0 ? 1 : 0));
