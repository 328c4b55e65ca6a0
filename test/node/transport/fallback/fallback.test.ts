/** Links over a medium in memory: when they step in, that they move messages whole, and how they end. */
import { describe, expect, it, vi } from 'vitest';
import { isMemberId, type MemberId } from '../../../../src/ports/ids.ts';
import { DIRECT_MS } from '../../../../src/transport/fallback/fallback.ts';
import { decodeDatagram, encodeDatagram } from '../../../../src/transport/fallback/datagram.ts';
import {
  newEndpointId,
  type EndpointId,
  type MediumHandlers,
  type MediumKind,
  type OpenMedium,
} from '../../../../src/transport/fallback/medium.ts';
import { openWorkerTransport, type WorkerTransport } from '../../../../src/transport/worker.ts';
import { manualClock, type ManualClock } from '../fake-lane.ts';

/** Pages that reach each other through a queue; `hold` keeps what is under way. */
function hub(kind: MediumKind = 'relay') {
  const pages = new Map<EndpointId, { readonly member: MemberId; readonly handlers: MediumHandlers }>();
  const queue: (() => void)[] = [];
  const flush = (): void => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) next();
  };
  const open: OpenMedium = (member, handlers) => {
    const self = newEndpointId();
    queue.push(() => {
      for (const [endpoint, other] of pages) {
        other.handlers.here(self, member);
        handlers.here(endpoint, other.member);
      }
      pages.set(self, { member, handlers });
    });
    return {
      kind,
      self,
      send(to, bytes) {
        const copy = bytes.slice();
        queue.push(() => pages.get(to)?.handlers.datagram(self, copy));
      },
      close() {
        pages.delete(self);
        for (const other of pages.values()) queue.push(() => other.handlers.gone(self, 'channel-closed'));
      },
    };
  };
  /** The page of this member says that it goes. */
  const sayGoodbye = (leaver: MemberId): void => {
    for (const [endpoint, page] of pages)
      if (page.member === leaver)
        for (const other of pages.values())
          if (other !== page) queue.push(() => other.handlers.gone(endpoint, 'goodbye'));
  };
  return { open, flush, sayGoodbye };
}

const member = (digit: string): MemberId => {
  const id = digit.repeat(32);
  if (!isMemberId(id)) throw new Error(id);
  return id;
};

interface Rank {
  readonly self: MemberId;
  readonly transport: WorkerTransport;
  readonly told: string[];
  readonly bytes: Uint8Array[];
}

function rank(
  digit: string,
  medium: OpenMedium | readonly OpenMedium[],
  clock: ManualClock,
  secret = 'secret',
): Rank {
  const told: string[] = [];
  const bytes: Uint8Array[] = [];
  const name = (peer: MemberId): string => peer.slice(0, 1);
  const self = member(digit);
  const port: Pick<MessagePort, 'onmessage' | 'postMessage'> = {
    onmessage: null,
    postMessage: () => undefined,
  };
  const transport = openWorkerTransport({
    port,
    self,
    room: 'room',
    secret,
    clock,
    fallbacks: [medium].flat(),
    handlers: {
      linkUp: (peer) => told.push(`up ${name(peer)}`),
      linkDown: (peer, evidence) => told.push(`down ${name(peer)} ${evidence}`),
      message(peer, lane, received) {
        told.push(`${lane} of ${received.length} from ${name(peer)}`);
        bytes.push(received);
      },
      refused: ({ code, by }) => told.push(`refused ${code} by ${by}`),
      signalling: () => undefined,
    },
  });
  return { self, transport, told, bytes };
}

/** Long beside anything that is waited for, so that a busy machine is no failure. */
const WAIT = { timeout: 30_000, interval: 1 };

/** Proofs are computed by WebCrypto, which answers in its own time. */
const until = async (clock: ManualClock, flush: () => void, done: () => boolean): Promise<void> => {
  await vi.waitFor(() => {
    flush();
    clock.advance(1);
    if (!done()) throw new Error('not yet');
  }, WAIT);
};

