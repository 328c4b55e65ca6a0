/** The worker's half as the protocol sees it: members come up once, go down once, and nobody takes another's place. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isMemberId } from '../../../src/ports/ids.ts';
import type { MemberId } from '../../../src/ports/ids.ts';
import type { WorkerMessage } from '../../../src/transport/bridge.ts';
import { TransportError } from '../../../src/transport/transport-error.ts';
import { openWorkerTransport } from '../../../src/transport/worker.ts';
import type { WorkerTransport } from '../../../src/transport/worker.ts';

/** As much of an RTCDataChannel as the worker touches, connected to another in memory. */
class FakeDataChannel extends EventTarget {
  binaryType = 'blob';
  readyState = 'connecting';
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  other: FakeDataChannel | undefined;

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.readyState !== 'open') throw new DOMException('not open', 'InvalidStateError');
    const data = bytes.slice().buffer;
    setTimeout(() => {
      if (this.other?.readyState === 'open') this.other.dispatchEvent(new MessageEvent('message', { data }));
    }, 0);
  }
  open(): void {
    this.readyState = 'open';
    this.dispatchEvent(new Event('open'));
  }
  close(): void {
    for (const end of [this, this.other]) {
      if (end === undefined || end.readyState === 'closed') continue;
      end.readyState = 'closed';
      end.dispatchEvent(new Event('close'));
    }
  }
}

