// A hunt over all cores: seeds are handed out in order, so that the first finding is that of the lowest seed.

import type { Crew } from './crew.ts';
import type { HuntFinding } from './api.ts';

export interface HuntProgress {
  readonly seeds: number;
  readonly virtualMs: number;
  readonly wallMs: number;
}

export interface HuntPlan {
  readonly from: number;
  readonly ranks: number;
  readonly workers: number;
  /** Seeds until it is given up. */
  readonly seeds: number;
  readonly onProgress: (progress: HuntProgress) => void;
}

/** Few enough that the rate is seen to move, and that a finding is told soon. */
const CHUNK = 5;

/** The first seed that violates something; undefined: none of so many does. */
export async function hunt(crew: Crew, plan: HuntPlan): Promise<HuntFinding | undefined> {
  const started = performance.now();
  const findings: HuntFinding[] = [];
  let [next, seeds, virtualMs] = [0, 0, 0];

  async function work(): Promise<void> {
    const { worker } = await crew.hire();
    // What is handed out already has lower seeds, and is waited for.
    while (findings.length === 0 && next < plan.seeds) {
      const count = Math.min(CHUNK, plan.seeds - next);
      const from = plan.from + next;
      next += count;
      const result = await worker.hunt({ from, count, ranks: plan.ranks });
      seeds += result.count;
      virtualMs += result.virtualMs;
      if (result.finding !== undefined) findings.push(result.finding);
      plan.onProgress({ seeds, virtualMs, wallMs: performance.now() - started });
    }
  }

  await Promise.all(Array.from({ length: plan.workers }, work));
  return findings.toSorted((a, b) => a.seed - b.seed)[0];
}
