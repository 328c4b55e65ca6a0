// Ranks in frames of a real browser, against the real server: what end-to-end tests of the live room drive.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { BrowserContext, Page } from 'playwright-core';
import { BROWSER_FLAGS } from '../../src/cli/browser.ts';
import type { MetricPoint, RankOptions, RankPageDoor, RankStatus } from '../../src/live/api.ts';
import { encodeRankOptions } from '../../src/live/link.ts';
import { startServer } from '../../src/server/start.ts';
import type { TraceRecord } from '../../src/trace/events.ts';
import type { Fault } from '../../src/faults/vocabulary.ts';
import { browserPath } from '../support/server-and-browser.ts';

const LOOK_EVERY_MS = 25;

export interface Lab {
  readonly origin: string;
  readonly context: BrowserContext;
  close(): Promise<void>;
}

export interface BrowserOptions {
  /** As an administrator forbids it: the browser itself lets WebRTC use nothing but a proxy, and there is none. */
  readonly webRtc?: 'forbidden';
}

export interface LabOptions extends BrowserOptions {
  /** Built pages open in less than half the time. The sources, which are the default, serve the tests' own pages as well. */
  readonly pages?: 'built' | 'sources';
}

/** A server of this project and a browser with an empty profile. */
export async function openLab({ pages = 'sources', ...options }: LabOptions = {}): Promise<Lab> {
  const server = await startServer({ mode: pages === 'built' ? 'preview' : 'dev', port: 0 });
  const browser = await openBrowser(`http://localhost:${server.port}`, options);
  return {
    ...browser,
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** A browser with an empty profile, as another machine has, on a server that runs. */
export async function openBrowser(origin: string, { webRtc }: BrowserOptions = {}): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'rankfall-e2e-'));
  if (webRtc === 'forbidden') {
    await mkdir(join(folder, 'Default'));
    await writeFile(
      join(folder, 'Default', 'Preferences'),
      JSON.stringify({ webrtc: { ip_handling_policy: 'disable_non_proxied_udp' } }),
    );
  }
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: await browserPath(),
    headless: true,
    args: [...BROWSER_FLAGS],
  });
  return {
    origin,
    context,
    async close() {
      await context.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** As on a network that keeps its machines apart: from now on, connections of its pages find no way to each other. */
export async function blockDirectLinks(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const Real = RTCPeerConnection;
    window.RTCPeerConnection = class extends Real {
      constructor(configuration?: RTCConfiguration) {
        // Only relayed candidates, and no TURN server to relay: none at all.
        super({ ...configuration, iceTransportPolicy: 'relay' });
      }
    };
  });
}

export interface FramedRank {
  status(): Promise<RankStatus>;
  points(): Promise<readonly MetricPoint[]>;
  log(from?: number): Promise<readonly TraceRecord[]>;
  ask(command: 'start' | 'pause' | 'checkpointNow' | 'leave'): Promise<void>;
  inject(fault: Fault): Promise<string>;
  heal(id: string): Promise<void>;
  /** Removes the frame without a word to anybody. */
  kill(): Promise<void>;
}

export interface Frames {
  readonly page: Page;
  open(options: RankOptions): Promise<FramedRank>;
  /** What the page and its workers complained about. */
  readonly complaints: readonly string[];
  /** What its ranks have asked to use up. Whoever tests has agreed. */
  asked(): Promise<readonly string[]>;
}

/** An empty page of the server's origin that holds frames. */
export async function openFrames(lab: Lab): Promise<Frames> {
  const page = await lab.context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  const address = `${lab.origin}/frames`;
  await page.route(address, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
  await page.goto(address);
  await page.evaluate(agreeToAll);
  let count = 0;

  return {
    page,
    complaints,
    asked: () => page.evaluate(() => (window as AskedWindow).asked ?? []),
    async open(options) {
      const name = `rank${count++}`;
      await page.evaluate(
        ({ name, source }) => {
          const frame = document.createElement('iframe');
          frame.id = name;
          frame.src = source;
          document.body.append(frame);
        },
        { name, source: `${lab.origin}/rank.html${encodeRankOptions(options)}` },
      );
      const rank = framedRank(page, name);
      try {
        await page.waitForFunction(
          (id) => {
            const frame = document.getElementById(id);
            return frame instanceof HTMLIFrameElement && frame.contentWindow?.rankfallPage !== undefined;
          },
          name,
          { timeout: 60_000 },
        );
      } catch (error) {
        const says = await page.frameLocator(`#${name}`).locator('output').textContent();
        throw new Error(`The rank did not open. It says: ${says ?? 'nothing'}. ${complaints.join('; ')}`, {
          cause: error,
        });
      }
      return rank;
    },
  };
}

type AskedWindow = Window & { asked?: string[] };

/** As the lab does when a person agrees. Runs inside the page. */
function agreeToAll(): void {
  const asked: string[] = ((window as AskedWindow).asked = []);
  window.addEventListener(
    'message',
    ({ data, ports: [port] }: MessageEvent<{ type: string; what: string }>) => {
      if (data.type !== 'rankfall:asks') return;
      asked.push(data.what);
      port?.postMessage(true);
    },
  );
}

type Call = { readonly name: string; readonly method: string; readonly values: readonly unknown[] };

function framedRank(page: Page, name: string): FramedRank {
  const call = async <T>(method: string, ...values: readonly unknown[]): Promise<T> =>
    (await page.evaluate(callRank, { name, method, values })) as T;
  return {
    status: () => call('status'),
    points: async () => (await call<{ points: readonly MetricPoint[] }>('metrics', 0)).points,
    log: (from = 0) => call('log', from, 100_000),
    ask: async (command) => {
      await call(command);
    },
    inject: (fault) => call('inject', fault),
    heal: (id) => call('heal', id),
    async kill() {
      await page.evaluate((id) => {
        const frame = document.getElementById(id);
        if (!(frame instanceof HTMLIFrameElement)) throw new Error(`There is no frame ${id}.`);
        frame.contentWindow?.rankfallPage?.suppressGoodbye();
        frame.remove();
      }, name);
    },
  };
}

/** Runs inside the page: it travels as source text, so it names nothing of this module. */
async function callRank({ name, method, values }: Call): Promise<unknown> {
  const frame = document.getElementById(name);
  const door: RankPageDoor | undefined =
    frame instanceof HTMLIFrameElement ? frame.contentWindow?.rankfallPage : undefined;
  const calls = door?.rank as unknown as
    Readonly<Record<string, (...values: readonly unknown[]) => Promise<unknown>>> | undefined;
  const called = calls?.[method];
  if (called === undefined) throw new Error(`The frame ${name} has no rank to ask for ${method}.`);
  return await called(...values);
}

/** Looks at the ranks until the condition holds for their status. */
export async function until(
  what: string,
  ranks: readonly FramedRank[],
  condition: (statuses: readonly RankStatus[]) => boolean,
  limitMs = 90_000,
): Promise<readonly RankStatus[]> {
  const limit = Date.now() + limitMs;
  for (;;) {
    const statuses = await Promise.all(ranks.map((rank) => rank.status()));
    if (condition(statuses)) return statuses;
    if (Date.now() > limit)
      throw new Error(`It never came true that ${what}: ${statuses.map(describe).join('; ')}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

const describe = ({ member, phase, step, committed, members, problem }: RankStatus): string =>
  `${member.slice(0, 4)} is ${phase} at step ${step} (${committed} committed) among ${members.length}${problem === undefined ? '' : `: ${problem}`}`;
