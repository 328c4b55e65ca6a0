/** The transport in real tabs: pages find each other, prove the room's secret, move bytes, and say goodbye. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startServer } from '../../src/server/start.ts';
import type { RunningServer } from '../../src/server/start.ts';
import { openServerAndBrowser } from '../support/server-and-browser.ts';
import { blockDirectLinks } from './frames.ts';
import type { ProbeWindow } from './fixtures/transport-page.ts';
import type { ProbeCommand, Told } from './fixtures/transport-worker.ts';

/** A tab with a transport in it. */
interface Tab {
  readonly page: Page;
  readonly self: string;
  events(): Promise<readonly Told[]>;
  send(command: ProbeCommand): Promise<void>;
}

const MIB = 1024 * 1024;
let server: RunningServer;
let browser: Browser;
let context: BrowserContext;
let rooms = 0;
const newRoom = (): string => `room-${++rooms}`;

beforeAll(async () => {
  ({ server, browser } = await openServerAndBrowser({ mode: 'dev' }));
});
afterAll(async () => {
  await browser.close();
  await server.close();
});
afterEach(async () => {
  await context.close();
});

async function openTab(
  options: Readonly<Record<string, string>>,
  where: BrowserContext = context,
): Promise<Tab> {
  const fragment = new URLSearchParams(options).toString();
  const page = await where.newPage();
  await page.goto(`${server.url}test/e2e/fixtures/transport.html#${fragment}`);
  await page.waitForFunction(() => 'probe' in window);
  const self = await page.evaluate(() => (window as unknown as ProbeWindow).probe.self);
  return {
    page,
    self,
    events: () => page.evaluate(() => [...(window as unknown as ProbeWindow).probe.events]),
    send: (command) =>
      page.evaluate((given) => {
        (window as unknown as ProbeWindow).probe.send(given);
      }, command),
  };
}

const kinds = <K extends Told['kind']>(events: readonly Told[], kind: K) =>
  events.filter((event): event is Extract<Told, { kind: K }> => event.kind === kind);

