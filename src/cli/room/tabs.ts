// Real tabs with one rank each: opened, watched, killed and closed. What is known of a rank is what its page says when asked,
// again and again; its log is fetched on the way.

import type { BrowserContext, CDPSession, Page } from 'playwright-core';
import type { MemberId } from '../../ports/ids.ts';
import type { LabDoor, RankHandle, RankStatus } from '../../live/api.ts';
import type { TraceRecord } from '../../trace/events.ts';
import { sleep, waitedInVain, within } from '../deadline.ts';
import { RunError, oneLine } from '../errors.ts';
import type { LogBook } from './log-book.ts';

const OPEN_MS = 60_000;
const CALL_MS = 20_000;
/** Between two looks at a rank. Often enough to act at the step asked for, seldom enough to leave the cores to the ranks. */
const LOOK_EVERY_MS = 50;
/** A tab that is about to die gets this long to hand over the rest of its log. */
const LAST_LOOK_MS = 250;
/** More than a rank logs between two looks; the rest comes with the next one. */
const RECORDS_AT_ONCE = 2000;

export interface Tab {
  /** In the order of opening, from 1. */
  readonly number: number;
  /** As a person counts them: "tab 1". */
  readonly name: string;
  readonly page: Page;
  /** The newest word of its rank; undefined until it has one. */
  status: RankStatus | undefined;
  /** The room's link, as the page shows it. */
  link: string | undefined;
  gone: 'killed' | 'closed' | 'crashed' | undefined;
  /** What its page threw or logged as an error, newest last. */
  readonly errors: string[];
}

export type Request = Exclude<keyof RankHandle, 'status' | 'log' | 'recording'>;

export interface Tabs {
  open(url: string): Promise<Tab>;
  /** The renderer dies at once, with no word to anybody. Returns when that was, in milliseconds since the epoch. */
  kill(tabs: readonly Tab[]): Promise<number>;
  /**
   * As a person closes tabs: they may say goodbye. Returns when the first of them went: a browser that is busy takes a while until it
   * tells a page so.
   */
  close(tabs: readonly Tab[]): Promise<number>;
  /** The browser's GPU process dies, and all tabs lose their devices at once. Returns when that was. */
  crashGpu(): Promise<number>;
  alive(): readonly Tab[];
  /** Those that are gone too, in the order in which they were opened. */
  all(): readonly Tab[];
  /** Asks the tab's rank for something, such as to start. */
  ask<Name extends Request>(
    tab: Tab,
    name: Name,
    ...values: Parameters<RankHandle[Name]>
  ): ReturnType<RankHandle[Name]>;
  /**
   * Has the tab's page pause the room as soon as `step` is committed, and again for as long as it runs on: much closer to
   * the step than anything asked from outside. The function that is returned ends that, and tells whether it paused.
   */
  pauseAt(tab: Tab, step: number): () => Promise<boolean>;
  /**
   * Waits until `holds`, looking again whenever a rank has said something. `progress`: a value whose change starts the
   * deadline anew.
   */
  until(what: string, ms: number, holds: () => boolean, progress?: () => number): Promise<void>;
  /** Has all tabs that answer hand over what their ranks have recorded, as they do before they close. */
  record(): Promise<void>;
  /** Runs after every look at any tab. Returns a function that ends it. */
  onLook(listener: () => void): () => void;
}

interface Look {
  readonly link: string;
  readonly status: RankStatus;
  readonly records: readonly TraceRecord[];
}

