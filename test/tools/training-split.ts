// `npm run training-split`: how long a step takes for 1 and for 4 tabs, with buckets exchanged while backward runs and without, and
// where the time of the ranks goes. Prints the table of docs/benchmarks.md. Real tabs, a real server, the CPU engine. What is compared
// takes turns, and the middle of each figure counts.

import { parseArgs } from 'node:util';
import type { Job } from '../../src/job/job.ts';
import { median } from '../../src/cli/bench/median.ts';
import { JOB_PRESETS, PRESET_NAMES, type PresetName } from '../../src/job/presets.ts';
import { newRoom } from '../../src/live/link.ts';
import type { TraceRecord } from '../../src/trace/events.ts';
import { openFrames, openLab, until, type FramedRank, type Lab } from '../e2e/frames.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '80' },
    ranks: { type: 'string', default: '1,2,4' },
    jobs: { type: 'string', default: 'digits' },
    repeats: { type: 'string', default: '3' },
  },
});
const steps = Number(values.steps);
const repeats = Number(values.repeats);
const jobs = values.jobs
  .split(',')
  .filter((name): name is PresetName => PRESET_NAMES.some((known) => known === name));
/** Steps before anything is measured: code is compiled, caches are filled, shares are settled. */
const WARM_UP = 20;

/** When a rank began to compute a step, had contributed to it, had the sum, and had applied it. */
interface StepTimes {
  readonly begun: number;
  readonly contributed: number;
  readonly whole: number;
  readonly applied: number;
}

function timesOf(log: readonly TraceRecord[]): ReadonlyMap<number, StepTimes> {
  const times = new Map<number, StepTimes>();
  let [begun, contributed, whole] = [NaN, NaN, NaN];
  for (const { at, event } of log) {
    if (event.kind === 'phase' && event.phase === 'computing') begun = at;
    if (event.kind === 'phase' && event.phase === 'reducing') contributed = at;
    if (event.kind === 'phase' && event.phase === 'applying') whole = at;
    if (event.kind === 'applied') times.set(event.step, { begun, contributed, whole, applied: at });
  }
  return times;
}

interface Split {
  readonly stepsPerSecond: number;
  /** Shares of the ranks' time. */
  readonly compute: number;
  readonly wait: number;
  readonly exposed: number;
}

/** Waiting lasts until the last rank has contributed; what is left of an exchange after that is exposed communication. */
function splitOf(logs: readonly (readonly TraceRecord[])[]): Split {
  const ranks = logs.map(timesOf);
  let [compute, wait, exposed, all] = [0, 0, 0, 0];
  for (let step = WARM_UP; step < steps; step++) {
    const times = ranks.flatMap((of) => of.get(step) ?? []);
    const last = Math.max(...times.map(({ contributed }) => contributed));
    for (const { begun, contributed, whole, applied } of times) {
      const waited = Math.max(0, Math.min(whole, last) - contributed);
      compute += contributed - begun + applied - whole;
      wait += waited;
      exposed += whole - contributed - waited;
      all += applied - begun;
    }
  }
  const [first] = ranks;
  const seconds = ((first?.get(steps - 1)?.applied ?? NaN) - (first?.get(WARM_UP)?.begun ?? NaN)) / 1000;
  return {
    stepsPerSecond: (steps - WARM_UP) / seconds,
    compute: compute / all,
    wait: wait / all,
    exposed: exposed / all,
  };
}

async function measure(lab: Lab, job: Job, count: number): Promise<Split> {
  const link = newRoom();
  const ranks: FramedRank[] = [];
  const pages = await Promise.all(Array.from({ length: count }, () => openFrames(lab)));
  for (const [i, frames] of pages.entries())
    ranks.push(
      await frames.open({ ...link, fresh: i === 0, engine: 'cpu', autostart: false, tune: false, job }),
    );
  await until('all are members', ranks, (all) =>
    all.every(({ phase, members }) => phase === 'idle' && members.length === count),
  );
  await ranks[0]?.ask('start');
  // Looked at seldom: the tabs are to have the processor.
  while ((await ranks[0]?.status())?.phase !== 'done')
    await new Promise((resolve) => setTimeout(resolve, 1000));
  const logs = await Promise.all(ranks.map((rank) => rank.log()));
  await Promise.all(pages.map(({ page }) => page.close()));
  return splitOf(logs);
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;

interface Variant {
  readonly count: number;
  readonly overlap: boolean;
  readonly splits: Split[];
}

const lab = await openLab({ pages: 'built' });
try {
  console.log(
    '| job | tabs | overlap | steps a second | of one tab’s | compute | wait | exposed communication |',
  );
  console.log('|---|---|---|---|---|---|---|---|');
  for (const name of jobs) {
    const variants = values.ranks
      .split(',')
      .map(Number)
      .flatMap((count) => (count === 1 ? [true] : [true, false]).map((overlap) => ({ count, overlap })))
      .map((variant): Variant => ({ ...variant, splits: [] }));
    for (let repeat = 0; repeat < repeats; repeat++)
      for (const { count, overlap, splits } of variants)
        splits.push(await measure(lab, { ...JOB_PRESETS[name], steps, overlap }, count));
    const middle = ({ splits }: Variant, of: keyof Split): number => median(splits.map((split) => split[of]));
    const one = variants.find(({ count }) => count === 1);
    for (const variant of variants) {
      const { count, overlap } = variant;
      const speed = middle(variant, 'stepsPerSecond');
      const times = one === undefined ? '' : (speed / middle(one, 'stepsPerSecond')).toFixed(2);
      const shares = (['compute', 'wait', 'exposed'] as const).map((of) => percent(middle(variant, of)));
      console.log(
        `| ${name} | ${count} | ${count === 1 ? '–' : overlap ? 'yes' : 'no'} | ${speed.toFixed(1)} | ${times} | ${shares.join(' | ')} |`,
      );
    }
  }
} finally {
  await lab.close();
}
// The server keeps timers that would keep the process.
process.exit(0);
