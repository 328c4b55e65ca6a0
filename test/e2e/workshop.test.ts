/** A class in a real browser: an instructor's console and three participants, each with a profile of their own. */
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClassroom } from '../../src/server/classroom/classroom.ts';
import { openServerAndBrowser } from '../support/server-and-browser.ts';
import type { ServerAndBrowser } from '../support/server-and-browser.ts';
import { flaws } from './axe.ts';

const STEP_MS = 60_000;
const NAMES = ['Ada', 'Ben', 'Cyd'] as const;

const classroom = createClassroom({ addresses: () => ['https://192.168.1.20:5173/'] });
let place: ServerAndBrowser;
beforeAll(async () => {
  place = await openServerAndBrowser({ mode: 'preview', classroom });
});
afterAll(async () => {
  await place.close();
});

const complaints: string[] = [];

/** A page in a profile of its own. */
async function open(path: string): Promise<Page> {
  const page = await (await place.browser.newContext()).newPage();
  page.setDefaultTimeout(STEP_MS);
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${place.server.url}${path}`);
  return page;
}

async function join(nickname: string, code = classroom.code): Promise<Page> {
  // So many steps that the rooms still train when the class has moved on.
  const page = await open('?engine=cpu&steps=100000');
  await page.getByLabel('Nickname').fill(nickname);
  await page.getByLabel('Class code').fill(code);
  await page.getByRole('button', { name: 'Join' }).click();
  return page;
}

/** The page's rank, once it is up. */
async function rankOf(page: Page) {
  await page.waitForFunction(() => (window.rankfall?.ranks.size ?? 0) > 0);
  return await page.evaluate(async () => {
    const [rank] = [...(window.rankfall?.ranks.values() ?? [])];
    if (rank === undefined) throw new Error('no rank');
    const { member, room } = await rank.status();
    return { member, room };
  });
}

test('an instructor leads three participants through a class', async () => {
  const console = await open(`console.html#key=${classroom.key}`);
  const person = (name: string, state: string) =>
    console.locator(`.person[data-state=${state}]`).filter({ hasText: name });
  await console.getByText('Nobody yet.').waitFor();
  await console.getByRole('img', { name: 'QR code of https://192.168.1.20:5173/' }).waitFor();

  // Who has the wrong code stays outside, and hears so.
  const ada = await join('Ada', 'AAAAAA');
  await ada.getByText('That is not the code of this class.').waitFor();
  expect(await flaws(ada)).toEqual([]);
  await ada.getByLabel('Class code').fill(` ${classroom.code.toLowerCase()}`);
  await ada.getByRole('button', { name: 'Join' }).click();
  const [ben, cyd] = [await join('Ben'), await join('Cyd')];
  for (const name of NAMES) await person(name, 'ready').waitFor();

  await console.getByRole('button', { name: 'Start all' }).click();
  for (const name of NAMES) await person(name, 'training').waitFor();
  // Each in the colour that it wears on its own page.
  const { member } = await rankOf(ben);
  const wears = (one: Locator) =>
    one.evaluate((node) => (node instanceof HTMLElement ? node.style.getPropertyValue('--rank') : undefined));
  const inConsole = console.locator('.person').filter({ hasText: 'Ben' }).locator('.rank-dot');
  await expect
    .poll(() => wears(inConsole), { timeout: STEP_MS })
    .toBe(await wears(ben.locator(`.card[data-rank="${member}"]`)));

  // A fault thrown at one strikes one; a reload gives the place back.
  const before = await rankOf(ben);
  await console.getByRole('checkbox', { name: 'Select Ben' }).check();
  await console.getByLabel('What happens').selectOption('kill');
  await console.getByRole('button', { name: 'Throw at Ben' }).click();
  await person('Ben', 'empty').waitFor();
  await console.getByText('Ben: Kill, done').waitFor();
  await ben.getByText('No rank runs in this tab').waitFor();
  await ben.reload();
  await ben.getByText('room A of the class').waitFor();
  for (const name of NAMES) await person(name, 'training').waitFor();
  const after = await rankOf(ben);
  expect(after.room).toBe(before.room);
  expect(after.member).not.toBe(before.member);
  expect(await console.locator('.person').count()).toBe(3);

  // A prediction.
  await console.getByRole('button', { name: 'Ask the class' }).click();
  await ada.getByLabel('Training stops').check();
  await cyd.getByLabel('It goes on as if nothing happened').check();
  await console.getByText('2 of 3 have answered.').waitFor();
  expect(await flaws(console)).toEqual([]);
  await console.getByRole('button', { name: 'Show the class' }).click();
  await ben.getByText('What the class said:').waitFor();
  expect(await ben.locator('.bar-count').allTextContents()).toEqual([
    '1 1 answer',
    '0 0 answers',
    '1 1 answer',
  ]);

  // Rooms of two: two and one, each of which opens anew.
  await console.getByLabel('Rooms of').selectOption('2');
  await console.getByLabel('that learn').selectOption({ label: 'Two moons' });
  await console.getByRole('button', { name: 'Form rooms' }).click();
  await console.getByRole('button', { name: 'Form them' }).click();
  await cyd.getByText('room B of the class').waitFor();
  for (const name of NAMES) await person(name, 'ready').waitFor();
  await console.getByText('2 ranks', { exact: false }).waitFor();
  const rooms = await Promise.all([ada, ben, cyd].map(async (page) => (await rankOf(page)).room));
  for (const page of [ada, ben, cyd])
    await page.getByRole('heading', { name: 'What it tells apart' }).waitFor();
  expect(rooms[0]).toBe(rooms[1]);
  expect(new Set([...rooms, before.room]).size).toBe(3);
  expect(complaints).toEqual([]);
});

test('who goes on alone has a room of their own, and a wrong key opens no console', async () => {
  const page = await open('?engine=cpu');
  await page.getByRole('button', { name: 'Go on alone' }).click();
  await page.getByText('Ready to train', { exact: true }).first().waitFor();
  await page.getByRole('button', { name: 'Start four ranks' }).waitFor();
  const console = await open(`console.html#key=${'A'.repeat(22)}`);
  await console.getByText('This key does not open the console.').waitFor();
  expect(await flaws(console)).toEqual([]);
  expect(complaints).toEqual([]);
});
