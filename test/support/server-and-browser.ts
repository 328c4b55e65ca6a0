// A server of this project and a browser for it: what tests open that drive whole pages, each in a profile of its own, from outside.

import { chromium } from 'playwright-core';
import type { Browser, LaunchOptions } from 'playwright-core';
import { BROWSER_FLAGS, ensureBrowser } from '../../src/cli/browser.ts';
import { startServer } from '../../src/server/start.ts';
import type { RunningServer, StartOptions } from '../../src/server/start.ts';

export interface ServerAndBrowser {
  readonly server: RunningServer;
  readonly browser: Browser;
  close(): Promise<void>;
}

/** On a free port. */
export async function openServerAndBrowser(options: Omit<StartOptions, 'port'>): Promise<ServerAndBrowser> {
  const [server, browser] = await Promise.all([startServer({ ...options, port: 0 }), launchBrowser()]);
  return {
    server,
    browser,
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** `flags` beside those that every browser of this project gets. */
export const launchBrowser = async (
  flags: readonly string[] = [],
  options: Pick<LaunchOptions, 'ignoreDefaultArgs'> = {},
): Promise<Browser> =>
  await chromium.launch({
    executablePath: await browserPath(),
    args: [...BROWSER_FLAGS, ...flags],
    ...options,
  });

/** Where the browser is; it is installed after saying so where there is none. */
export const browserPath = (): Promise<string> =>
  ensureBrowser({ log: (line) => process.stderr.write(`${line}\n`) });
