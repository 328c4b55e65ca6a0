// Opens headless tabs, one a rank, and measures the all-reduce in them beside what it is compared with.

import type { Page } from 'playwright-core';
import { startServer } from '../../../server/start.ts';
import { ensureBrowser } from '../../browser.ts';
import type { Cleanup } from '../../cleanup.ts';
import { sleep, waitedInVain, within } from '../../deadline.ts';
import { launchProfile } from '../../room/profile.ts';
import { median } from './median.ts';
import type { BenchDoor, Measured, Run } from './protocol.ts';

const MIB = 1024 * 1024;
const LINK_MS = 60_000;
const RUN_MS = 180_000;
/** Bytes that one measurement moves on each rank, about: enough for the clock, little enough for a slow machine. */
const MEASURED_BYTES = 24 * MIB;
const MOST_ROUNDS = 100;
/** Measurements of each kind, interleaved; their median counts. */
const REPEATS = 3;

export interface AllReduceRow {
  readonly ranks: number;
  readonly mib: number;
  /** Of one all-reduce. */
  readonly ms: number;
  /** 2 (n − 1) / n · bytes / time, in 10⁶ bytes a second: what the ring must move on each link. */
  readonly busMBps: number;
  /** One bare channel, while every rank sends to its next at once. */
  readonly rawMBps: number;
  readonly ratio: number;
  readonly starMs: number;
  readonly peerjsMs: number;
}

export interface AllReduceReport {
  readonly rows: readonly AllReduceRow[];
  /** Of an all-reduce of 1 KiB, by ranks. */
  readonly latency: readonly { readonly ranks: number; readonly ms: number }[];
}

export interface AllReducePlan {
  readonly ranks: readonly number[];
  readonly mib: readonly number[];
}

export async function measureAllReduce(
  plan: AllReducePlan,
  cleanup: Cleanup,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<AllReduceReport> {
  const executable = await ensureBrowser({ log });
  const server = await startServer({ mode: 'dev', port: 0 });
  cleanup.add(() => server.close());
  const context = await launchProfile(executable, cleanup, signal);
  let epoch = 0;

  async function room(world: number): Promise<Room> {
    const name = `bench-${process.pid}-${world}`;
    const pages: Page[] = [];
    for (let i = 0; i < world; i++) {
      const page = await context.newPage();
      await page.goto(`${server.url}src/cli/bench/allreduce/page.html#room=${name}`);
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
    return { pages, members };
  }

  /** Milliseconds of one round: the slowest rank's time, over the rounds. */
  async function measure({ pages, members }: Room, kind: Run['kind'], bytes: number, rounds: number) {
    epoch += 1;
    const run = { kind, members, bytes, rounds, epoch };
    const measured = await within(
      `${kind} among ${members.length} tabs`,
      RUN_MS,
      signal,
      Promise.all(pages.map((page, rank) => page.evaluate(start, { ...run, rank }))),
    );
    return Math.max(...measured.map(({ ms }) => ms)) / rounds;
  }

  const rows: AllReduceRow[] = [];
  const latency: { ranks: number; ms: number }[] = [];
  for (const ranks of plan.ranks) {
    log(`Opening ${ranks} tabs.`);
    const opened = await room(ranks);
    await measure(opened, 'ring', 1024, 20);
    latency.push({ ranks, ms: await measure(opened, 'ring', 1024, 200) });
    for (const mib of plan.mib) {
      const bytes = Math.round(mib * MIB);
      const share = (2 * (ranks - 1)) / ranks;
      const rounds = Math.max(2, Math.min(MOST_ROUNDS, Math.round(MEASURED_BYTES / bytes)));
      const times: Record<Run['kind'], number[]> = { ring: [], star: [], raw: [], peerjs: [] };
      for (const kind of KINDS) await measure(opened, kind, bytes, 1);
      for (let repeat = 0; repeat < REPEATS; repeat++) {
        for (const kind of KINDS) {
          const rate = kind === 'raw' ? Math.round(bytes * share) : bytes;
          times[kind].push(await measure(opened, kind, rate, rounds));
        }
      }
      const ms = median(times.ring);
      const busMBps = (share * bytes) / ms / 1000;
      const rawMBps = (share * bytes) / median(times.raw) / 1000;
      rows.push({
        ranks,
        mib,
        ms,
        busMBps,
        rawMBps,
        ratio: busMBps / rawMBps,
        starMs: median(times.star),
        peerjsMs: median(times.peerjs),
      });
      log(
        `${ranks} ranks, ${mib} MiB: ${ms.toFixed(1)} ms, ${busMBps.toFixed(1)} of ${rawMBps.toFixed(1)} MB/s.`,
      );
    }
    await Promise.all(opened.pages.map((page) => page.close()));
  }
  return { rows, latency };
}

const KINDS = ['ring', 'raw', 'star', 'peerjs'] as const;

interface Room {
  readonly pages: readonly Page[];
  readonly members: readonly string[];
}

// These run inside a page: they travel as source text, so they name nothing of this module.

const readMember = (): string => (window as unknown as { bench: BenchDoor }).bench.member;
const readLinks = (): Promise<number> => (window as unknown as { bench: BenchDoor }).bench.links();
const connect = (to: { name: string; rank: number; world: number }): Promise<void> =>
  (window as unknown as { bench: BenchDoor }).bench.connect(to.name, to.rank, to.world);
const start = (run: Run): Promise<Measured> => (window as unknown as { bench: BenchDoor }).bench.run(run);
