// Frames of the lab's space-time diagram while it is panned and zoomed, in headless Chromium without a frame limit:
//
//   npx tsx bench/diagram/pan.ts [--events 100000] [--frames 240]
//
// Exit status 1 when the median frame takes 16 ms or longer.

import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { createServer } from 'vite';
import { BROWSER_FLAGS, ensureBrowser } from '../../src/cli/browser.ts';
import type {} from './pan-page.tsx';

const GOAL_MS = 16;
const { values } = parseArgs({
  options: { events: { type: 'string', default: '100000' }, frames: { type: 'string', default: '240' } },
});
const root = fileURLToPath(new URL('../..', import.meta.url));
const server = await createServer({ root, logLevel: 'error', server: { port: 0, hmr: false, watch: null } });
await server.listen();
const browser = await chromium.launch({
  executablePath: await ensureBrowser({ log: console.error }),
  args: [...BROWSER_FLAGS, '--disable-frame-rate-limit', '--disable-gpu-vsync'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(120_000);
  await page.goto(`${server.resolvedUrls?.local[0] ?? ''}bench/diagram/pan.html`);
  await page.waitForFunction(() => 'panned' in window);
  const { events, sceneMs, frames } = await page.evaluate(([count, many]) => window.panned(count, many), [
    Number(values.events),
    Number(values.frames),
  ] as const);
  console.log(`${events.toLocaleString('en-US')} events, laid out in ${sceneMs.toFixed(0)} ms`);
  const at = (sorted: readonly number[], share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  for (const [what, times] of Object.entries(frames)) {
    const sorted = times.toSorted((a, b) => a - b);
    const median = at(sorted, 0.5);
    console.log(
      `${what.padEnd(18)} median ${median.toFixed(1).padStart(5)} ms, 95% ${at(sorted, 0.95).toFixed(1).padStart(5)} ms, slowest ${at(sorted, 1).toFixed(1).padStart(6)} ms`,
    );
    if (median >= GOAL_MS) process.exitCode = 1;
  }
} finally {
  await browser.close();
  await server.close();
}
// Vite's own helpers may keep the process a while longer.
process.exit();