/** `recorded` is given what a tab's ranks have recorded, before it closes. A killed tab takes its own with it, as a rule. */
export function manageTabs(
  context: BrowserContext,
  log: LogBook,
  signal: AbortSignal,
  recorded?: (recording: Uint8Array) => void,
): Tabs {
  const tabs: Tab[] = [];
  const sessions = new Map<Tab, CDPSession>();
  const listeners = new Set<() => void>();
  let opened = 0;
  /** What ended the watching of a tab that is still open: a mistake in a listener. */
  let broken: RunError | undefined;

  const look = async (tab: Tab): Promise<void> => {
    const member = tab.status?.member;
    const cursor = { member, from: member === undefined ? 0 : log.next(member), limit: RECORDS_AT_ONCE };
    const seen = await tab.page.evaluate(lookAround, cursor);
    if (seen === null) return;
    tab.link = seen.link;
    tab.status = seen.status;
    log.add(seen.records);
  };

  const watch = async (tab: Tab): Promise<void> => {
    while (tab.gone === undefined && !signal.aborted) {
      try {
        await look(tab);
      } catch (error) {
        // A page that is loading, reloading or going away cannot answer; whether it matters, the waits decide.
        if (tab.page.isClosed()) tab.gone ??= 'closed';
        else noteError(tab, oneLine(error));
      }
      for (const listener of [...listeners]) listener();
      await sleep(LOOK_EVERY_MS, signal);
    }
  };

  /** When the first of these pages went, as they have left word; undefined where nobody is there to be asked, or they have not. */
  const departures = async (gone: readonly Tab[]): Promise<number | undefined> => {
    const [witness] = alive();
    const told = await witness?.page.evaluate(readDepartures, gone.map(departureKey)).catch(() => []);
    return told === undefined || told.length === 0 ? undefined : Math.min(...told);
  };

  const handOver = async (tab: Tab): Promise<void> => {
    const asked = tab.page.evaluate(askRecording);
    const text = await within(`${tab.name} to hand over its log`, CALL_MS, signal, asked);
    recorded?.(Buffer.from(text, 'base64'));
  };

  const alive = (): readonly Tab[] => tabs.filter((tab) => tab.gone === undefined);

  return {
    alive,
    all: () => tabs,

    async open(url) {
      const number = (opened += 1);
      const name = `tab ${number}`;
      const page = await within(`${name} to open`, OPEN_MS, signal, context.newPage());
      const tab: Tab = {
        number,
        name,
        page,
        status: undefined,
        link: undefined,
        gone: undefined,
        errors: [],
      };
      tabs.push(tab);
      // Pages that open at the same time come in any order.
      tabs.sort((a, b) => a.number - b.number);
      page.on('crash', () => (tab.gone ??= 'crashed'));
      page.on('close', () => (tab.gone ??= 'closed'));
      page.on('pageerror', (error) => noteError(tab, oneLine(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') noteError(tab, message.text());
      });
      await page.addInitScript(noteDeparture, departureKey(tab));
      sessions.set(tab, await within(`${name} to open`, OPEN_MS, signal, context.newCDPSession(page)));
      await within(`${name} to load ${url}`, OPEN_MS, signal, page.goto(url, { waitUntil: 'commit' }));
      watch(tab).catch((error: unknown) => {
        broken ??= new RunError(`${tab.name} cannot be watched any more: ${oneLine(error)}`, {
          cause: error,
        });
      });
      return tab;
    },

    async kill(victims) {
      await Promise.all(victims.map((tab) => lastLook(tab, look)));
      for (const tab of victims) tab.gone = 'killed';
      const died = Promise.all(victims.map((tab) => tab.page.waitForEvent('crash', { timeout: 0 })));
      const at = Date.now();
      for (const tab of victims) {
        // Handled by the renderer's I/O thread: no handler of the page runs, as when the system kills it. It has no answer.
        sessions
          .get(tab)
          ?.send('Page.crash')
          .catch(() => undefined);
      }
      await within(`${victims.map((tab) => tab.name).join(', ')} to die`, CALL_MS, signal, died);
      for (const tab of victims) tab.page.close().catch(() => undefined);
      return at;
    },

    async crashGpu() {
      const session = [...sessions].find(([tab]) => tab.gone === undefined)?.[1];
      if (session === undefined)
        throw new RunError('No tab is open whose browser could lose its GPU process.');
      const at = Date.now();
      await within('the GPU process to die', CALL_MS, signal, session.send('Browser.crashGpuProcess'));
      return at;
    },

    async close(closing) {
      await Promise.all(closing.map((tab) => lastLook(tab, look)));
      if (recorded !== undefined) for (const tab of closing) await handOver(tab);
      for (const tab of closing) tab.gone = 'closed';
      const asked = Date.now();
      const closed = Promise.all(closing.map((tab) => tab.page.close({ runBeforeUnload: false })));
      await within('the tabs to close', CALL_MS, signal, closed);
      return (await departures(closing)) ?? asked;
    },

    ask<Name extends Request>(tab: Tab, name: Name, ...values: Parameters<RankHandle[Name]>) {
      const asked = tab.page.evaluate(askFirstRank, { name, values });
      return within(`${tab.name} to answer "${name}"`, CALL_MS, signal, asked) as ReturnType<
        RankHandle[Name]
      >;
    },

    pauseAt(tab, step) {
      const asked = tab.page.evaluate(pauseWhenReached, step).catch(() => false);
      return async () => {
        await tab.page.evaluate(stopPausing).catch(() => undefined);
        return within(`${tab.name} to end a pause`, CALL_MS, signal, asked);
      };
    },

    async until(what, ms, holds, progress = () => 0) {
      let seen = progress();
      let deadline = Date.now() + ms;
      while (!holds()) {
        signal.throwIfAborted();
        if (broken !== undefined) throw broken;
        const crashed = tabs.find((tab) => tab.gone === 'crashed');
        if (crashed !== undefined)
          throw new RunError(`The browser lost ${crashed.name} by itself while waiting for ${what}.`);
        if (progress() !== seen) {
          seen = progress();
          deadline = Date.now() + ms;
        }
        if (Date.now() > deadline) throw waitedInVain(what, ms, alive().map(describeTab).join('; '));
        await sleep(LOOK_EVERY_MS / 2, signal);
      }
    },

    async record() {
      await Promise.all(
        tabs.filter((tab) => tab.gone === undefined).map((tab) => handOver(tab).catch(() => undefined)),
      );
    },

    onLook(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

async function lastLook(tab: Tab, look: (tab: Tab) => Promise<void>): Promise<void> {
  const soon = new AbortController();
  await Promise.race([
    look(tab).catch(() => undefined),
    sleep(LAST_LOOK_MS, soon.signal).catch(() => undefined),
  ]);
  soon.abort();
}

const departureKey = ({ number }: Tab): string => `departure of tab ${number}`;

function noteError(tab: Tab, text: string): void {
  if (tab.errors.at(-1) !== text) tab.errors.push(text.slice(0, 500));
  if (tab.errors.length > 20) tab.errors.shift();
}

/** One clause on what a tab is doing, for a wait that failed. */
function describeTab(tab: Tab): string {
  const { status } = tab;
  const error = tab.errors.at(-1);
  const suffix = error === undefined ? '' : ` (its page said: ${error})`;
  if (status === undefined) return `${tab.name} has no rank yet${suffix}`;
  const generation =
    status.generation === undefined ? 'no generation' : `generation ${status.generation.number}`;
  const size = status.members.length;
  const problem = status.problem === undefined ? suffix : `: ${status.problem}`;
  return `${tab.name} is ${status.phase} at step ${status.committed} in ${generation} of ${size}${problem}`;
}

// What follows runs inside the page. It travels as source text, so it names nothing of this module.

async function lookAround(cursor: {
  readonly member: MemberId | undefined;
  readonly from: number;
  readonly limit: number;
}): Promise<Look | null> {
  const door = (globalThis as { readonly rankfall?: LabDoor }).rankfall;
  const [handle] = door?.ranks.values() ?? [];
  if (door === undefined || handle === undefined) return null;
  // A page asks before a fault exhausts something for real. Whoever wrote the schedule has agreed.
  door.agree();
  const status = await handle.status();
  const records = await handle.log(status.member === cursor.member ? cursor.from : 0, cursor.limit);
  return { link: door.link, status, records };
}

/** In Base64: what crosses into this process is JSON. */
async function askRecording(): Promise<string> {
  const recording = await (globalThis as { readonly rankfall?: LabDoor }).rankfall?.recording();
  let text = '';
  for (const byte of recording ?? []) text += String.fromCharCode(byte);
  return btoa(text);
}

function noteDeparture(key: string): void {
  addEventListener('pagehide', () => {
    localStorage.setItem(key, String(Date.now()));
  });
}

function readDepartures(keys: readonly string[]): readonly number[] {
  const told: number[] = [];
  for (const key of keys) {
    const at = localStorage.getItem(key);
    if (at !== null) told.push(Number(at));
    localStorage.removeItem(key);
  }
  return told;
}

async function askFirstRank(request: {
  readonly name: string;
  readonly values: readonly unknown[];
}): Promise<unknown> {
  const door = (globalThis as { readonly rankfall?: LabDoor }).rankfall;
  const [handle] = door?.ranks.values() ?? [];
  const calls = handle as unknown as
    Readonly<Record<string, (...values: readonly unknown[]) => Promise<unknown>>> | undefined;
  return calls?.[request.name]?.(...request.values);
}

async function pauseWhenReached(step: number): Promise<boolean> {
  const page = globalThis as { readonly rankfall?: LabDoor; rankfallHold?: number | undefined };
  const [handle] = page.rankfall?.ranks.values() ?? [];
  if (handle === undefined) return false;
  const hold = (page.rankfallHold = Date.now());
  let asked = false;
  while (page.rankfallHold === hold) {
    const { committed, running, phase } = await handle.status();
    if (phase === 'done') break;
    if (committed >= step && running && !asked) {
      asked = true;
      await handle.pause();
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return asked;
}

function stopPausing(): void {
  (globalThis as { rankfallHold?: number | undefined }).rankfallHold = undefined;
}
