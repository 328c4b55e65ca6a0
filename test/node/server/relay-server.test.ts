/** The room's relay passes datagrams between pages of one room, says who is there, and bears with strangers. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createRelayServer, type RelayServerHandle } from '../../../src/server/relay-server.ts';
import { isMemberId } from '../../../src/ports/ids.ts';
import { routeUpgrades } from '../../../src/server/upgrades.ts';
import { systemClock } from '../../../src/transport/system-clock.ts';
import { openRelay, type OpenSocket } from '../../../src/transport/fallback/relay.ts';
import { MAX_RELAYED_BYTES, addressBytes } from '../../../src/transport/fallback/relay-protocol.ts';

let http: Server;
let relay: RelayServerHandle;
let base: string;

beforeAll(async () => {
  http = createServer();
  relay = createRelayServer();
  routeUpgrades(http, { '/relay': relay.upgrade });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  base = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/relay`;
});
afterAll(() => {
  relay.close();
  http.close();
});

const id = (digit: string): string => digit.repeat(32);

/** A place by a short name. */
const placeOf = (name: string): string => Buffer.from(name).toString('hex').padEnd(32, '0');

function dial(name: string, endpoint: string, headers: Record<string, string> = {}, place = placeOf(name)) {
  const room = placeOf(name);
  const query = new URLSearchParams({ place, room, endpoint, member: endpoint }).toString();
  const socket = new WebSocket(`${base}?${query}`, { headers });
  const words: unknown[] = [];
  const datagrams: string[] = [];
  let ended: number | 'refused' | undefined;
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) datagrams.push(data.toString('hex'));
    else words.push(JSON.parse(data.toString()));
  });
  socket.on('close', (code) => (ended ??= code));
  socket.on('error', () => (ended = 'refused'));
  return { socket, words, datagrams, ended: () => ended };
}

const openNodeSocket: OpenSocket = (url, handlers) => {
  const socket = new WebSocket(url);
  socket.on('open', () => handlers.open());
  socket.on('message', (data: Buffer, isBinary) => handlers.message(isBinary ? data : data.toString()));
  socket.on('close', () => handlers.closed());
  return {
    isOpen: () => socket.readyState === WebSocket.OPEN,
    send: (bytes) => socket.send(bytes),
    close: () => socket.close(),
  };
};

const letter = (to: string, text: string): Buffer =>
  Buffer.concat([addressBytes(to), Buffer.from(text, 'hex')]);

