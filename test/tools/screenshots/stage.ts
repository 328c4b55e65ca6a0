// A world for one scene: pages in profiles of their own, and what people do on them, in English until a picture is taken.

import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { RunningServer } from '../../../src/server/start.ts';
import type { Camera } from './camera.ts';

const PATIENCE_MS = 90_000;

export interface Stage extends Pick<Camera, 'take'> {
  readonly classKey: string;
  readonly classCode: string;
  /** A page in a profile of its own. */
  open(path: string): Promise<Page>;
  /** Another tab of the browser that `page` is in. */
  beside(page: Page, path: string): Promise<Page>;
}

/** Each sets itself up as a person would, and takes one picture or several on the way. */
export type Scenes = Readonly<Record<string, (stage: Stage) => Promise<void>>>;

interface StageOptions {
  readonly browser: Browser;
  readonly server: RunningServer;
  readonly classroom: { readonly key: string; readonly code: string };
  readonly camera: Camera;
}

export function createStage({
  browser,
  server,
  classroom,
  camera,
}: StageOptions): Stage & { close(): Promise<void> } {
  const contexts: BrowserContext[] = [];
  const openIn = async (context: BrowserContext, path: string): Promise<Page> => {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(`${server.url}${path}`);
    return page;
  };
  return {
    classKey: classroom.key,
    classCode: classroom.code,
    async open(path) {
      const own = await browser.newContext({ locale: 'en-US' });
      contexts.push(own);
      return await openIn(own, path);
    },
    beside: (page, path) => openIn(page.context(), path),
    take: camera.take,
    async close() {
      for (const each of contexts) await each.close();
    },
  };
}

export const press = (page: Page, name: string | RegExp): Promise<void> =>
  page.getByRole('button', { name, exact: true }).first().click();

/** The room has come so far. */
export const untilStep = async (page: Page, step: number): Promise<void> => {
  await page.waitForFunction(
    (least) => Number(document.querySelector('.ring-step')?.textContent) >= least,
    step,
  );
};

/** So many ranks train in the room. */
export const untilTraining = async (page: Page, ranks: number): Promise<void> => {
  await page.waitForFunction(
    (n) => document.querySelectorAll('.card[data-activity=training]').length === n,
    ranks,
  );
};

/** Paused, with what is loaded when it is needed there: a picture shows nothing half-way. */
export async function pause(page: Page): Promise<void> {
  await press(page, 'Pause');
  await page.getByRole('button', { name: 'Resume' }).waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.uplot canvas').length === 2);
}
