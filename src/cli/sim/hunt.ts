// Hunts through seeds over worker threads. Seeds are handed out in order, so that the first finding is the lowest seed's.

import { Worker } from 'node:worker_threads';
import { UsageError } from '../errors.ts';
import type { HuntChunk, HuntFinding, HuntRefusal, HuntResult, HuntSetup } from './hunt-worker.ts';

export interface HuntPlan extends HuntSetup {
  readonly from: number;
  /** Seeds to run; Infinity: until the time is over. */
  readonly seeds: number;
  readonly seconds: number;
  readonly jobs: number;
  /** Called after every chunk. */
  readonly onProgress?: (done: number, elapsedMs: number) => void;
  /** Stops the hunt when aborted. */
  readonly stop?: AbortSignal;
}

export interface HuntReport {
  readonly seeds: number;
  readonly findings: readonly HuntFinding[];
  readonly events: number;
  readonly virtualMs: number;
  readonly unrecoverable: number;
  readonly situations: ReadonlyMap<string, number>;
  readonly wallMs: number;
}

const CHUNK = 10;

export async function runHunt(plan: HuntPlan): Promise<HuntReport> {
  const started = performance.now();
  const deadline = started + plan.seconds * 1000;
  const situations = new Map<string, number>();
  const findings: HuntFinding[] = [];
  let [next, done, events, virtualMs, unrecoverable] = [0, 0, 0, 0, 0];

  /** Nothing more is handed out once something was found: what is out already has lower seeds, and is waited for. */
  function takeChunk(): HuntChunk | undefined {
    const over = performance.now() >= deadline || plan.stop?.aborted === true || findings.length > 0;
    if (over || next >= plan.seeds) return undefined;
    const count = Math.min(CHUNK, plan.seeds - next);
    const chunk = { from: plan.from + next, count };
    next += count;
    return chunk;
  }

  function collect(result: HuntResult): void {
    done += result.count;
    events += result.events;
    virtualMs += result.virtualMs;
    unrecoverable += result.unrecoverable;
    findings.push(...result.findings);
    for (const [name, times] of result.situations) situations.set(name, (situations.get(name) ?? 0) + times);
    plan.onProgress?.(done, performance.now() - started);
  }

  const { options, situations: counts, protocol } = plan;
  const setup: HuntSetup = { options, situations: counts, protocol };
  await Promise.all(Array.from({ length: plan.jobs }, () => runWorker(setup, takeChunk, collect)));
  findings.sort((a, b) => a.seed - b.seed);
  return {
    seeds: done,
    findings,
    events,
    virtualMs,
    unrecoverable,
    situations,
    wallMs: performance.now() - started,
  };
}

/** One thread, until there is nothing more to take. */
function runWorker(
  setup: HuntSetup,
  take: () => HuntChunk | undefined,
  collect: (result: HuntResult) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./hunt-worker.mjs', import.meta.url), { workerData: setup });
    worker.on('error', reject);
    worker.on('message', (message: 'ready' | HuntResult | HuntRefusal) => {
      if (typeof message === 'object' && 'refused' in message) {
        reject(new UsageError(message.refused));
        void worker.terminate();
        return;
      }
      if (message !== 'ready') collect(message);
      const chunk = take();
      if (chunk !== undefined) worker.postMessage(chunk);
      else void worker.terminate().then(() => resolve());
    });
  });
}
