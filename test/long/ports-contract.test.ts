// The part of the ports' contract that takes whole tabs of a real browser: peers that die, stand still or are cut off, and pages in the
// background. The same cases run against the simulated ports in test/node/ports.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { HIDDEN_CLOCK_CONTRACT, HIDDEN_PAGE_CLOCK_CONTRACT } from '../../src/ports/contract/clock.ts';
import { INTERRUPTED_CONTRACT, MORTAL_CONTRACT } from '../../src/ports/contract/network.ts';
import { startServer } from '../../src/server/start.ts';
import type { RunningServer } from '../../src/server/start.ts';
import { launchBrowser } from '../support/server-and-browser.ts';
import {
  networkProcess,
  openBareTabs,
  UNTHROTTLING_FLAGS,
  type BareTab,
  type BareTabs,
} from '../e2e/bare-tabs.ts';
import type { ContractPage, Look, Suite } from '../e2e/fixtures/contract-page.ts';
import type { Wish } from '../e2e/fixtures/contract-worker.ts';

const LOOK_EVERY_MS = 20;
const OPEN_MS = 60_000;

let server: RunningServer;
let browser: Browser;
const browsers: Browser[] = [];
let rooms = 0;

beforeAll(async () => {
  server = await startServer({ mode: 'dev', port: 0 });
  browser = await launch();
});
afterAll(async () => {
  await Promise.all(browsers.map((one) => one.close()));
  await server.close();
});

async function launch(): Promise<Browser> {
  // Two browsers of one machine need not find each other by names that they make up.
  const launched = await launchBrowser(['--disable-features=WebRtcHideLocalIpsWithMdns'], {
    ignoreDefaultArgs: [...UNTHROTTLING_FLAGS],
  });
  browsers.push(launched);
  return launched;
}

/** Calls what the page has at its door. */
const ask = <Name extends keyof ContractPage>(
  tab: BareTab,
  name: Name,
  ...given: Parameters<ContractPage[Name]>
): Promise<ReturnType<ContractPage[Name]>> =>
  tab.evaluate(`window.contract?.${name}(${given.map((value) => JSON.stringify(value)).join(', ')})`);

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));

async function until(tab: BareTab, what: string, isSo: (look: Look) => boolean): Promise<void> {
  const end = Date.now() + OPEN_MS;
  for (;;) {
    const look = (await ask(tab, 'look')) as Look | undefined;
    if (look !== undefined && isSo(look)) return;
    if (Date.now() > end) throw new Error(`Within ${OPEN_MS} ms ${what}: ${JSON.stringify(look)}`);
    await soon();
  }
}

async function openPage(tabs: BareTabs, fragment: string): Promise<BareTab> {
  const tab = await tabs.open(`${server.url}test/e2e/fixtures/contract.html#${fragment}`);
  await until(tab, 'the page did not load', () => true);
  return tab;
}

/** Runs a case in a tab, and does what it wishes. */
async function runCase(
  tab: BareTab,
  suite: Suite,
  name: string,
  grant: (wish: Wish) => Promise<void>,
): Promise<void> {
  await ask(tab, 'run', suite, name);
  for (;;) {
    const { wish, ran } = await ask(tab, 'look');
    if (ran !== undefined) {
      if (ran.failure !== undefined) throw new Error(ran.failure);
      return;
    }
    if (wish !== undefined) {
      await grant(wish);
      await ask(tab, 'granted');
    }
    await soon();
  }
}

/** Tabs of two browsers with a link, of which the second is at the mercy of the case. */
async function runBetweenTwo(suite: Suite, name: string): Promise<void> {
  const other = await launch();
  const room = `room-${++rooms}`;
  const a = await openPage(await openBareTabs(browser), `room=${room}`);
  const peer = await openPage(await openBareTabs(other), `room=${room}&echoes`);
  for (const tab of [a, peer]) await until(tab, 'there was no link', ({ isLinked }) => isLinked);
  const network = await networkProcess(other);
  try {
    await runCase(a, suite, name, async (wish) => {
      switch (wish.do) {
        case 'kill':
          // It has no answer: no handler of the page runs.
          void peer.send('Page.crash');
          return;
        case 'freeze':
          await ask(peer, 'spin', wish.ms);
          return;
        case 'hold':
          process.kill(network, wish.held ? 'SIGSTOP' : 'SIGCONT');
          return;
        case 'cut':
          process.kill(network, 'SIGSTOP');
          return;
        case 'hide':
          throw new Error('These tabs are not to be hidden.');
      }
    });
  } finally {
    process.kill(network, 'SIGCONT');
  }
}

/** A tab, and one that comes in front of it. */
async function runHidden(suite: Suite, name: string): Promise<void> {
  const tabs = await openBareTabs(browser);
  const tab = await openPage(tabs, '');
  await runCase(tab, suite, name, async () => {
    await tabs.open('about:blank');
    await until(tab, 'the page was not hidden', ({ visibility }) => visibility === 'hidden');
  });
}

describe('the network over WebRTC between tabs', () => {
  // Most of their time is waiting: for connections to fail, as long as a browser takes.
  it.concurrent.each(MORTAL_CONTRACT)('keeps that $name', async ({ name }) => {
    await runBetweenTwo('mortal', name);
  });
  // No process can be stopped on Windows.
  it.concurrent.each(process.platform === 'win32' ? [] : INTERRUPTED_CONTRACT)(
    'keeps that $name',
    async ({ name }) => {
      await runBetweenTwo('interrupted', name);
    },
  );
});

describe('the clock in a tab behind another', () => {
  it.each(HIDDEN_CLOCK_CONTRACT)('of a worker keeps that $name', async ({ name }) => {
    await runHidden('hidden-worker', name);
  });
  it.each(HIDDEN_PAGE_CLOCK_CONTRACT)('of the page keeps that $name', async ({ name }) => {
    await runHidden('hidden-page', name);
  });
});
