// Takes a page as it stands in every language, theme and width, each once its layout has come to rest.

import { join } from 'node:path';
import type { Page } from 'playwright-core';

/** High enough that what is fixed to the window's edge stays out of the way. */
const HEIGHT = 900;
const USUAL = { width: 1280, height: HEIGHT };
/** Pictures of the screen in which nothing may move before one is taken. */
const STILL_FRAMES = 6;

const LANGUAGES = [
  { name: 'en', button: 'English' },
  { name: 'zh-Hans', button: '中文' },
] as const;

export interface Camera {
  /** A picture for each language, theme and width; the page is in English, 1280 wide, before and after. */
  take(page: Page, name: string): Promise<void>;
  /** Pictures on which the page was wider than its window. */
  readonly tooWide: readonly string[];
}

export interface CameraOptions {
  readonly out: string;
  readonly widths: readonly number[];
  readonly languages: readonly string[];
  readonly themes: readonly string[];
}

export function createCamera({ out, widths, languages, themes }: CameraOptions): Camera {
  const tooWide: string[] = [];
  return {
    tooWide,
    async take(page, name) {
      // What only passes by is over: a toast covers what it lies on.
      await page.waitForFunction(() => document.querySelector('.toast[data-shown=true]') === null);
      for (const language of languages) {
        await speak(page, language);
        for (const colorScheme of themes) {
          if (colorScheme !== 'light' && colorScheme !== 'dark') throw new Error(`no theme ${colorScheme}`);
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          for (const width of widths) {
            await page.setViewportSize({ width, height: HEIGHT });
            await page.evaluate(() => {
              scrollTo(0, 0);
            });
            await untilStill(page);
            const file = `${name}.${language}.${colorScheme}.${width}`;
            if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth))
              tooWide.push(file);
            await page.screenshot({ path: join(out, `${file}.png`), fullPage: true });
          }
        }
      }
      await speak(page, 'en');
      await page.setViewportSize(USUAL);
    },
  };
}

async function speak(page: Page, language: string): Promise<void> {
  const wanted = LANGUAGES.find(({ name }) => name === language);
  if (wanted === undefined) throw new Error(`no language ${language}`);
  if ((await page.evaluate(() => document.documentElement.lang)) === wanted.name) return;
  await page.getByRole('button', { name: wanted.button, exact: true }).click();
  await page.waitForFunction((name) => document.documentElement.lang === name, wanted.name);
}

/** Until panels, charts and diagrams have kept their places and sizes for some frames: they follow a window that changed. */
const untilStill = (page: Page): Promise<void> =>
  page.evaluate(async (frames) => {
    await document.fonts.ready;
    let last = '';
    for (let still = 0; still < frames;) {
      await new Promise(requestAnimationFrame);
      const places = [...document.querySelectorAll('main, main > *, section, canvas')].map((element) => {
        const { x, y, width, height } = element.getBoundingClientRect();
        return [x, y, width, height, element instanceof HTMLCanvasElement ? element.width : 0].join();
      });
      const now = places.join(';');
      still = now === last ? still + 1 : 0;
      last = now;
    }
  }, STILL_FRAMES);
