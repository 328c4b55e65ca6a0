// A training step in headless Chromium: a page of our own server measures, and this side asks it.

import type { Job } from '../../../job/job.ts';
import { startServer } from '../../../server/start.ts';
import { ensureBrowser } from '../../browser.ts';
import type { Cleanup } from '../../cleanup.ts';
import { within } from '../../deadline.ts';
import { launchProfile } from '../../room/profile.ts';
import type { MeasureOptions, StepMeasurement } from './measure.ts';
import type { StepDoor } from './page.ts';

const OPEN_MS = 120_000;
/** Beside the time that the steps may take: a software adapter compiles a GPT's kernels for minutes. */
const MEASURE_MS = 600_000;

export async function measureInBrowser(
  job: Job,
  options: MeasureOptions,
  tune: boolean,
  cleanup: Cleanup,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<StepMeasurement & { readonly adapter: string }> {
  const executable = await ensureBrowser({ log });
  const server = await startServer({ mode: 'dev', port: 0 });
  cleanup.add(() => server.close());
  const context = await launchProfile(executable, cleanup, signal);
  const page = await context.newPage();
  await page.goto(`${server.url}src/cli/bench/step/page.html`, { timeout: OPEN_MS });
  await page.waitForFunction(() => 'stepBench' in window, undefined, { timeout: OPEN_MS });
  const measured = page.evaluate(measure, { job, options, tune });
  return within('the steps', MEASURE_MS + options.budgetMs, signal, measured);
}

interface Order {
  readonly job: Job;
  readonly options: MeasureOptions;
  readonly tune: boolean;
}

// This runs inside the page: it travels as source text, so it names nothing of this module.
const measure = ({ job, options, tune }: Order) =>
  (window as unknown as { readonly stepBench: StepDoor }).stepBench.measure(job, options, tune);
