// The tabs of one measurement: pages of the benchmark in one browser, linked with each other, and what they are asked to do.

import type { BrowserContext, Page } from 'playwright-core';
import { sleep, waitedInVain, within } from '../../deadline.ts';
import type { BenchDoor, Measured, Run } from './protocol.ts';

const LINK_MS = 60_000;
const RUN_MS = 180_000;

export interface Tabs {
  readonly pages: readonly Page[];
  /** Runs on all tabs at once; what each measured, by rank. */
  run(kind: Run['kind'], bytes: number, rounds: number): Promise<readonly Measured[]>;
  close(): Promise<void>;
}

/** Opens `world` tabs and waits until all are linked with all. */
export async function openTabs(
  context: BrowserContext,
  origin: string,
  world: number,
  signal: AbortSignal,
): Promise<Tabs> {
  const name = `bench-${process.pid}-${world}`;
  const pages: Page[] = [];
  for (let i = 0; i < world; i++) {
    const page = await context.newPage();
    await page.goto(`${origin}src/cli/bench/allreduce/page.html#room=${name}`);
    pages.push(page);
  }
  await within(
    'the pages to load',
    LINK_MS,
    signal,
    Promise.all(pages.map((page) => page.waitForFunction(() => 'bench' in window))),
  );
  const members = await Promise.all(pages.map((page) => page.evaluate(readMember)));
  const deadline = Date.now() + LINK_MS;
  for (;;) {
    const links = await Promise.all(pages.map((page) => page.evaluate(readLinks)));
    if (links.every((count) => count === world - 1)) break;
    if (Date.now() > deadline) throw waitedInVain('the tabs to link', LINK_MS, links.join(', '));
    await sleep(100, signal);
  }
  await within(
    'bare channels to open',
    LINK_MS,
    signal,
    Promise.all(pages.map((page, rank) => page.evaluate(connect, { name, rank, world }))),
  );

  let epoch = 0;
  return {
    pages,
    async run(kind, bytes, rounds) {
      epoch += 1;
      const run = { kind, members, bytes, rounds, epoch };
      return await within(
        `${kind} among ${world} tabs`,
        RUN_MS,
        signal,
        Promise.all(pages.map((page, rank) => page.evaluate(start, { ...run, rank }))),
      );
    },
    async close() {
      await Promise.all(pages.map((page) => page.close()));
    },
  };
}

// These run inside a page: they travel as source text, so they name nothing of this module.

const readMember = (): string => (window as unknown as { bench: BenchDoor }).bench.member;
const readLinks = (): Promise<number> => (window as unknown as { bench: BenchDoor }).bench.links();
const connect = (to: { name: string; rank: number; world: number }): Promise<void> =>
  (window as unknown as { bench: BenchDoor }).bench.connect(to.name, to.rank, to.world);
const start = (run: Run): Promise<Measured> => (window as unknown as { bench: BenchDoor }).bench.run(run);
