// What a first visit loads and when things happen: JavaScript after gzip, paints, shifts, blocked time, the first step; and what axe finds.
//
//   npx tsx bench/lab/first-visit.ts [--visits 3] [--engine auto,webgpu] [--lighthouse]
//
// `--lighthouse` scores the pages as well; it comes with `npm --prefix bench install`.

import { createServer } from 'node:net';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import type { Page } from 'playwright-core';
import { BROWSER_FLAGS, ensureBrowser } from '../../src/cli/browser.ts';
import { importFromBench } from '../../src/cli/dawn.ts';
import { startServer } from '../../src/server/start.ts';

const { values } = parseArgs({
  options: {
    visits: { type: 'string', default: '3' },
    engine: { type: 'string', default: 'auto,webgpu' },
    lighthouse: { type: 'boolean', default: false },
  },
});
const server = await startServer({ mode: 'preview', port: 0 });
const executablePath = await ensureBrowser({ log: console.error });

interface Visit {
  readonly kib: number;
  readonly interactive: number;
  readonly step: number;
  readonly fcp: number;
  readonly lcp: number;
  /** Milliseconds beyond 50 of each task of the page, from the first paint to the first step. */
  readonly tbt: number;
  readonly cls: number;
}

/** Observers that are there before anything happens. */
const OBSERVE = `
  window.seen = { lcp: 0, tbt: 0, cls: 0 };
  const watch = (type, see) => new PerformanceObserver((list) => list.getEntries().forEach(see)).observe({ type, buffered: true });
  watch('largest-contentful-paint', ({ startTime }) => { seen.lcp = startTime; });
  watch('layout-shift', ({ value, hadRecentInput }) => { if (!hadRecentInput) seen.cls += value; });
  watch('longtask', ({ duration }) => { seen.tbt += Math.max(0, duration - 50); });
`;

async function visit(query: string): Promise<Visit> {
  const browser = await chromium.launch({ executablePath, args: [...BROWSER_FLAGS] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(60_000);
    await page.addInitScript(OBSERVE);
    const sizes = new Map<string, Promise<number>>();
    page.context().on('response', (response) => {
      const url = response.url();
      if (!url.endsWith('.js') || sizes.has(url)) return;
      const size = response.body().then(
        (body) => gzipSync(body, { level: 6 }).length,
        () => 0,
      );
      sizes.set(url, size);
    });
    await page.goto(`${server.url}${query}`, { waitUntil: 'commit' });
    const times = await page.evaluate(async () => {
      let interactive = 0;
      for (;;) {
        if (interactive === 0 && document.querySelector('.header button') !== null)
          interactive = performance.now();
        if (Number(document.querySelector('.ring-step')?.textContent) >= 1) break;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const [paint] = performance.getEntriesByName('first-contentful-paint');
      const { seen } = window as unknown as { readonly seen: { lcp: number; tbt: number; cls: number } };
      return { interactive, step: performance.now(), fcp: paint?.startTime ?? 0, ...seen };
    });
    const kib = (await Promise.all(sizes.values())).reduce((sum, size) => sum + size, 0) / 1024;
    return { ...times, kib };
  } finally {
    await browser.close();
  }
}

const ms = (time: number): string => `${(time / 1000).toFixed(2)} s`;
for (const engine of values.engine.split(',')) {
  for (let i = 0; i < Number(values.visits); i++) {
    const { kib, interactive, step, fcp, lcp, tbt, cls } = await visit(`?autostart=1&engine=${engine}`);
    console.log(
      `${engine.padEnd(7)} ${kib.toFixed(0)} KiB, interactive ${ms(interactive)}, first step ${ms(step)}; FCP ${ms(fcp)}, LCP ${ms(lcp)}, TBT ${tbt.toFixed(0)} ms, CLS ${cls.toFixed(3)}`,
    );
  }
}

const PAGES = ['', 'lessons.html', 'lessons.html#zombie', 'volunteer.html', 'console.html'];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function axeFinds(page: Page): Promise<string> {
  await page.evaluate(AXE);
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      readonly axe: {
        run(options: unknown): Promise<{ violations: readonly { id: string }[]; passes: readonly unknown[] }>;
      };
    };
    const { violations, passes } = await axe.run({ iframes: false });
    return `${violations.length} of ${violations.length + passes.length} rules broken ${violations.map(({ id }) => id).join(', ')}`;
  });
}

const port = await new Promise<number>((resolve) => {
  const probe = createServer().listen(0, () => {
    const address = probe.address();
    probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
  });
});
const browser = await chromium.launch({
  executablePath,
  args: [...BROWSER_FLAGS, `--remote-debugging-port=${port}`],
});
type Lighthouse = (
  url: string,
  flags: unknown,
  config: unknown,
) => Promise<{ lhr: { categories: Readonly<Record<string, { score: number | null }>> } }>;
const lighthouse = values.lighthouse
  ? ((await importFromBench('lighthouse')) as { default: Lighthouse }).default
  : undefined;
for (const path of PAGES) {
  const url = `${server.url}${path}`;
  const page = await browser.newPage();
  await page.goto(url);
  await page.waitForTimeout(1000);
  console.log(`/${path}: axe: ${await axeFinds(page)}`);
  await page.close();
  if (lighthouse === undefined) continue;
  const { lhr } = await lighthouse(
    url,
    { port, logLevel: 'error', onlyCategories: ['performance', 'accessibility', 'best-practices'] },
    {
      extends: 'lighthouse:default',
      settings: {
        formFactor: 'desktop',
        screenEmulation: { mobile: false, width: 1350, height: 940, deviceScaleFactor: 1, disabled: false },
        throttling: {
          rttMs: 40,
          throughputKbps: 10_240,
          cpuSlowdownMultiplier: 1,
          requestLatencyMs: 0,
          downloadThroughputKbps: 0,
          uploadThroughputKbps: 0,
        },
      },
    },
  );
  const scores = Object.entries(lhr.categories).map(
    ([name, { score }]) => `${name} ${Math.round(100 * (score ?? 0))}`,
  );
  console.log(`/${path}: lighthouse: ${scores.join(', ')}`);
}
await browser.close();
process.exit(0);
