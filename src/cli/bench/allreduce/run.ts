// Opens headless tabs, one a rank, and measures the all-reduce in them beside what it is compared with.

import type { BrowserContext } from 'playwright-core';
import { startServer } from '../../../server/start.ts';
import { ensureBrowser } from '../../browser.ts';
import type { Cleanup } from '../../cleanup.ts';
import { launchProfile } from '../../room/profile.ts';
import { workerHeapBytes } from './heap.ts';
import { median, percentile } from '../median.ts';
import type { Measured, Run } from './protocol.ts';
import { openTabs, type Tabs } from './tabs.ts';

const MIB = 1024 * 1024;
/** How long one measurement takes, about, in milliseconds: enough beside the start, which the tabs do not hear at the same instant. */
const MEASURED_MS = 500;
const MOST_ROUNDS = 100;
/** A longer vector than this is not warmed up for: code and connections are warm by then. */
const WARM_UP_BYTES = MIB;
/**
 * Turns of the ring and the bare loop; medians count. A row takes the first number of them unless it would take longer than the second, in
 * milliseconds, and more while it is short. One turn of each is a lottery: half of such pairs lie within a sixth of their middle, and of
 * three turns the ratio of the medians was 0.76 at one time and 1.01 at another.
 */
const ENOUGH = { turns: 5, mostMs: 60_000 };
const PLENTY = { turns: 21, mostMs: 20_000 };
/** The others, which are only looked at beside, have one turn in so many. */
const BESIDE_EVERY = 4;
/** The vector whose exchange control messages are measured beside, and for how long, in milliseconds. */
const CONTROL_MIB = 4;
const CONTROL_MS = 4_000;
const LEAST_CONTROL_ROUNDS = 3;

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

/** What is measured once for a number of ranks. */
export interface BesideRow {
  readonly ranks: number;
  /** Of an all-reduce of 1 KiB. */
  readonly smallMs: number;
  /** Of round trips on control between neighbours, while bulk is under way. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The most that any data channel buffered. */
  readonly mostBufferedBytes: number;
}

export interface AllReduceReport {
  readonly rows: readonly AllReduceRow[];
  readonly beside: readonly BesideRow[];
}

export interface AllReducePlan {
  readonly ranks: readonly number[];
  readonly mib: readonly number[];
}

type Log = (line: string) => void;

/** The slowest rank's time for one round, in milliseconds. */
const msOf = (measured: readonly Measured[]): number =>
  Math.max(...measured.map(({ ms, rounds }) => ms / rounds));

export async function measureAllReduce(
  plan: AllReducePlan,
  cleanup: Cleanup,
  signal: AbortSignal,
  log: Log,
): Promise<AllReduceReport> {
  const { context, url } = await openBench(cleanup, signal, log);
  const rows: AllReduceRow[] = [];
  const beside: BesideRow[] = [];
  for (const ranks of plan.ranks) {
    log(`Opening ${ranks} tabs.`);
    const tabs = await openTabs(context, url, ranks, signal);
    await tabs.run('ring', 1024, 20);
    const smallMs = msOf(await tabs.run('ring', 1024, 200));
    for (const mib of plan.mib) {
      const { turns, middleHalf, ...row } = await compare(tabs, ranks, mib);
      rows.push(row);
      const half = middleHalf.map((ratio) => ratio.toFixed(2)).join(' to ');
      log(
        `${ranks} ranks, ${mib} MiB: ${row.ms.toFixed(1)} ms, ${row.busMBps.toFixed(1)} of ${row.rawMBps.toFixed(1)} MB/s; half of ${turns} turns gave ${half}.`,
      );
    }
    beside.push({ ranks, smallMs, ...(await pinged(tabs)) });
    await tabs.close();
  }
  return { rows, beside };
}

async function openBench(
  cleanup: Cleanup,
  signal: AbortSignal,
  log: Log,
): Promise<{ readonly context: BrowserContext; readonly url: string }> {
  const executable = await ensureBrowser({ log });
  const server = await startServer({ mode: 'dev', port: 0 });
  cleanup.add(() => server.close());
  return { context: await launchProfile(executable, cleanup, signal), url: server.url };
}

const COMPARED = ['ring', 'raw'] as const satisfies readonly Run['kind'][];
const KINDS = [...COMPARED, 'star', 'peerjs'] as const satisfies readonly Run['kind'][];

/** So many rounds as fill `ms`, when one takes `roundMs`. */
const roundsIn = (ms: number, roundMs: number, least: number): number =>
  Math.max(least, Math.min(MOST_ROUNDS, Math.round(ms / roundMs)));

interface Compared extends AllReduceRow {
  readonly turns: number;
  /** Between which ratios half of the turns lie. */
  readonly middleHalf: readonly [number, number];
}

