// Checkpoints in real tabs: saved under four ranks and taken up by others, over tabs that are closed at any moment.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import type { CheckpointSummary } from '../../src/ports/store.ts';
import { openLab } from './frames.ts';
import type { Lab } from './frames.ts';

const STEP_MS = 90_000;
const TEST_MS = 300_000;

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(async () => {
  await lab.close();
});

async function visit(search: string, hash = ''): Promise<Page> {
  const page = await lab.context.newPage();
  page.setDefaultTimeout(STEP_MS);
  await page.goto(`${lab.origin}/?engine=cpu&${search}${hash}`);
  return page;
}

const untilStep = (page: Page, step: number) =>
  page.waitForFunction((least) => Number(document.querySelector('.ring-step')?.textContent) >= least, step);

const untilSaved = (page: Page, step: number) =>
  page.waitForFunction(
    (least) =>
      [...document.querySelectorAll('.checkpoint[data-standing=verified]')].some(
        (row) => Number(row.getAttribute('data-step')) >= least,
      ),
    step,
  );

const stored = (page: Page): Promise<readonly CheckpointSummary[]> =>
  page.evaluate(async () => {
    const checkpoints = window.rankfall?.checkpoints;
    return (await checkpoints?.list(checkpoints.path)) ?? [];
  });

const verifiedAll = async (page: Page): Promise<readonly string[]> =>
  page.evaluate(async () => {
    const checkpoints = window.rankfall?.checkpoints;
    const all = (await checkpoints?.list(checkpoints.path)) ?? [];
    return await Promise.all(all.map(async ({ id }) => (await checkpoints?.verify(id))?.standing ?? 'gone'));
  });

/** The state at the end of the run, of every rank of the page. */
async function finalHashes(page: Page): Promise<readonly string[]> {
  const limit = Date.now() + STEP_MS;
  for (;;) {
    const statuses = await page.evaluate(async () =>
      (await Promise.all([...(window.rankfall?.ranks.values() ?? [])].map((rank) => rank.status()))).map(
        ({ phase, stateHash }) => ({ phase, stateHash }),
      ),
    );
    if (statuses.length > 0 && statuses.every(({ phase }) => phase === 'done'))
      return statuses.map(({ stateHash }) => stateHash ?? '');
    if (Date.now() > limit) throw new Error(`The ranks are not done: ${JSON.stringify(statuses)}`);
    await page.waitForTimeout(100);
  }
}

describe('checkpoints of real tabs', () => {
  test(
    'saved under four ranks and a tab closed over and over, end the same under one, two and three',
    async () => {
      const job = 'job=spirals&steps=120&save=5&checkpoints=run';
      const alone = await visit('job=spirals&steps=120&autostart=1');
      const [expected] = await finalHashes(alone);
      await alone.close();

      let page = await visit(`${job}&ranks=4&autostart=1`);
      const hash = new URL(page.url()).hash;
      let acknowledged = 0;
      for (const [round, ranks] of [1, 2, 3].entries()) {
        await untilSaved(page, 15 + 25 * round);
        acknowledged = Math.max(acknowledged, ...(await stored(page)).map(({ step }) => step));
        // For real, and without a word, in the middle of whatever it is writing.
        await page.close({ runBeforeUnload: false });
        page = await visit(`${job}&ranks=${ranks}&autostart=1`, hash);
        expect(await verifiedAll(page)).not.toContain('corrupt');
        await untilStep(page, acknowledged);
      }
      expect(await finalHashes(page)).toEqual([expected, expected, expected]);
      await page.close();
    },
    TEST_MS,
  );
});
