// Measures checkpoints in a real headless tab, with the engine, the workers and the store of a rank.

import { startServer } from '../../../server/start.ts';
import type { EngineChoice } from '../../../live/api.ts';
import { ensureBrowser } from '../../browser.ts';
import type { Cleanup } from '../../cleanup.ts';
import { within } from '../../deadline.ts';
import { launchProfile } from '../../room/profile.ts';
import type { CheckpointDoor } from './page.ts';
import type { CheckpointReport, CheckpointRow } from './report.ts';

const OPEN_MS = 120_000;
/** Of one size; a software adapter takes its time to open an engine. */
const MEASURE_MS = 300_000;

export async function measureCheckpoints(
  engine: Exclude<EngineChoice, 'auto'>,
  sizes: readonly number[],
  cleanup: Cleanup,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<CheckpointReport> {
  const executable = await ensureBrowser({ log });
  const server = await startServer({ mode: 'dev', port: 0 });
  cleanup.add(() => server.close());
  const context = await launchProfile(executable, cleanup, signal);
  const page = await context.newPage();
  await page.goto(`${server.url}src/cli/bench/checkpoint/page.html`, { timeout: OPEN_MS });
  await page.waitForFunction(() => 'checkpointBench' in window, undefined, { timeout: OPEN_MS });
  // Loading the page is not what is measured.
  const before = await page.evaluate(blockedMs);
  const digits = await within('the digits', MEASURE_MS, signal, page.evaluate(measureDigits, engine));
  const rows: CheckpointRow[] = [];
  let adapter = '';
  for (const mib of sizes) {
    const { adapter: found, ...row } = await within(
      `a checkpoint of ${mib} MiB`,
      MEASURE_MS,
      signal,
      page.evaluate(measureRow, { engine, mib }),
    );
    adapter = found;
    rows.push(row);
  }
  const pageBlockedMs = (await page.evaluate(blockedMs)) - before;
  return { engine, adapter, rows, pageBlockedMs, digits };
}

interface Door {
  readonly checkpointBench: CheckpointDoor;
}

// These run inside the page: they travel as source text, so they name nothing of this module.

const measureRow = ({ engine, mib }: { engine: EngineChoice; mib: number }) =>
  (window as unknown as Door).checkpointBench.row(engine, mib);
const measureDigits = (engine: EngineChoice) => (window as unknown as Door).checkpointBench.digits(engine);
const blockedMs = () => (window as unknown as Door).checkpointBench.blockedMs();
