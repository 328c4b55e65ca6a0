// What the lab's live view costs: steps a second of the same ranks in the same page, with the view and without it by turns.
//
//   npx tsx bench/lab/live-view.ts [--ranks 2] [--turns 16] [--seconds 4]
//
// Without the view the page asks its ranks nothing and draws nothing, as when nobody can see it; the ranks' own frames stay as they are.
// The cost is the median over pairs of turns that follow each other, since a machine gets busier or calmer over time. On Linux the processor time
// of a step is told as well, of all of the browser's threads: it counts what the view takes also where other programs have the cores.
// Exit status 1 when the view costs 5 % of the steps or more.

import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { median } from '../../src/cli/bench/median.ts';
import { BROWSER_FLAGS, ensureBrowser } from '../../src/cli/browser.ts';
import { startServer } from '../../src/server/start.ts';
import type {} from '../../src/lab/door.ts';

const MOST = 0.05;
const WARM_STEPS = 20;
const { values } = parseArgs({
  options: {
    ranks: { type: 'string', default: '2' },
    turns: { type: 'string', default: '16' },
    seconds: { type: 'string', default: '4' },
  },
});
const ranks = Number(values.ranks);
const turns = Number(values.turns);
const seconds = Number(values.seconds);

const server = await startServer({ mode: 'preview', port: 0 });
const browser = await chromium.launch({
  executablePath: await ensureBrowser({ log: console.error }),
  args: [...BROWSER_FLAGS],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
page.setDefaultTimeout(120_000);
await page.goto(`${server.url}?engine=cpu&tune=0&ranks=${ranks}&autostart=1&steps=100000&save=100000`);
await page.waitForFunction(
  ([members, steps]) =>
    document.querySelectorAll('.ring-node[data-member=true]').length === members &&
    Number(document.querySelector('.ring-step')?.textContent) >= steps,
  [ranks, WARM_STEPS] as const,
);
// As text: what compiles this file adds helpers to functions within functions, which a page does not have.
await page.evaluate(`
  Object.defineProperty(document, 'visibilityState', {
    get: () => (document.querySelector('#lab').hasAttribute('hidden') ? 'hidden' : 'visible'),
  });
`);

const steps = (): Promise<number> =>
  page.evaluate(async () => (await [...(window.rankfall?.ranks.values() ?? [])][0]?.status())?.step ?? 0);

/** Processor time of this program's children and theirs, in milliseconds; NaN where the system does not tell. */
function processorMs(): number {
  const parents = new Map<number, number>();
  const times = new Map<number, number>();
  try {
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const fields = fieldsOf(name);
      if (fields === undefined) continue;
      parents.set(Number(name), Number(fields[1]));
      // User and system time in hundredths of a second, by proc(5).
      times.set(Number(name), 10 * (Number(fields[11]) + Number(fields[12])));
    }
  } catch {
    return Number.NaN;
  }
  const isOurs = (pid: number | undefined): boolean =>
    pid !== undefined && (parents.get(pid) === process.pid || isOurs(parents.get(pid)));
  return [...times].reduce((sum, [pid, ms]) => (isOurs(pid) ? sum + ms : sum), 0);
}

/** The fields of /proc/PID/stat from the state on; undefined where the process has ended. */
function fieldsOf(pid: string): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

interface Turn {
  /** Steps a second. */
  readonly rate: number;
  /** Milliseconds of processor time a step. */
  readonly work: number;
}

async function turn(shown: boolean): Promise<Turn> {
  await page.evaluate(
    (isShown) => document.querySelector('#lab')?.toggleAttribute('hidden', !isShown),
    shown,
  );
  // What was under way when the turn began belongs to the one before.
  await setTimeout(300);
  const [from, began, worked] = [await steps(), performance.now(), processorMs()];
  await setTimeout(1000 * seconds);
  const [to, ended, work] = [await steps(), performance.now(), processorMs() - worked];
  return { rate: (1000 * (to - from)) / (ended - began), work: work / (to - from) };
}

const pairs: { readonly on: Turn; readonly off: Turn }[] = [];
for (let i = 0; i < turns; i++) {
  // Neither is always first.
  const first = await turn(i % 2 === 0);
  const second = await turn(i % 2 !== 0);
  pairs.push(i % 2 === 0 ? { on: first, off: second } : { on: second, off: first });
}
const list = (numbers: readonly number[]): string => numbers.map((number) => number.toFixed(1)).join(' ');
for (const [which, how] of [
  ['on', 'with the view     '],
  ['off', 'without the view  '],
] as const) {
  const rates = pairs.map((pair) => pair[which].rate);
  const work = pairs.map((pair) => pair[which].work);
  console.log(`${how}${median(rates).toFixed(2)} steps a second (${list(rates)})`);
  if (!work.some(Number.isNaN))
    console.log(`${how}${median(work).toFixed(1)} ms of processor time a step (${list(work)})`);
}
const cost = median(pairs.map(({ on, off }) => 1 - on.rate / off.rate));
const more = median(pairs.map(({ on, off }) => on.work / off.work - 1));
console.log(`the view costs    ${(100 * cost).toFixed(1)} % of the steps`);
if (!Number.isNaN(more)) console.log(`and takes         ${(100 * more).toFixed(1)} % of the processor time`);
await browser.close();
process.exit(cost < MOST ? 0 : 1);
