// The WebGPU engine's matrix product in headless Chromium: a page of our own server measures, and this side asks it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from '../../../server/start.ts';
import { ensureBrowser } from '../../browser.ts';
import type { Cleanup } from '../../cleanup.ts';
import { BENCH } from '../../dawn.ts';
import { within } from '../../deadline.ts';
import { launchProfile } from '../../room/profile.ts';
import { UsageError } from '../../errors.ts';
import type { MatmulDoor } from './page.ts';
import type { MatmulTarget, Transpose } from './report.ts';

const OPEN_MS = 120_000;
/** Of one size and transposition; a software adapter takes seconds for what a GPU does in milliseconds. */
const MEASURE_MS = 600_000;

const TFJS = [
  'node_modules/@tensorflow/tfjs/dist/tf.min.js',
  'node_modules/@tensorflow/tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js',
];
const JAX = 'node_modules/@jax-js/jax/dist/index.js';

export async function browserTarget(
  withPeers: boolean,
  cleanup: Cleanup,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<MatmulTarget> {
  if (withPeers && ![...TFJS, JAX].every((path) => existsSync(join(BENCH, path))))
    throw new UsageError('The peers are not installed: run "npm --prefix bench install" first.');
  const executable = await ensureBrowser({ log });
  const server = await startServer({ mode: 'dev', port: 0 });
  cleanup.add(() => server.close());
  const context = await launchProfile(executable, cleanup, signal);
  const page = await context.newPage();
  await page.goto(`${server.url}src/cli/bench/matmul/page.html`, { timeout: OPEN_MS });
  await page.waitForFunction(() => 'matmulBench' in window, undefined, { timeout: OPEN_MS });
  const about = await within('a WebGPU device', OPEN_MS, signal, page.evaluate(open));
  if (withPeers) {
    for (const path of TFJS) await page.addScriptTag({ path: join(BENCH, path) });
    await within('the peers', OPEN_MS, signal, page.evaluate(openPeers, `${server.url}bench/${JAX}`));
  }
  const ask = <T>(what: string, answer: Promise<T>): Promise<T> => within(what, MEASURE_MS, signal, answer);
  return {
    ...about,
    measure: (size, transpose) =>
      ask(`${transpose} of size ${size}`, page.evaluate(measure, { size, transpose })),
    copyBandwidth: () => ask('a copy', page.evaluate(copyBandwidth)),
    measurePeers: (size, transpose) =>
      ask(`the peers' ${transpose} of size ${size}`, page.evaluate(measurePeers, { size, transpose })),
  };
}

interface Door {
  readonly matmulBench: MatmulDoor;
}
interface Product {
  readonly size: number;
  readonly transpose: Transpose;
}

// These run inside the page: they travel as source text, so they name nothing of this module.

const open = () => (window as unknown as Door).matmulBench.open();
const openPeers = (jaxUrl: string) => (window as unknown as Door).matmulBench.openPeers(jaxUrl);
const measure = ({ size, transpose }: Product) =>
  (window as unknown as Door).matmulBench.target().measure(size, transpose);
const measurePeers = ({ size, transpose }: Product) =>
  (window as unknown as Door).matmulBench.target().measurePeers(size, transpose);
const copyBandwidth = () => (window as unknown as Door).matmulBench.target().copyBandwidth();