describe('a link over another carrier', () => {
  it('steps in when there is no direct one after five seconds, and not before', async () => {
    const clock = manualClock();
    const { open, flush } = hub();
    const [a, b] = [rank('a', open, clock), rank('b', open, clock)];
    flush();
    clock.advance(DIRECT_MS - 100);
    flush();
    expect([...a.told, ...b.told]).toEqual([]);
    clock.advance(1000);
    await until(clock, flush, () => a.told.length > 0 && b.told.length > 0);
    expect([a.told, b.told]).toEqual([['up b'], ['up a']]);
    expect(a.transport.carrier(b.self)).toBe('relay');
  });

  it.each([0, 300, 900, 2500, 4000])(
    'is over the medium that is preferred, also when another shows the member %i ms before',
    async (earlier) => {
      const clock = manualClock();
      const [near, far] = [hub('broadcast'), hub('relay')];
      const flush = (): void => {
        far.flush();
        near.flush();
      };
      const [a, b] = [rank('a', [near.open, far.open], clock), rank('b', [near.open, far.open], clock)];
      far.flush();
      clock.advance(earlier);
      flush();
      clock.advance(DIRECT_MS + 1000 - earlier);
      await until(clock, flush, () => a.told.length > 0 && b.told.length > 0);
      expect([a.transport.carrier(b.self), b.transport.carrier(a.self)]).toEqual(['broadcast', 'broadcast']);
    },
  );

  it('ends at a goodbye that is said in the same browser, whatever carries it', async () => {
    const clock = manualClock();
    const [near, far] = [hub('broadcast'), hub('relay')];
    const [a, b] = [rank('a', [near.open, far.open], clock), rank('b', [near.open, far.open], clock)];
    far.flush();
    clock.advance(DIRECT_MS + 1000);
    await until(clock, far.flush, () => a.told.length > 0 && b.told.length > 0);
    expect(a.transport.carrier(b.self)).toBe('relay');
    near.flush();
    near.sayGoodbye(b.self);
    near.flush();
    expect(a.told).toEqual(['up b', 'down b goodbye']);
  });

  async function linkedPair() {
    const clock = manualClock();
    const { open, flush } = hub();
    const [a, b] = [rank('a', open, clock), rank('b', open, clock)];
    flush();
    clock.advance(DIRECT_MS + 1000);
    await until(clock, flush, () => a.told.length > 0 && b.told.length > 0);
    return { a, b, clock, flush, open };
  }

  it('moves messages whole on both lanes, a long one under credit', async () => {
    const { a, b, clock, flush } = await linkedPair();
    const long = Uint8Array.from({ length: 3_000_000 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
    expect(a.transport.send(b.self, 'bulk', long)).toBe('sent');
    // Without credit no more than the high-water mark leaves.
    expect(a.transport.queuedBytes(b.self)).toBeGreaterThan(2_900_000);
    expect(a.transport.send(b.self, 'control', Uint8Array.of(1, 2, 3))).toBe('sent');
    await until(clock, flush, () => b.bytes.length === 2);
    expect(b.told.slice(1)).toEqual(['control of 3 from a', 'bulk of 3000000 from a']);
    // Element by element, the runner takes seconds for as many.
    expect(Buffer.compare(b.bytes[1] ?? new Uint8Array(), long)).toBe(0);
    expect(a.transport.queuedBytes(b.self)).toBeLessThan(64 * 1024);
  });

  it('goes down when the other page is gone, and comes back with the next page', async () => {
    const { a, b, clock, flush, open } = await linkedPair();
    b.transport.close();
    flush();
    expect(a.told).toEqual(['up b', 'down b channel-closed']);
    const c = rank('c', open, clock);
    flush();
    clock.advance(DIRECT_MS + 1000);
    await until(clock, flush, () => c.told.length > 0 && a.told.length > 2);
    expect(a.told.at(-1)).toBe('up c');
  });

  it('is not had by a stranger, who is refused as on a direct one', async () => {
    const clock = manualClock();
    const { open, flush } = hub();
    const [a, stranger] = [rank('a', open, clock), rank('b', open, clock, 'of another room')];
    flush();
    clock.advance(DIRECT_MS + 1000);
    await until(clock, flush, () => a.told.length > 0 && stranger.told.length > 0);
    expect(a.told.every((line) => line.startsWith('refused wrong-secret'))).toBe(true);
    expect(stranger.told.every((line) => line.startsWith('refused wrong-secret'))).toBe(true);
    expect(a.transport.peers()).toEqual([]);
  });

  /** Somebody on the medium who says that he is a member; what kinds of datagrams he has heard. */
  function pretender(open: OpenMedium, of: string) {
    const heard: string[] = [];
    const found: EndpointId[] = [];
    const medium = open(member(of), {
      here: (endpoint) => found.push(endpoint),
      gone: () => undefined,
      elsewhere: () => undefined,
      datagram(_from, bytes) {
        heard.push(decodeDatagram(bytes)?.kind ?? 'nothing');
      },
    });
    return { medium, heard, found };
  }

  it('is given up where a call is not answered, and tried again', async () => {
    const clock = manualClock();
    const { open, flush } = hub();
    const silent = pretender(open, 'a');
    rank('b', open, clock);
    const later = (ms: number): void => {
      for (let at = 0; at < ms; at += 100) {
        clock.advance(100);
        flush();
      }
    };
    flush();
    later(DIRECT_MS + 1_000);
    expect(silent.heard).toEqual(['call']);
    later(30_000);
    expect(silent.heard.slice(0, 3)).toEqual(['call', 'hangup', 'call']);
  });

  it('is had past others who say first that they are this member', async () => {
    const clock = manualClock();
    const { open, flush } = hub();
    const silent = [pretender(open, 'a'), pretender(open, 'a'), pretender(open, 'a')];
    const [a, b] = [rank('a', open, clock), rank('b', open, clock)];
    flush();
    clock.advance(DIRECT_MS);
    await vi.waitFor(() => {
      clock.advance(50);
      flush();
      expect([a.told, b.told]).toEqual([['up b'], ['up a']]);
    }, WAIT);
    expect(clock.now()).toBeLessThan(120_000);
    expect(silent.some(({ heard }) => heard.includes('call'))).toBe(true);
  });

  it('is not worth an answer to every call of a flood, which is counted', async () => {
    const clock = manualClock();
    const { open, flush } = hub();
    const a = rank('a', open, clock);
    const flooding = pretender(open, 'b');
    flush();
    const [victim] = flooding.found;
    if (victim === undefined) throw new Error('nobody is there');
    for (let stream = 1; stream <= 1_000; stream++)
      flooding.medium.send(victim, encodeDatagram({ kind: 'call', stream }));
    flush();
    const answers = (): number => flooding.heard.filter((kind) => kind === 'answer').length;
    expect(answers()).toBe(1);
    clock.advance(1_000);
    expect(a.told).toEqual(['refused flood by self']);
    flooding.medium.send(victim, encodeDatagram({ kind: 'call', stream: 1_001 }));
    flush();
    expect(answers()).toBe(2);
  });

  it('is dropped on purpose with a typed reason on both sides', async () => {
    const { a, b, clock, flush } = await linkedPair();
    a.transport.drop(b.self, 'by the test');
    await until(clock, flush, () => b.told.length === 3);
    expect(b.told.slice(1)).toEqual(['refused dropped by peer', 'down a channel-closed']);
  });
});
