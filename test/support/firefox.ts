// Firefox as its makers ship it, where it is installed: driven over WebDriver BiDi, which Playwright speaks with builds of its own only.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { launch } from 'puppeteer-core';
import type { Browser } from 'puppeteer-core';

function find(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders
    .flatMap((folder) => ['firefox-esr', 'firefox'].map((name) => join(folder, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

const executablePath = find();

/** Says so where it is not. */
export function isFirefoxHere(): boolean {
  if (executablePath === undefined)
    process.stderr.write(
      'Firefox is not installed (neither firefox-esr nor firefox): nothing is checked in it.\n',
    );
  return executablePath !== undefined;
}

/** With an empty profile. */
export const openFirefox = (): Promise<Browser> =>
  launch({
    browser: 'firefox',
    headless: true,
    ...(executablePath === undefined ? {} : { executablePath }),
    extraPrefsFirefox: { 'intl.accept_languages': 'en-US' },
  });
