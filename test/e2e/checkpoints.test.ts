// Checkpoints in real tabs: saved under four ranks and taken up by others, over tabs that are closed at any moment; what the lab does with
// them; two devices; and a tab that holds the database.

import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import type { CheckpointSummary } from '../../src/ports/store.ts';
import { readStateFile } from '../../src/live/state-reader.ts';
import type { TraceEvent } from '../../src/trace/events.ts';
import { openBrowser, openLab } from './frames.ts';
import type { Lab } from './frames.ts';

const STEP_MS = 90_000;
const TEST_MS = 300_000;

let lab: Lab;
let folder: string;
beforeAll(async () => {
  lab = await openLab({ pages: 'built' });
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

/** What the address says behind "#", once the lab has written it: the room. */
async function roomOf(page: Page): Promise<string> {
  await page.waitForURL(/#./);
  return new URL(page.url()).hash;
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

/** Until the page's only rank is one of so many. */
async function untilMembers(page: Page, count: number): Promise<void> {
  const limit = Date.now() + STEP_MS;
  for (;;) {
    const members = await page.evaluate(async () => {
      const [rank] = window.rankfall?.ranks.values() ?? [];
      return (await rank?.status())?.members.length;
    });
    if (members === count) return;
    if (Date.now() > limit) throw new Error(`There are ${members ?? 0} members, not ${count}.`);
    await page.waitForTimeout(100);
  }
}

/** What the page's only rank has logged. */
const eventsOf = async (page: Page): Promise<readonly TraceEvent[]> =>
  page.evaluate(async () => {
    const [rank] = window.rankfall?.ranks.values() ?? [];
    return ((await rank?.log(0, 100_000)) ?? []).map(({ event }) => event);
  });

const rowOf = (page: Page, step: number) => page.locator(`.checkpoint[data-step="${step}"]`);

/** Presses a button, or follows a link, of one row. */
async function act(page: Page, step: number, role: 'button' | 'link', name: string): Promise<void> {
  const row = rowOf(page, step);
  if ((await row.locator('details').getAttribute('open')) === null) await row.locator('summary').click();
  await row.getByRole(role, { name }).click();
}

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
      const job = 'job=spirals&steps=60&save=5&checkpoints=run';
      const alone = await visit('job=spirals&steps=60&autostart=1');
      const [expected] = await finalHashes(alone);
      await alone.close();

      let page = await visit(`${job}&ranks=4&autostart=1`);
      const room = await roomOf(page);
      let acknowledged = 0;
      for (const [round, ranks] of [1, 2, 3].entries()) {
        await untilSaved(page, 10 + 15 * round);
        acknowledged = Math.max(acknowledged, ...(await stored(page)).map(({ step }) => step));
        // For real, and without a word, in the middle of whatever it is writing.
        await page.close({ runBeforeUnload: false });
        page = await visit(`${job}&ranks=${ranks}&autostart=1`, room);
        expect(await verifiedAll(page)).not.toContain('corrupt');
        await untilStep(page, acknowledged);
      }
      expect(await finalHashes(page)).toEqual([expected, expected, expected]);
      await page.close();
    },
    TEST_MS,
  );

  test(
    'are verified, pinned, corrupted, passed over, downloaded, deleted, taken in and restored in the lab',
    async () => {
      // Which steps are there to be seen is the machine's affair: a snapshot replaces one that still waits to be written.
      const job = 'job=digits&steps=120&save=10&checkpoints=lesson&ranks=1&autostart=1&tune=0';
      let page = await visit(job);
      const [hash] = await finalHashes(page);
      await untilSaved(page, 120);
      const steps = (await stored(page)).map(({ step }) => step);
      const [newest = 0, second = 0, third = 0] = steps;
      expect(newest).toBe(120);
      expect(third).toBeGreaterThan(0);

      // Its own disk, and the memory of the rank whose state it still is.
      await rowOf(page, newest).getByText('2 copies').waitFor();
      await rowOf(page, second).getByText('1 copy').waitFor();
      expect(await rowOf(page, newest).textContent()).toMatch(
        /Step 120.*verified.*\d MiB · .*(ago|just now)/,
      );
      expect(await rowOf(page, newest).textContent()).toContain(hash?.slice(0, 8));
      await act(page, third, 'button', 'Pin');
      await rowOf(page, third).getByText('pinned').waitFor();
      await act(page, newest, 'button', 'Corrupt');
      await page.getByRole('button', { name: 'Verify all' }).click();
      await page.getByText(`1 of ${steps.length} are damaged`).waitFor();
      await page.locator(`.checkpoint[data-step="${newest}"][data-standing=corrupt]`).waitFor();
      await page.locator(`.checkpoint[data-step="${second}"][data-standing=verified]`).waitFor();

      // Whoever comes back takes the one before, says so, and comes to the same end.
      const link = await roomOf(page);
      await page.close();
      page = await visit(job, link);
      expect(await finalHashes(page)).toEqual([hash]);
      const events = await eventsOf(page);
      expect(events).toContainEqual({
        kind: 'checkpointSkipped',
        step: newest,
        reason: expect.stringContaining('does not have the hash') as string,
      });
      expect(events).toContainEqual(expect.objectContaining({ kind: 'restored', step: second }));
      await page.getByText(`skipped the checkpoint at step ${newest}`).first().waitFor();
      await untilSaved(page, newest);
      await rowOf(page, newest).getByText('verified', { exact: true }).waitFor();

      // The step that it went on from lies there twice by now, once of each incarnation.
      const downloading = page.waitForEvent('download');
      await act(page, third, 'button', 'Download');
      const path = join(folder, 'downloaded.safetensors');
      await (await downloading).saveAs(path);
      const bytes = new Uint8Array(readFileSync(path));
      expect(readStateFile(bytes).state.step).toBe(third);

      await act(page, third, 'button', 'Delete');
      await rowOf(page, third).waitFor({ state: 'detached' });
      const upload = page.locator('input[type=file][accept=".safetensors"]');
      const broken = join(folder, 'broken.safetensors');
      writeFileSync(broken, bytes.subarray(0, 3000));
      await upload.setInputFiles(broken);
      await page
        .getByText(/cut short/)
        .first()
        .waitFor();
      expect(await rowOf(page, third).count()).toBe(0);
      await upload.setInputFiles(path);
      await page.locator(`.checkpoint[data-step="${third}"][data-standing=verified]`).waitFor();

      // A new room goes on from it, and comes to the same end.
      await act(page, third, 'link', 'Restore');
      await page.waitForURL(/[?&]from=/);
      expect(await finalHashes(page)).toEqual([hash]);
      expect(await eventsOf(page)).toContainEqual(expect.objectContaining({ kind: 'restored', step: third }));
      await page.close();
    },
    TEST_MS,
  );

  test(
    'lie on two devices when a room has two, the list counts both, and the room goes back to one that either chooses',
    async () => {
      const other = await openBrowser(lab.origin);
      try {
        const job = 'job=spirals&steps=60&save=10&checkpoints=both&ranks=1&tune=0';
        const here = await visit(job);
        const there = await visit(job, await roomOf(here), other);
        for (const page of [here, there]) await untilMembers(page, 2);
        await here.evaluate(async () => {
          const [rank] = window.rankfall?.ranks.values() ?? [];
          await rank?.start();
        });
        const [mine] = await finalHashes(here);
        expect(await finalHashes(there)).toEqual([mine]);
        for (const page of [here, there]) await untilSaved(page, 60);
        for (const page of [here, there]) {
          expect((await stored(page))[0]).toMatchObject({ step: 60, stateHash: mine });
          expect(new Set(await verifiedAll(page))).toEqual(new Set(['verified']));
          // On this disk, on the other, and in the memory of this page's rank.
          await rowOf(page, 60).getByText('3 copies').waitFor();
        }
        const back = (await stored(there)).at(-1)?.step ?? 60;
        expect(back).toBeLessThan(60);
        await act(there, 60, 'button', 'Delete');
        await rowOf(here, 60).getByText('2 copies').waitFor();
        // The whole room goes back to a checkpoint that one of them chooses, and comes to the same end.
        await act(there, back, 'button', 'Roll back');
        await there.getByText(`The room has gone back to step ${back}.`).first().waitFor();
        await here.getByText(`it has agreed to go back to step ${back}`).first().waitFor();
        for (const page of [here, there]) await untilMembers(page, 2);
        expect([await finalHashes(here), await finalHashes(there)]).toEqual([[mine], [mine]]);
      } finally {
        await other.close();
      }
    },
    TEST_MS,
  );

  test(
    'that a tab with the database half upgraded keeps from being saved are missed in words, while training goes on',
    async () => {
      const page = await visit('job=digits&steps=100000&save=20&ranks=1&autostart=1&tune=0');
      await untilSaved(page, 20);
      const holder = await lab.context.newPage();
      await holder.route('**/holder', (route) =>
        route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
      );
      await holder.goto(`${lab.origin}/holder`);
      // One connection that never lets go, and an upgrade that waits for it: nobody else gets in.
      await holder.evaluate(
        () =>
          new Promise<void>((resolve) => {
            const first = indexedDB.open('rankfall-checkpoints');
            first.onsuccess = () => {
              indexedDB.open('rankfall-checkpoints', first.result.version + 1).onblocked = () => {
                resolve();
              };
            };
          }),
      );
      const stepNow = async (): Promise<number> => Number(await page.locator('.ring-step').textContent());
      const before = await stepNow();
      const limit = Date.now() + STEP_MS;
      const failure = async (): Promise<TraceEvent | undefined> =>
        (await eventsOf(page)).find(({ kind }) => kind === 'checkpointFailed');
      while ((await failure()) === undefined && Date.now() < limit) await page.waitForTimeout(200);
      expect(await failure()).toMatchObject({
        reason: expect.stringMatching(
          /another tab holds the database while it is deleted or upgraded\. Close other tabs/,
        ) as string,
      });
      const after = await stepNow();
      expect(after).toBeGreaterThan(before + 20);
      expect((await eventsOf(page)).filter(({ kind }) => kind === 'aborted')).toEqual([]);

      await holder.close();
      await untilSaved(page, after + 20);
      await page.close();
    },
    TEST_MS,
  );
});
