/** What people do first, in Firefox, which has another engine for all that Rankfall stands on: WebRTC, workers, IndexedDB, Web Locks. */
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scenarioExperiment, SCENARIOS } from '../../src/simulator/scenarios.ts';
import { runExperiment } from '../../src/simulator/swarm.ts';
import { startServer } from '../../src/server/start.ts';
import hashes from '../fixtures/trace-hashes.json';
import { isFirefoxHere, openFirefox } from '../support/firefox.ts';
import type { TracePage } from './fixtures/trace-hashes-page.ts';

const PATIENCE_MS = 60_000;
/** Of the run in the simulator. */
const RANKS = 5;

/** By the handle: a locator looks many seconds, on a page that trains, whether the button stands still. */
async function press(page: Page, selector: string): Promise<void> {
  const found = await page.waitForSelector(selector, { timeout: PATIENCE_MS });
  await found?.click();
}
const button = (page: Page, name: string): Promise<void> => press(page, `button::-p-text(${name})`);

async function fill(page: Page, selector: string, text: string): Promise<void> {
  const field = await page.waitForSelector(selector, { timeout: PATIENCE_MS });
  await field?.click({ count: 3 });
  await field?.type(text);
}

const says = async (page: Page, text: string): Promise<void> => {
  await page.waitForSelector(`::-p-text(${text})`, { timeout: PATIENCE_MS });
};

const untilTraining = (page: Page, ranks: number): Promise<unknown> =>
  page.waitForFunction(
    (count) => document.querySelectorAll('.card[data-activity=training]').length === count,
    { timeout: PATIENCE_MS },
    ranks,
  );

const stepOf = (page: Page): Promise<number> =>
  page.evaluate(() => Number(document.querySelector('.ring-step')?.textContent ?? '-1'));

const untilStep = (page: Page, step: number): Promise<unknown> =>
  page.waitForFunction(
    (least) => Number(document.querySelector('.ring-step')?.textContent ?? '-1') >= least,
    { timeout: PATIENCE_MS },
    step,
  );

/** How many times the membership has changed. */
const generation = (page: Page): Promise<number> =>
  page.evaluate(() => Number(/generation (\d+)/.exec(document.body.textContent)?.[1]));

describe.skipIf(!isFirefoxHere())('in Firefox', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openFirefox();
  });
  afterAll(() => browser.close());

  test('a visitor starts four ranks, which stay linked; kills one, adds one, and sees equal states; then a run in the simulator', async () => {
    const server = await startServer({ mode: 'preview', port: 0 });
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`http://localhost:${server.port}/`);
    await says(page, 'Ready to train');
    await button(page, 'Start four ranks');
    await untilTraining(page, 4);
    await untilStep(page, 2);

    // Firefox collects what nobody holds within some seconds of such work: channels among it, if nobody held them.
    const before = await generation(page);
    expect(before).toBeGreaterThan(0);
    await untilStep(page, (await stepOf(page)) + 30);
    expect(await generation(page)).toBe(before);

    await press(page, '.card[data-activity=training]:nth-child(2) button[aria-label^=Kill]');
    await untilTraining(page, 3);
    await says(page, 'the browser released its lock');
    await button(page, 'Add rank');
    await untilTraining(page, 4);
    await says(page, 'same as 3 others');
    await untilStep(page, (await stepOf(page)) + 2);
    await page.waitForSelector('.checkpoint', { timeout: PATIENCE_MS });
    expect(await page.evaluate(() => document.body.textContent)).not.toContain('differs from the others');

    await button(page, 'Open the simulator');
    await page.waitForSelector('.race-form button[type=submit]:enabled', { timeout: PATIENCE_MS });
    const [, ranks] = await page.$$('.race-form input[type=number]');
    await ranks?.click({ count: 3 });
    await ranks?.type(String(RANKS));
    await press(page, '.race-form button[type=submit]');
    const scenario = SCENARIOS['kill-one'];
    if (scenario === undefined) throw new Error('no such scenario');
    const { traceHash } = runExperiment(scenarioExperiment(scenario, { seed: 1, ranks: RANKS }), {
      hash: true,
    });
    await page.waitForSelector(`[data-trace-hash="${traceHash}"]`, { timeout: PATIENCE_MS });
    expect(complaints).toEqual([]);
    await page.close();
    await server.close();
  });

  test('a reader works through the lesson on zombies, from a prediction that is held against the run to passed', async () => {
    const server = await startServer({ mode: 'preview', port: 0 });
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`http://localhost:${server.port}/lessons.html`);
    await press(page, 'a[href="#zombie"]');
    await fill(page, '.lesson-ask input', '1000');
    await button(page, 'That is my prediction');

    // A freeze that the room waits out misses the goal; one that it does not wait out meets it.
    await button(page, 'Run it');
    await says(page, 'Not yet. Change something, and run it again.');
    await fill(page, '.lesson-settings input', '3000');
    await button(page, 'Run it again');
    await says(page, 'Passed. Well done.');
    await page.waitForSelector('canvas', { timeout: PATIENCE_MS });
    expect(complaints).toEqual([]);
    await page.close();
    await server.close();
  });

  test('the seeds on record come to the same trace hashes as in Node, twice', async () => {
    const server = await startServer({ mode: 'dev', port: 0 });
    const page = await browser.newPage();
    await page.goto(`http://localhost:${server.port}/test/e2e/fixtures/trace-hashes.html`);
    await page.waitForFunction(() => 'found' in window, { timeout: PATIENCE_MS });
    const found = await page.evaluate(() => (window as unknown as TracePage).found);
    expect(found).toEqual(
      hashes.map(({ seed, traceHash }) => ({ seed, traceHashes: [traceHash, traceHash] })),
    );
    await page.close();
    await server.close();
  });
});
