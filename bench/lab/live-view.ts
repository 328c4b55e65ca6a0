// What the lab's live view costs: steps a second of the same ranks in the same page, with the view and without it by turns.
//
//   npx tsx bench/lab/live-view.ts [--ranks 2] [--turns 8] [--seconds 4]
//
// Without the view the page asks its ranks nothing and draws nothing, as when nobody can see it; the ranks' own frames stay as they are.
// Exit status 1 when the view costs 5 % of the steps or more.

import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { BROWSER_FLAGS, ensureBrowser } from '../../src/cli/browser.ts';
import { startServer } from '../../src/server/start.ts';
import type {} from '../../src/lab/door.ts';

const MOST = 0.05;
const WARM_STEPS = 20;
const { values } = parseArgs({
  options: {
    ranks: { type: 'string', default: '2' },
    turns: { type: 'string', default: '8' },
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

/** Steps a second over one turn. */
async function turn(shown: boolean): Promise<number> {
  await page.evaluate(
    (isShown) => document.querySelector('#lab')?.toggleAttribute('hidden', !isShown),
    shown,
  );
  // What was under way when the turn began belongs to the one before.
  await setTimeout(300);
  const [from, began] = [await steps(), performance.now()];
  await setTimeout(1000 * seconds);
  const [to, ended] = [await steps(), performance.now()];
  return (1000 * (to - from)) / (ended - began);
}

const median = (numbers: readonly number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const above = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? above : ((sorted[middle - 1] ?? Number.NaN) + above) / 2;
};

const rates: { readonly on: number[]; readonly off: number[] } = { on: [], off: [] };
for (let i = 0; i < turns; i++) {
  // Neither is always first, since a machine gets busier or calmer over time.
  for (const shown of i % 2 === 0 ? [true, false] : [false, true])
    rates[shown ? 'on' : 'off'].push(await turn(shown));
}
const [on, off] = [median(rates.on), median(rates.off)];
const cost = 1 - on / off;
const list = (numbers: readonly number[]): string => numbers.map((rate) => rate.toFixed(1)).join(' ');
console.log(`with the view     ${on.toFixed(2)} steps a second (${list(rates.on)})`);
console.log(`without the view  ${off.toFixed(2)} steps a second (${list(rates.off)})`);
console.log(`the view costs    ${(100 * cost).toFixed(1)} %`);
await browser.close();
process.exit(cost < MOST ? 0 : 1);
