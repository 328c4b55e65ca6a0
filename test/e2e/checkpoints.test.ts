// Checkpoints in real tabs: saved under four ranks and taken up by others, over tabs that are closed at any moment; and what the lab does
// with them.

import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import type { CheckpointSummary } from '../../src/ports/store.ts';
import { readStateFile } from '../../src/live/state-reader.ts';
import { openBrowser, openLab } from './frames.ts';
import type { Lab } from './frames.ts';

const STEP_MS = 90_000;
const TEST_MS = 300_000;

let lab: Lab;
let folder: string;
beforeAll(async () => {
  lab = await openLab();
  folder = await mkdtemp(join(tmpdir(), 'rankfall-checkpoints-'));
});
afterAll(async () => {
  await lab.close();
  await rm(folder, { recursive: true });
});

async function visit(search: string, hash = '', { context }: Pick<Lab, 'context'> = lab): Promise<Page> {
  const page = await context.newPage();
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

  test(
    'are verified, pinned, corrupted, downloaded, taken in, restored and deleted in the lab',
    async () => {
      let page = await visit('job=moons&steps=60&save=20&checkpoints=lesson&ranks=1&autostart=1');
      await untilSaved(page, 60);
      const [hash] = await finalHashes(page);
      const row = (step: number) => page.locator(`.checkpoint[data-step="${step}"]`);
      const act = async (step: number, name: string): Promise<void> => {
        if (
          !(await row(step)
            .locator('details')
            .evaluate((details) => (details as HTMLDetailsElement).open))
        )
          await row(step).locator('summary').click();
        await row(step).getByRole('button', { name }).click();
      };

      await act(20, 'Pin: Step 20');
      await row(20).getByText('pinned').waitFor();
      await row(60)
        .getByText(/KB|MB|KiB|MiB/)
        .waitFor();
      await act(60, 'Corrupt: Step 60');
      await page.getByRole('button', { name: 'Verify all' }).click();
      await page.locator('.checkpoint[data-step="60"][data-standing=corrupt]').waitFor();
      await page.locator('.checkpoint[data-step="40"][data-standing=verified]').waitFor();
      await page.getByText(/A checkpoint every .* loses/).waitFor();

      // Whoever comes back takes the one before, says so, and comes to the same end.
      const link = new URL(page.url()).hash;
      await page.close();
      page = await visit('job=moons&steps=60&save=20&checkpoints=lesson&ranks=1&autostart=1', link);
      expect(await finalHashes(page)).toEqual([hash]);
      const log = await page.evaluate(
        async () => await [...(window.rankfall?.ranks.values() ?? [])][0]?.log(0, 1000),
      );
      expect(log?.map(({ event }) => event)).toContainEqual(
        expect.objectContaining({ kind: 'checkpointSkipped', step: 60 }),
      );
      expect(log?.map(({ event }) => event)).toContainEqual(
        expect.objectContaining({ kind: 'restored', step: 40 }),
      );

      const downloading = page.waitForEvent('download');
      await act(40, 'Download: Step 40');
      const path = join(folder, 'downloaded.safetensors');
      await (await downloading).saveAs(path);
      const bytes = new Uint8Array(readFileSync(path));
      expect(readStateFile(bytes).progress).toMatchObject({ sampler: { rows: 800 } });

      await act(40, 'Delete: Step 40');
      await row(40).waitFor({ state: 'detached' });
      const upload = page.locator('input[type=file][accept=".safetensors"]');
      const broken = join(folder, 'broken.safetensors');
      writeFileSync(broken, bytes.subarray(0, 3000));
      await upload.setInputFiles(broken);
      await page
        .getByText(/cut short/)
        .first()
        .waitFor();
      await upload.setInputFiles(path);
      await page.locator('.checkpoint[data-step="40"][data-standing=verified]').waitFor();

      // A new room goes on from it, and comes to the same end.
      await row(40).locator('summary').click();
      await row(40).getByRole('link', { name: 'Restore' }).click();
      await page.waitForFunction(() => location.search.includes('from='));
      expect(await finalHashes(page)).toEqual([hash]);
      const resumed = await page.evaluate(
        async () => (await [...(window.rankfall?.ranks.values() ?? [])][0]?.status())?.resumedFromStep,
      );
      expect(resumed).toBe(40);
      await page.close();
    },
    TEST_MS,
  );

  test(
    'lie on two devices when a room has two, and either goes on alone',
    async () => {
      const other = await openBrowser(lab.origin);
      try {
        const job = 'job=circles&steps=60&save=20&checkpoints=both&ranks=1';
        const here = await visit(job);
        await here.waitForFunction(
          () => location.hash !== '' && document.querySelector('.ring-step') !== null,
        );
        const there = await visit(job, new URL(here.url()).hash, other);
        for (const page of [here, there])
          await page.waitForFunction(async () => {
            const [rank] = window.rankfall?.ranks.values() ?? [];
            return (await rank?.status())?.members.length === 2;
          });
        await here.evaluate(async () => {
          await [...(window.rankfall?.ranks.values() ?? [])][0]?.start();
        });
        const [mine] = await finalHashes(here);
        expect(await finalHashes(there)).toEqual([mine]);
        for (const page of [here, there]) await untilSaved(page, 60);
        const [a, b] = [await stored(here), await stored(there)];
        expect(a[0]).toMatchObject({ step: 60, stateHash: mine });
        expect(b[0]).toMatchObject({ step: 60, stateHash: mine });
        expect(await verifiedAll(there)).toEqual(b.map(() => 'verified'));
      } finally {
        await other.close();
      }
    },
    TEST_MS,
  );
});
