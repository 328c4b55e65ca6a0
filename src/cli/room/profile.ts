// A headless browser with a profile of its own in a temporary folder: its tabs share IndexedDB and Web Locks with each other
// and with nobody else, and nothing of it is left behind.

import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { BrowserContext } from 'playwright-core';
import { BROWSER_FLAGS } from '../browser.ts';
import type { Cleanup } from '../cleanup.ts';
import { within } from '../deadline.ts';

const LAUNCH_MS = 60_000;

/** Chromium shares one renderer between tabs when memory is short; a tab that is killed must not take others with it. */
const ONE_RENDERER_A_TAB = '--renderer-process-limit=64';

export async function launchProfile(
  executablePath: string,
  cleanup: Cleanup,
  signal: AbortSignal,
  options: { readonly ignoreHTTPSErrors?: boolean } = {},
): Promise<BrowserContext> {
  const folder = await mkdtemp(join(tmpdir(), 'rankfall-profile-'));
  const removeAtOnce = (): void => {
    rmSync(folder, { recursive: true, force: true });
  };
  // For an end without cleanup: a second Ctrl-C.
  process.once('exit', removeAtOnce);
  cleanup.add(async () => {
    // A browser that is going away may still write a last file.
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    process.off('exit', removeAtOnce);
  });
  const launching = chromium.launchPersistentContext(folder, {
    executablePath,
    headless: true,
    ...options,
    // Nobody looks at these pages: what they need not draw is left to the ranks.
    reducedMotion: 'reduce',
    viewport: { width: 800, height: 600 },
    args: [...BROWSER_FLAGS, ONE_RENDERER_A_TAB],
    // The command takes the browser down itself.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    timeout: LAUNCH_MS,
  });
  cleanup.add(async () => (await launching).close());
  return within('the browser to start', LAUNCH_MS + 5000, signal, launching);
}