async function compare(tabs: Tabs, ranks: number, mib: number): Promise<Compared> {
  const bytes = Math.round(mib * MIB);
  const share = (2 * (ranks - 1)) / ranks;
  const sent = (kind: Run['kind'], of: number): number => (kind === 'raw' ? Math.round(of * share) : of);
  const warmUp = Math.min(bytes, WARM_UP_BYTES);
  const rounds: Record<(typeof KINDS)[number], number> = { ring: 1, raw: 1, star: 1, peerjs: 1 };
  for (const kind of KINDS) {
    await tabs.run(kind, sent(kind, warmUp), 1);
    const roundMs = (msOf(await tabs.run(kind, sent(kind, warmUp), 2)) * bytes) / warmUp;
    rounds[kind] = roundsIn(MEASURED_MS, roundMs, 1);
  }
  // As many in a turn: what the start of one costs weighs as much in both.
  rounds.raw = rounds.ring;
  const times: Record<(typeof KINDS)[number], number[]> = { ring: [], star: [], raw: [], peerjs: [] };
  const began = performance.now();
  let lastMs = 0;
  for (let turn = 0; ; turn++) {
    const now = performance.now();
    const fits = ({ turns, mostMs }: typeof ENOUGH): boolean => turn < turns && now + lastMs - began < mostMs;
    if (turn > 0 && !fits(ENOUGH) && !fits(PLENTY)) break;
    // There and back: neither the ring nor what it is compared with is always first.
    const kinds = turn % BESIDE_EVERY === 0 ? KINDS : COMPARED;
    for (const kind of turn % 2 === 0 ? kinds : kinds.toReversed())
      times[kind].push(msOf(await tabs.run(kind, sent(kind, bytes), rounds[kind])));
    if (turn % BESIDE_EVERY !== 0) lastMs = performance.now() - now;
  }
  const pairs = times.ring.map((ringMs, turn) => (times.raw[turn] ?? NaN) / ringMs);
  const ms = median(times.ring);
  const busMBps = (share * bytes) / ms / 1000;
  const rawMBps = (share * bytes) / median(times.raw) / 1000;
  return {
    ranks,
    mib,
    ms,
    busMBps,
    rawMBps,
    ratio: busMBps / rawMBps,
    starMs: median(times.star),
    peerjsMs: median(times.peerjs),
    turns: pairs.length,
    middleHalf: [percentile(pairs, 0.25), percentile(pairs, 0.75)],
  };
}

async function pinged(tabs: Tabs): Promise<Omit<BesideRow, 'ranks' | 'smallMs'>> {
  const bytes = CONTROL_MIB * MIB;
  const roundMs = msOf(await tabs.run('ring', bytes, 1));
  const measured = await tabs.run('pinged-ring', bytes, roundsIn(CONTROL_MS, roundMs, LEAST_CONTROL_ROUNDS));
  const trips = measured.flatMap(({ roundTripsMs }) => roundTripsMs);
  return {
    p50Ms: percentile(trips, 0.5),
    p99Ms: percentile(trips, 0.99),
    mostBufferedBytes: Math.max(...measured.map(({ mostBufferedBytes }) => mostBufferedBytes)),
  };
}

/** Collectives of one soak, and after how many its memory is first looked at. */
const SOAK_COLLECTIVES = 10_000;
const SOAK_WARM = 1_000;
const SOAK_RANKS = 2;
/** Small and medium, by turns. */
const SOAK_BYTES = [1024, 64 * 1024] as const;
const SOAK_TURN = 250;

export interface SoakReport {
  readonly soak: {
    readonly ranks: number;
    /** Of the workers after garbage collection, the mean of the ranks. */
    readonly heap: readonly { readonly collectives: number; readonly bytes: number }[];
  };
}

/** What many collectives leave behind in the workers. */
export async function soakAllReduce(cleanup: Cleanup, signal: AbortSignal, log: Log): Promise<SoakReport> {
  const { context, url } = await openBench(cleanup, signal, log);
  log(`Opening ${SOAK_RANKS} tabs.`);
  const tabs = await openTabs(context, url, SOAK_RANKS, signal);
  const heap: { collectives: number; bytes: number }[] = [];
  for (let turn = 1; turn * SOAK_TURN <= SOAK_COLLECTIVES; turn++) {
    await tabs.run('ring', SOAK_BYTES[turn % 2] ?? 1024, SOAK_TURN);
    const collectives = turn * SOAK_TURN;
    if (collectives % SOAK_WARM !== 0) continue;
    const bytes = await Promise.all(tabs.pages.map(workerHeapBytes));
    heap.push({ collectives, bytes: bytes.reduce((sum, one) => sum + one, 0) / bytes.length });
    log(`${collectives} collectives: ${((heap.at(-1)?.bytes ?? 0) / MIB).toFixed(2)} MiB.`);
  }
  return { soak: { ranks: SOAK_RANKS, heap } };
}