describe('the relay', () => {
  it('tells pages of one room who is there and who has gone, and passes on what they say', async () => {
    const a = dial('one', id('a'));
    await expect.poll(() => a.words).toEqual([{ say: 'here', pages: [] }]);
    const b = dial('one', id('b'));
    const elsewhere = dial('two', id('c'));
    await expect
      .poll(() => a.words[1])
      .toEqual({ say: 'here', pages: [{ endpoint: id('b'), member: id('b') }] });
    await expect
      .poll(() => b.words)
      .toEqual([{ say: 'here', pages: [{ endpoint: id('a'), member: id('a') }] }]);
    a.socket.send(letter(id('b'), '0102'));
    a.socket.send(letter(id('c'), '03'));
    a.socket.send(letter(id('b'), '04'));
    await expect.poll(() => b.datagrams).toEqual([`${id('a')}0102`, `${id('a')}04`]);
    expect(elsewhere.datagrams).toEqual([]);
    b.socket.close();
    await expect.poll(() => a.words[2]).toEqual({ say: 'gone', endpoint: id('b') });
    a.socket.close();
    elsewhere.socket.close();
  });

  it('refuses an endpoint in use, a place that is none, and a page of another site', async () => {
    const a = dial('three', id('a'));
    await expect.poll(() => a.words.length).toBe(1);
    const refused = [
      dial('three', id('a')),
      dial('three', id('b'), {}, 'three'),
      dial('three', 'endpoint'),
      dial('three', id('d'), { origin: 'https://elsewhere.example' }),
    ];
    await expect.poll(() => refused.map(({ ended }) => ended())).toEqual(Array(4).fill('refused'));
    expect(a.words.length).toBe(1);
    a.socket.close();
  });

  it('disconnects who sends too much at once or too little, and nobody else', async () => {
    const [a, b, c] = [dial('four', id('a')), dial('four', id('b')), dial('four', id('c'))];
    await expect.poll(() => [a, b, c].map(({ words }) => words.length > 0)).toEqual([true, true, true]);
    a.socket.send(Buffer.alloc(MAX_RELAYED_BYTES + 1));
    b.socket.send(Buffer.alloc(15));
    await expect.poll(() => [a.ended(), b.ended()]).toEqual([1009, 1008]);
    expect(c.ended()).toBeUndefined();
    c.socket.close();
  });

  it('disconnects who floods a page that does not read, and keeps that page and its other peers', async () => {
    const [frozen, flooding, honest] = [dial('five', id('a')), dial('five', id('b')), dial('five', id('c'))];
    await expect
      .poll(() => [frozen, flooding, honest].map(({ words }) => words.length > 0))
      .toEqual([true, true, true]);
    frozen.socket.pause();
    // What the two kernels take is not seen to wait: several MiB on Linux.
    for (let sent = 0; sent < 4_096 && flooding.ended() === undefined; sent++) {
      flooding.socket.send(letter(id('a'), '00'.repeat(MAX_RELAYED_BYTES - 16)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => flooding.ended()).toBe(1008);
    honest.socket.send(letter(id('a'), '0102'));
    frozen.socket.resume();
    await expect.poll(() => frozen.datagrams.at(-1), { timeout: 30_000 }).toBe(`${id('c')}0102`);
    expect([frozen, honest].map(({ ended }) => ended())).toEqual([undefined, undefined]);
    frozen.socket.close();
    honest.socket.close();
  });

  it('slows down who sends too many messages, which all arrive, and lets nobody else wait for them', async () => {
    const [flood, reader] = [dial('flooded', id('a')), dial('flooded', id('b'))];
    const [asking, answering] = [dial('quiet', id('c')), dial('quiet', id('d'))];
    for (const page of [flood, reader, asking, answering])
      await expect.poll(page.words.length === 0 ? () => page.words.length : () => 1).toBeGreaterThan(0);
    answering.socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) answering.socket.send(Buffer.concat([addressBytes(id('c')), data.subarray(16)]));
    });
    const many = 25_000;
    for (let i = 0; i < many; i++) flood.socket.send(letter(id('b'), '07'));
    for (let trip = 1; trip <= 20; trip++) {
      asking.socket.send(letter(id('d'), '05'));
      await expect.poll(() => asking.datagrams.length, { interval: 1 }).toBe(trip);
    }
    expect(reader.datagrams.length).toBeLessThan(many);
    await expect.poll(() => reader.datagrams.length, { timeout: 15_000 }).toBe(many);
    expect([flood.ended(), reader.ended()]).toEqual([undefined, undefined]);
    for (const { socket } of [flood, reader, asking, answering]) socket.close();
  }, 30_000);

  it('disconnects who cuts a message into more pieces than a browser does', async () => {
    const page = dial('pieces', id('a'));
    await expect.poll(() => page.words.length).toBeGreaterThan(0);
    for (let i = 0; i < 100; i++) page.socket.send(Buffer.of(1), { fin: false });
    await expect.poll(page.ended).toBe(1008);
  });

  it('disconnects a page that does not read when a whole room waits for it, and nobody else', async () => {
    const frozen = dial('six', id('f'));
    const names = Array.from({ length: 30 }, (_, i) => i.toString(16).padStart(32, '0'));
    const others = names.map((name) => dial('six', name));
    const areHere = (): boolean => [frozen, ...others].every(({ words }) => words.length > 0);
    await expect.poll(areHere, { timeout: 30_000 }).toBe(true);
    frozen.socket.pause();
    // Each within what one may have waiting; the two kernels take some MiB of it.
    for (let sent = 0; sent < 28; sent++) {
      for (const { socket } of others) socket.send(letter(id('f'), '00'.repeat(MAX_RELAYED_BYTES - 16)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const isGone = (word: unknown): boolean => JSON.stringify(word).includes('gone');
    await expect.poll(() => others.every(({ words }) => words.some(isGone)), { timeout: 30_000 }).toBe(true);
    expect(others.map(({ ended }) => ended())).toEqual(others.map(() => undefined));
    for (const { socket } of [frozen, ...others]) socket.terminate();
  });

  it('leaves half of the seats of a room to others than one network', async () => {
    const names = Array.from({ length: 129 }, (_, i) => i.toString(16).padStart(32, '0'));
    const pages = names.map((name) => dial('seven', name));
    const counted = (): readonly number[] => [
      pages.filter(({ words }) => words.length > 0).length,
      pages.filter(({ ended }) => ended() === 'refused').length,
    ];
    await expect.poll(counted, { timeout: 30_000 }).toEqual([128, 1]);
    for (const { socket } of pages) socket.terminate();
  });

  it('keeps places of those who make up many from being all that there are', async () => {
    const many = Array.from({ length: 64 }, (_, i) => dial(`many${i}`, id('a')));
    await expect.poll(() => many.every(({ words }) => words.length > 0)).toBe(true);
    const another = dial('another', id('a'));
    await expect.poll(() => another.ended()).toBe('refused');
    // Places that are there stay open to whoever belongs to them.
    const second = dial('many7', id('b'));
    await expect.poll(() => second.words.length).toBe(1);
    for (const { socket } of [...many, second]) socket.close();
    await expect
      .poll(async () => {
        const again = dial('another', id('a'));
        await expect.poll(() => again.ended() ?? again.words.length).toBeTruthy();
        again.socket.close();
        return again.ended();
      })
      .toBeUndefined();
  });

  it('brings pages together that know the secret of a room; who knows its name alone takes nobody’s place and is told of', async () => {
    const open = (secret: string, room = 'ABCDEF') => {
      const met: string[] = [];
      const kept = { apart: 0 };
      const name = id(String(++members % 10));
      if (!isMemberId(name)) throw new TypeError(`${name} is no member's id.`);
      const options = { url: base, room, secret, clock: systemClock(), openSocket: openNodeSocket };
      const medium = openRelay(options)(name, {
        here: (_endpoint, member) => met.push(member),
        gone: () => undefined,
        elsewhere: (pages) => (kept.apart += pages),
        datagram: () => undefined,
      });
      return { name, met, kept, medium };
    };
    let members = 0;
    const strangers = Array.from({ length: 5 }, () => open('guessed'));
    await expect.poll(() => strangers.every(({ met }) => met.length >= 4)).toBe(true);
    const [one, other, elsewhere] = [open('right'), open('right'), open('right', 'GHIJKL')];
    await expect.poll(() => [one.met, other.met]).toEqual([[other.name], [one.name]]);
    expect(strangers.flatMap(({ met }) => met)).not.toContain(one.name);
    expect(elsewhere.met).toEqual([]);
    // Both sides are told; a room of another name is not.
    const late = open('guessed');
    await expect
      .poll(() => [one, other, late].map(({ kept }) => kept.apart), { timeout: 10_000 })
      .toEqual([6, 6, 2]);
    expect(elsewhere.kept).toEqual({ apart: 0 });
    late.medium.close();
    for (const { medium } of [...strangers, one, other, elsewhere]) medium.close();
  });
});