/** Waits for an event that is told to a tab. */
async function told<K extends Told['kind']>(
  tab: Tab,
  kind: K,
  which: (event: Extract<Told, { kind: K }>) => boolean = () => true,
  timeout = 20_000,
): Promise<Extract<Told, { kind: K }>> {
  const end = Date.now() + timeout;
  for (;;) {
    const events = await tab.events();
    const found = kinds(events, kind).find(which);
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`no ${kind} in ${timeout} ms, only ${JSON.stringify(events)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Added to a page: how many connections it has made, and of the last one the credentials of its ICE session. */
interface CountingWindow {
  made(): number;
  ufrag(): string | undefined;
  /** From now on the connection says that nothing comes through. */
  falter(): void;
}

const linked = async (a: Tab, b: Tab): Promise<void> => {
  await told(a, 'linkUp', ({ peer }) => peer === b.self);
  await told(b, 'linkUp', ({ peer }) => peer === a.self);
};

const ping = async (a: Tab, b: Tab): Promise<number> => {
  const before = kinds(await a.events(), 'pong').length;
  await a.send({ do: 'ping', to: b.self });
  let ms = Number.NaN;
  await expect
    .poll(
      async () => {
        const pongs = kinds(await a.events(), 'pong');
        ms = pongs.at(-1)?.ms ?? ms;
        return pongs.length;
      },
      { timeout: 10_000, interval: 20 },
    )
    .toBe(before + 1);
  return ms;
};

describe('tabs of one room', () => {
  it('link with each other and move messages intact on both lanes', async () => {
    context = await browser.newContext();
    const room = newRoom();
    const [a, b, c] = [await openTab({ room }), await openTab({ room }), await openTab({ room })];
    await linked(a, b);
    await linked(b, c);
    await linked(a, c);
    await a.send({ do: 'send', to: b.self, lane: 'bulk', bytes: 4 * MIB });
    await a.send({ do: 'send', to: b.self, lane: 'control', bytes: 64 * 1024 });
    await b.send({ do: 'send', to: c.self, lane: 'control', bytes: 0 });
    const bulk = await told(b, 'message', ({ lane }) => lane === 'bulk');
    expect(bulk).toMatchObject({ peer: a.self, bytes: 4 * MIB, intact: true });
    const control = await told(b, 'message', ({ lane }) => lane === 'control');
    expect(control).toMatchObject({ peer: a.self, bytes: 64 * 1024, intact: true });
    expect(await told(c, 'message')).toMatchObject({ peer: b.self, bytes: 0 });
    for (const tab of [a, b, c]) {
      expect(kinds(await tab.events(), 'linkUp')).toHaveLength(2);
      expect(kinds(await tab.events(), 'refused')).toHaveLength(0);
    }
  });

  it('link although a worker is busy while its channels open', async () => {
    context = await browser.newContext();
    const room = newRoom();
    const a = await openTab({ room });
    await told(a, 'signalling', ({ state }) => state.state === 'open');
    await a.send({ do: 'spin', ms: 1500 });
    const b = await openTab({ room });
    await linked(a, b);
    await b.send({ do: 'send', to: a.self, lane: 'bulk', bytes: 1000 });
    expect(await told(a, 'message')).toMatchObject({ bytes: 1000, intact: true });
  });

  it('refuse a tab with a wrong secret and one that claims a member id in use, say so on both sides, and go on', async () => {
    context = await browser.newContext();
    const room = newRoom();
    const [a, b] = [await openTab({ room }), await openTab({ room })];
    await linked(a, b);
    const stranger = await openTab({ room, secret: 'of another room' });
    for (const tab of [a, b, stranger]) {
      expect((await told(tab, 'refused')).refusal).toMatchObject({
        code: 'wrong-secret',
        message: expect.stringContaining('secret') as unknown,
      });
    }
    expect(kinds(await stranger.events(), 'linkUp')).toEqual([]);
    await stranger.page.close();

    const copy = await openTab({ room, member: b.self });
    const refusedFor = (code: string) => (event: Told) =>
      event.kind === 'refused' && event.refusal.code === code;
    expect((await told(a, 'refused', refusedFor('duplicate-member'))).refusal.by).toBe('self');
    expect((await told(b, 'refused', refusedFor('self'))).refusal.by).toBe('self');
    expect(kinds(await copy.events(), 'linkUp').map(({ peer }) => peer)).not.toContain(b.self);

    expect(kinds(await a.events(), 'linkUp').map(({ peer }) => peer)).toEqual([b.self]);
    expect(kinds(await a.events(), 'linkDown')).toEqual([]);
    expect(await ping(a, b)).toBeLessThan(1000);
  });

  it('hear goodbye of one that leaves and, in less than 250 ms, of a busy one that is closed; a newcomer takes its place', async () => {
    context = await browser.newContext();
    const room = newRoom();
    const [a, b, c] = [await openTab({ room }), await openTab({ room }), await openTab({ room })];
    await linked(a, b);
    await linked(b, c);
    await linked(a, c);
    await c.send({ do: 'close' });
    expect(await told(b, 'linkDown', ({ peer }) => peer === c.self)).toMatchObject({ evidence: 'goodbye' });
    expect(kinds(await c.events(), 'linkDown')).toEqual([]);

    await a.send({ do: 'spin', ms: 1000 });
    const closedAt = Date.now();
    await a.page.close();
    const { evidence, at } = await told(b, 'linkDown', ({ peer }) => peer === a.self);
    expect(evidence).toBe('goodbye');
    expect(at - closedAt).toBeLessThan(250);

    const d = await openTab({ room });
    expect((await told(d, 'signalling', ({ state }) => state.state === 'open')).state).toMatchObject({
      slot: 0,
    });
    await linked(b, d);
  });

  it('of one browser hear goodbye in less than 250 ms also while their own pages are busy', async () => {
    context = await browser.newContext();
    const options = { room: newRoom(), fallbacks: 'broadcast' };
    const [a, b] = [await openTab(options), await openTab(options)];
    const [{ carrier }] = await Promise.all([told(a, 'linkUp'), told(b, 'linkUp')]);
    expect(carrier).toBe('webrtc');
    const busy = a.page.evaluate(() => {
      const end = performance.now() + 1500;
      while (performance.now() < end);
    });
    const closedAt = Date.now();
    await b.page.close();
    const { evidence, at } = await told(a, 'linkDown');
    await busy;
    expect(evidence).toBe('goodbye');
    expect(at - closedAt).toBeLessThan(250);
  });

  it('hear a removed frame say goodbye, and nothing of one whose goodbye is suppressed', async () => {
    context = await browser.newContext();
    const room = newRoom();
    const a = await openTab({ room });
    const addFrame = (): Promise<string> =>
      a.page.evaluate(async () => {
        const frame = document.createElement('iframe');
        frame.src = location.href;
        document.body.append(frame);
        await new Promise((resolve) => frame.addEventListener('load', resolve));
        while (!(frame.contentWindow && 'probe' in frame.contentWindow))
          await new Promise((r) => setTimeout(r, 10));
        return (frame.contentWindow as unknown as ProbeWindow).probe.self;
      });
    const removeFrame = (quiet: boolean): Promise<number> =>
      a.page.evaluate((suppress) => {
        const frame = document.querySelector('iframe');
        if (suppress) (frame?.contentWindow as unknown as ProbeWindow).probe.page.goodbyes(false);
        frame?.remove();
        return Date.now();
      }, quiet);

    const polite = await addFrame();
    await told(a, 'linkUp', ({ peer }) => peer === polite);
    const removedAt = await removeFrame(false);
    const down = await told(a, 'linkDown', ({ peer }) => peer === polite);
    expect(down.evidence).toBe('goodbye');
    expect(down.at - removedAt).toBeLessThan(250);

    const killed = await addFrame();
    await told(a, 'linkUp', ({ peer }) => peer === killed);
    await removeFrame(true);
    // The browser closes a removed frame's connections, which peers see; a killed tab is seen by its silence alone.
    const gone = await told(a, 'linkDown', ({ peer }) => peer === killed);
    expect(gone.evidence).toBe('channel-closed');
  });

  it('are told when a peer drops them, renew the link over the connection that stands, and find new ways for one that falters: none is made anew', async () => {
    context = await browser.newContext();
    await context.addInitScript(() => {
      const made: RTCPeerConnection[] = [];
      let faltering = false;
      window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(configuration?: RTCConfiguration) {
          super(configuration);
          made.push(this);
        }
        override get connectionState(): RTCPeerConnectionState {
          return faltering ? 'disconnected' : super.connectionState;
        }
      };
      Object.assign(window, {
        made: () => made.length,
        ufrag: () => /a=ice-ufrag:(\S+)/.exec(made.at(-1)?.localDescription?.sdp ?? '')?.[1],
        falter() {
          faltering = true;
          made.at(-1)?.dispatchEvent(new Event('connectionstatechange'));
        },
      } satisfies CountingWindow);
    });
    const made = (tab: Tab): Promise<number> =>
      tab.page.evaluate(() => (window as unknown as CountingWindow).made());
    const ufrag = (tab: Tab): Promise<string | undefined> =>
      tab.page.evaluate(() => (window as unknown as CountingWindow).ufrag());
    const room = newRoom();
    const [a, b] = [await openTab({ room }), await openTab({ room })];
    await linked(a, b);
    const before = await Promise.all([a, b].map(made));
    for (const times of [2, 3]) {
      await (times === 2 ? a : b).send({ do: 'drop', to: (times === 2 ? b : a).self });
      for (const tab of [a, b])
        await expect
          .poll(async () => kinds(await tab.events(), 'linkUp').length, { timeout: 30_000, interval: 100 })
          .toBe(times);
      if (times === 2) {
        expect(await told(a, 'linkDown')).toMatchObject({ peer: b.self, evidence: 'misbehaved' });
        expect(await told(b, 'linkDown')).toMatchObject({ peer: a.self, evidence: 'channel-closed' });
        expect((await told(b, 'refused')).refusal).toMatchObject({ code: 'dropped', by: 'peer' });
      }
      await a.send({ do: 'send', to: b.self, lane: 'bulk', bytes: 100_000 * times });
      expect(await told(b, 'message', ({ bytes }) => bytes === 100_000 * times)).toMatchObject({
        intact: true,
      });
    }

    // As when a machine changes its network: both ends see that nothing comes through.
    const downs = kinds(await a.events(), 'linkDown').length;
    const ways = await Promise.all([a, b].map(ufrag));
    for (const tab of [a, b])
      await tab.page.evaluate(() => {
        (window as unknown as CountingWindow).falter();
      });
    for (const [i, tab] of [a, b].entries())
      await expect.poll(() => ufrag(tab), { timeout: 30_000, interval: 100 }).not.toBe(ways[i]);
    expect(await ping(a, b)).toBeLessThan(10_000);
    expect(await ping(b, a)).toBeLessThan(10_000);
    expect(kinds(await a.events(), 'linkDown')).toHaveLength(downs);
    expect(await Promise.all([a, b].map(made))).toEqual(before);
  });

  it('go on when the signalling server is gone, are told, and find newcomers when it is back', async () => {
    context = await browser.newContext();
    const room = newRoom();
    const [a, b] = [await openTab({ room }), await openTab({ room })];
    await linked(a, b);
    const { port } = new URL(server.url);
    await server.close();
    const lost = await told(a, 'signalling', ({ state }) => state.state === 'retrying');
    expect(lost.state).toMatchObject({
      problem: 'lost',
      message: expect.stringContaining('links go on') as unknown,
    });
    expect(await ping(a, b)).toBeLessThan(1000);
    await a.send({ do: 'send', to: b.self, lane: 'bulk', bytes: MIB });
    expect(await told(b, 'message')).toMatchObject({ bytes: MIB, intact: true });

    server = await startServer({ mode: 'dev', port: Number(port) });
    const c = await openTab({ room });
    await linked(a, c);
    await linked(b, c);
    for (const tab of [a, b]) expect(kinds(await tab.events(), 'linkDown')).toEqual([]);
  });

  it('say what is wrong when there is no signalling server to join by', async () => {
    context = await browser.newContext();
    const lonely = await openTab({ room: newRoom(), signal: '59999' });
    const { state } = await told(lonely, 'signalling', (event) => event.state.state === 'retrying');
    expect(state).toMatchObject({
      problem: 'unreachable',
      message: expect.stringContaining('http://localhost:59999/signal') as unknown,
    });
  });

  it('answer a hundred times on control before bulk that was sent earlier, both ways, and buffer less than 1 MiB', async () => {
    context = await browser.newContext();
    const room = newRoom();
    const [a, b] = [await openTab({ room }), await openTab({ room })];
    await linked(a, b);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const)
      await from.send({ do: 'send', to: to.self, lane: 'bulk', bytes: 64 * MIB });
    // Their workers make what they send, which takes a while.
    for (const tab of [a, b]) await told(tab, 'outcome', () => true, 60_000);
    await a.send({ do: 'ping-often', to: b.self, everyMs: 10, times: 100 });
    const { ms, mostBuffered } = await told(a, 'pings', () => true, 60_000);
    // Else this was measured beside nothing.
    expect(kinds(await b.events(), 'message')).toEqual([]);
    expect(mostBuffered).toBeLessThan(MIB);
    // How long each took is for `rankfall bench allreduce` to say, on a quiet machine.
    expect(ms).toHaveLength(100);
  });
});

describe('tabs that cannot reach each other directly', () => {
  it('are linked inside the browser or else through the server, and hear a goodbye and the silence of a killed one', async () => {
    context = await browser.newContext();
    const other = await browser.newContext();
    await blockDirectLinks(context);
    await blockDirectLinks(other);
    const room = newRoom();
    const options = { room, fallbacks: 'broadcast,relay' };
    const [a, b, c, d] = [
      await openTab(options),
      await openTab(options),
      await openTab(options),
      await openTab(options, other),
    ];
    for (const [tab, carrier] of [
      [b, 'broadcast'],
      [c, 'broadcast'],
      [d, 'relay'],
    ] as const) {
      const up = await told(a, 'linkUp', ({ peer }) => peer === tab.self, 30_000);
      expect(up.carrier).toBe(carrier);
      await told(tab, 'linkUp', ({ peer }) => peer === a.self);
      await tab.send({ do: 'send', to: a.self, lane: 'bulk', bytes: 4 * MIB });
      expect(await told(a, 'message', ({ peer }) => peer === tab.self)).toMatchObject({
        bytes: 4 * MIB,
        intact: true,
      });
    }
    expect(await ping(d, a)).toBeLessThan(1000);
    await other.close();
    await told(a, 'linkDown', ({ peer }) => peer === d.self);
    await b.send({ do: 'spin', ms: 1000 });
    await b.page.close();
    expect(await told(a, 'linkDown', ({ peer }) => peer === b.self)).toMatchObject({ evidence: 'goodbye' });
    await c.page.evaluate(() => (window as unknown as ProbeWindow).probe.page.goodbyes(false));
    await c.page.close();
    expect(await told(a, 'linkDown', ({ peer }) => peer === c.self)).toMatchObject({
      evidence: 'channel-closed',
    });
  });
});
