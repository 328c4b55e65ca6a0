// Verification in headless Chromium: a page of our own server computes, and this side gives it the files.

import { startServer } from '../../server/start.ts';
import { ensureBrowser } from '../browser.ts';
import type { Cleanup } from '../cleanup.ts';
import { within } from '../deadline.ts';
import { launchProfile } from '../room/profile.ts';
import type { VerifyDoor } from './page.ts';
import type { VerifyReport } from './report.ts';
import type { ReferenceFiles } from './verify.ts';

const OPEN_MS = 120_000;
/** A software adapter takes minutes for a GPT's hundreds of steps. */
const VERIFY_MS = 3_600_000;

/** `names`: every file that the reference has, which has been read and found good. */
export async function verifyInBrowser(
  files: ReferenceFiles,
  names: readonly string[],
  tell: (line: string) => void,
  cleanup: Cleanup,
  signal: AbortSignal,
): Promise<VerifyReport> {
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  const executable = await ensureBrowser({ log });
  const server = await startServer({ mode: 'dev', port: 0 });
  cleanup.add(() => server.close());
  const context = await launchProfile(executable, cleanup, signal);
  const page = await context.newPage();
  await page.exposeFunction('readReferenceFile', (name: string) =>
    Buffer.from(files.read(name)).toString('base64'),
  );
  await page.exposeFunction('tellProgress', tell);
  await page.goto(`${server.url}src/cli/verify/page.html`, { timeout: OPEN_MS });
  await page.waitForFunction(() => 'verifyDoor' in window, undefined, { timeout: OPEN_MS });
  return within('the verification', VERIFY_MS, signal, page.evaluate(run, names));
}

// This runs inside the page: it travels as source text, so it names nothing of this module.
const run = (names: readonly string[]) =>
  (window as unknown as { readonly verifyDoor: VerifyDoor }).verifyDoor.verify(names);