beforeEach(() => {
  vi.stubGlobal('RTCDataChannel', FakeDataChannel);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const channels = (): [FakeDataChannel, FakeDataChannel] => {
  const [a, b] = [new FakeDataChannel(), new FakeDataChannel()];
  a.other = b;
  b.other = a;
  return [a, b];
};

const member = (digit: string): MemberId => {
  const id = digit.repeat(32);
  if (!isMemberId(id)) throw new Error(id);
  return id;
};

interface Rank {
  readonly self: MemberId;
  readonly transport: WorkerTransport;
  /** What its handlers were told, in words. */
  readonly told: string[];
  /** What it said to its page. */
  readonly toPage: WorkerMessage[];
  fromPage(data: unknown): void;
  links: number;
}

function rank(digit: string): Rank {
  const told: string[] = [];
  const toPage: WorkerMessage[] = [];
  const port: Pick<MessagePort, 'onmessage' | 'postMessage'> = {
    onmessage: null,
    postMessage: (message: WorkerMessage) => toPage.push(message),
  };
  const name = (peer: MemberId): string => peer.slice(0, 1);
  const self = member(digit);
  const transport = openWorkerTransport({
    port,
    self,
    room: 'kitchen',
    secret: 's',
    handlers: {
      linkUp: (peer) => told.push(`up ${name(peer)}`),
      linkDown: (peer, evidence) => told.push(`down ${name(peer)} ${evidence}`),
      message: (peer, lane, bytes) => told.push(`${lane} ${bytes.length} from ${name(peer)}`),
      refused: ({ code, by }) => told.push(`refused ${code} by ${by}`),
      signalling: ({ state }) => told.push(`signalling ${state}`),
    },
  });
  const fromPage = (data: unknown): void => {
    port.onmessage?.call(port as MessagePort, new MessageEvent('message', { data }));
  };
  return { self, transport, told, toPage, fromPage, links: 0 };
}

/** Connects two ranks as their pages would; the fingerprints say which pages those are. */
function connect(a: Rank, b: Rank, pageA = `page ${a.self}`, pageB = `page ${b.self}`): void {
  const [controlA, controlB] = channels();
  const [bulkA, bulkB] = channels();
  a.fromPage({ kind: 'link', link: a.links, role: 'caller', control: controlA, bulk: bulkA });
  b.fromPage({ kind: 'link', link: b.links, role: 'callee', control: controlB, bulk: bulkB });
  a.fromPage({ kind: 'bound', link: a.links++, local: pageA, remote: pageB });
  b.fromPage({ kind: 'bound', link: b.links++, local: pageB, remote: pageA });
  for (const channel of [controlA, controlB, bulkA, bulkB]) channel.open();
}

describe("the worker's half", () => {
  it('links members and moves their messages', async () => {
    const [a, b] = [rank('a'), rank('b')];
    expect(a.toPage).toEqual([{ kind: 'ready' }]);
    connect(a, b);
    await expect.poll(() => [a.told, b.told]).toEqual([['up b'], ['up a']]);
    expect(a.toPage).toContainEqual({ kind: 'linked', link: 0 });
    expect(a.transport.peers()).toEqual([b.self]);
    expect(a.transport.send(b.self, 'bulk', new Uint8Array(100_000))).toBe('sent');
    await expect.poll(() => b.told.at(-1)).toBe('bulk 100000 from a');
    expect(a.transport.queuedBytes(b.self)).toBe(0);
    expect(a.transport.send(member('c'), 'bulk', Uint8Array.of(1))).toBe('no-link');
    expect(a.transport.queuedBytes(member('c'))).toBe(0);
  });

  it('tells once that a member is down, with what the page saw first', async () => {
    const [a, b] = [rank('a'), rank('b')];
    connect(a, b);
    await expect.poll(() => a.told).toEqual(['up b']);
    a.fromPage({ kind: 'down', link: 0, evidence: 'goodbye' });
    a.fromPage({ kind: 'down', link: 0, evidence: 'ice' });
    expect(a.told).toEqual(['up b', 'down b goodbye']);
    expect(a.transport.peers()).toEqual([]);
    expect(a.toPage).toContainEqual({ kind: 'close', link: 0, again: 'soon' });
    await expect.poll(() => b.told).toEqual(['up a', 'down a channel-closed']);
  });

  it('tells both when one drops the other, and the one who asked only afterwards', async () => {
    const [a, b] = [rank('a'), rank('b')];
    connect(a, b);
    await expect.poll(() => [...a.told, ...b.told]).toEqual(['up b', 'up a']);
    a.transport.drop(b.self, 'evicted');
    expect(a.transport.send(b.self, 'control', Uint8Array.of(1))).toBe('no-link');
    expect(a.told).toEqual(['up b']);
    await expect.poll(() => b.told).toEqual(['up a', 'refused dropped by peer', 'down a channel-closed']);
    await expect.poll(() => a.toPage).toContainEqual({ kind: 'close', link: 0, again: 'later' });
    expect(a.told).toEqual(['up b', 'down b misbehaved']);
  });

  it('refuses a member id that is in use by another page, and keeps the link that it has', async () => {
    const [a, b, copy] = [rank('a'), rank('b'), rank('b')];
    connect(a, b);
    await expect.poll(() => a.told).toEqual(['up b']);
    connect(a, copy, undefined, 'another page');
    await expect.poll(() => a.told.at(-1)).toBe('refused duplicate-member by self');
    await expect.poll(() => copy.told).toContain('refused duplicate-member by peer');
    expect(a.told).not.toContain('down b channel-closed');
    expect(a.transport.send(b.self, 'control', Uint8Array.of(1))).toBe('sent');
    await expect.poll(() => b.told.at(-1)).toBe('control 1 from a');
  });

  it('takes a new link of the same page for the old one, which it has then lost', async () => {
    const [a, b] = [rank('a'), rank('b')];
    connect(a, b);
    await expect.poll(() => [...a.told, ...b.told]).toEqual(['up b', 'up a']);
    connect(a, b);
    await expect.poll(() => a.told).toEqual(['up b', 'down b channel-closed', 'up b']);
    await expect.poll(() => b.told).toEqual(['up a', 'down a channel-closed', 'up a']);
    // Were the older connection kept and taken up anew, the two would take each other's place for ever.
    for (const { toPage } of [a, b])
      expect(toPage).toContainEqual({ kind: 'close', link: 0, again: 'never' });
    a.transport.send(b.self, 'control', Uint8Array.of(1));
    await expect.poll(() => b.told.at(-1)).toBe('control 1 from a');
    expect(a.transport.peers()).toEqual([b.self]);
  });

  it('refuses itself', async () => {
    const [a, mirror] = [rank('a'), rank('a')];
    connect(a, mirror);
    await expect.poll(() => a.told.length + mirror.told.length).toBeGreaterThan(1);
    for (const told of [a.told, mirror.told]) expect(told.join()).toMatch(/^refused self by (self|peer)$/);
  });

  it('says nothing more once it is closed, and has its page say goodbye', async () => {
    const [a, b] = [rank('a'), rank('b')];
    connect(a, b);
    await expect.poll(() => [...a.told, ...b.told]).toEqual(['up b', 'up a']);
    a.transport.close();
    expect(a.toPage.at(-1)).toEqual({ kind: 'close-all' });
    b.transport.send(a.self, 'control', Uint8Array.of(1));
    a.fromPage({ kind: 'down', link: 0, evidence: 'ice' });
    // A whole handshake later, whatever was on its way has arrived.
    connect(rank('c'), b);
    await expect.poll(() => b.told).toContain('up c');
    expect(a.told).toEqual(['up b']);
    expect(a.transport.peers()).toEqual([]);
  });

  it('passes on how signalling stands, and trips over a page that speaks otherwise', () => {
    const a = rank('a');
    a.fromPage({ kind: 'signalling', signalling: { state: 'open', slot: 3 } });
    expect(a.told).toEqual(['signalling open']);
    for (const wrong of [
      undefined,
      {},
      { kind: 'link', link: 0 },
      { kind: 'bound', link: -1, local: '', remote: '' },
    ]) {
      expect(() => a.fromPage(wrong)).toThrow(TransportError);
    }
  });

  it('needs a secret', () => {
    const port = { onmessage: null, postMessage: () => undefined } as unknown as MessagePort;
    const handlers = {
      linkUp: () => undefined,
      linkDown: () => undefined,
      message: () => undefined,
      refused: () => undefined,
      signalling: () => undefined,
    };
    expect(() => openWorkerTransport({ port, self: member('a'), room: 'r', secret: '', handlers })).toThrow(
      /secret/,
    );
  });
});
