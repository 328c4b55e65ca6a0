/** The signalling server lives inside Vite's: same port, same origin, and neither gets into the other's way. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, preview } from 'vite';
import type { ViteDevServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { SIGNAL_PATH, SIGNAL_SOCKET_PATH } from '../../../src/server/signal-server.ts';
import { rankfallServer } from '../../../src/server/vite-plugin.ts';
import { startServer } from '../../../src/server/start.ts';

/** What a socket does first: its opening, its first message, or its end. */
function dial(url: string, options: { protocol?: string; origin?: string } = {}) {
  const headers = options.origin === undefined ? {} : { origin: options.origin };
  const socket = new WebSocket(url, options.protocol === undefined ? [] : [options.protocol], { headers });
  const messages: unknown[] = [];
  let closed: number | undefined;
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString())));
  socket.on('close', (code) => (closed = code));
  const opened = new Promise<boolean>((resolve) => {
    socket.on('open', () => resolve(true));
    socket.on('error', () => resolve(false));
  });
  return { socket, messages, opened, closed: () => closed };
}

const isOfType = (message: unknown, type: string): boolean =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === type;

/** Of what the server answers before it closes. */
const firstLineOf = (port: number, request: string): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let answer = '';
    socket.on('data', (data: Buffer) => (answer += data.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer.split('\r\n')[0]));
  });

/** Resets the connection `ms` after the request. */
const breakOff = (port: number, request: string, ms: number): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(request);
      setTimeout(() => socket.resetAndDestroy(), ms);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });

describe('the signalling server', () => {
  let vite: ViteDevServer;
  let port: number;
  let base: string;

  beforeAll(async () => {
    vite = await createServer({
      configFile: false,
      logLevel: 'silent',
      plugins: [rankfallServer()],
      server: { host: '127.0.0.1', port: 0, watch: null },
      optimizeDeps: { noDiscovery: true },
    });
    await vite.listen();
    ({ port } = vite.httpServer?.address() as AddressInfo);
    base = `ws://127.0.0.1:${port}`;
  });
  afterAll(async () => {
    await vite.close();
  });

  const client = (id: string, options = {}) =>
    dial(`${base}/signal/peerjs?key=peerjs&id=${id}&token=${id}`, options);

  it('gives places, and passes messages between them', async () => {
    const [a, b] = [client('rankfall-x-0'), client('rankfall-x-1')];
    await expect.poll(() => [a.messages, b.messages]).toEqual([[{ type: 'OPEN' }], [{ type: 'OPEN' }]]);
    a.socket.send(JSON.stringify({ type: 'CANDIDATE', dst: 'rankfall-x-1', payload: { rankfall: 'hello' } }));
    await expect
      .poll(() => b.messages[1])
      .toMatchObject({ type: 'CANDIDATE', src: 'rankfall-x-0', payload: { rankfall: 'hello' } });
    const taken = dial(`${base}/signal/peerjs?key=peerjs&id=rankfall-x-0&token=other`);
    await expect.poll(() => taken.messages[0]).toMatchObject({ type: 'ID-TAKEN' });
    for (const { socket } of [a, b, taken]) socket.close();
  });

  it('does not list who is there', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/signal/peerjs/peers`);
    expect(answer.status).toBe(401);
    expect(await (await fetch(`http://127.0.0.1:${port}/signal/`)).json()).toMatchObject({
      name: 'PeerJS Server',
    });
  });

  it("leaves Vite's own WebSocket alone", async () => {
    const hmr = dial(`${base}/`, { protocol: 'vite-hmr' });
    expect(await hmr.opened).toBe(true);
    await expect.poll(() => hmr.messages[0]).toEqual({ type: 'connected' });
    const place = client('rankfall-y-0');
    expect(await place.opened).toBe(true);
    expect(hmr.closed()).toBeUndefined();
    for (const { socket } of [hmr, place]) socket.close();
  });

  it('lets in pages of its own origin only', async () => {
    expect(await client('rankfall-z-0', { origin: 'http://evil.example' }).opened).toBe(false);
    expect(await client('rankfall-z-1', { origin: 'null' }).opened).toBe(false);
    const own = client('rankfall-z-2', { origin: `http://127.0.0.1:${port}` });
    expect(await own.opened).toBe(true);
    own.socket.close();
  });

  it('survives noise, and closes on a message that is too long', async () => {
    const noisy = client('rankfall-n-0');
    await noisy.opened;
    for (const noise of ['{', 'null', '7', '{"type":"OFFER","dst":{}}']) noisy.socket.send(noise);
    noisy.socket.send('x'.repeat(65 * 1024));
    await expect.poll(() => noisy.closed()).toBe(1009);
    const next = client('rankfall-n-1');
    await expect.poll(() => next.messages[0]).toEqual({ type: 'OPEN' });
    next.socket.close();
  });

  it('passes on nothing that would cost the receiver its place, or the server its life', async () => {
    const [a, b] = [client('rankfall-h-0'), client('rankfall-h-1')];
    await expect.poll(() => [a.messages, b.messages]).toEqual([[{ type: 'OPEN' }], [{ type: 'OPEN' }]]);
    const to = '"type":"CANDIDATE","dst":"rankfall-h-1"';
    a.socket.send(`{${to},"payload":${'['.repeat(30_000)}${']'.repeat(30_000)}}`);
    // No string can be made of it: looked at when it is too old, after five seconds, it would have ended the process.
    a.socket.send('{"type":"CANDIDATE","dst":{"toString":1,"valueOf":1},"payload":{}}');
    // What the server alone says.
    for (const type of ['LEAVE', 'EXPIRE', 'ERROR'])
      a.socket.send(JSON.stringify({ type, dst: 'rankfall-h-1', payload: {} }));
    a.socket.send(`{${to},"payload":{"rankfall":"hello"}}`);
    await expect.poll(() => b.messages.length).toBe(2);
    expect(b.messages[1]).toMatchObject({ payload: { rankfall: 'hello' } });
    expect([a.closed(), b.closed()]).toEqual([undefined, undefined]);
    for (const { socket } of [a, b]) socket.close();
  });

  it('keeps one connection for each page, and places for others than whoever takes all that he gets', async () => {
    const twins = Array.from({ length: 20 }, () => client('rankfall-t-0'));
    const left = (): number => twins.filter(({ closed }) => closed() === undefined).length;
    await expect.poll(left, { timeout: 30_000 }).toBe(1);
    const many = Array.from({ length: 130 }, (_, i) => client(`rankfall-m-${i}`));
    const saying = (type: string) => many.filter(({ messages: [first] }) => isOfType(first, type)).length;
    await expect.poll(() => [saying('OPEN'), saying('ERROR')], { timeout: 30_000 }).toEqual([127, 3]);
    many[0]?.socket.close();
    await expect.poll(() => many[0]?.closed()).toBeDefined();
    const next = client('rankfall-m-0');
    await expect.poll(() => next.messages[0]).toEqual({ type: 'OPEN' });
    for (const { socket } of [...twins, ...many, next]) socket.close();
  });

  it('answers an address that is none, and bears with connections that break before they are let in', async () => {
    const asking = (path: string, more: string[] = []): string =>
      [
        `GET ${path} HTTP/1.1`,
        `Host: 127.0.0.1:${port}`,
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        ...more,
        '\r\n',
      ].join('\r\n');
    const paths = ['//', '//[', 'http://[', 'http://a b'];
    for (const path of paths)
      for (const more of [[], ['Sec-WebSocket-Protocol: vite-hmr']])
        expect(await firstLineOf(port, asking(path, more))).toBe('HTTP/1.1 400 Bad Request');
    for (const path of ['//[', 'http://[', '/%', `${SIGNAL_PATH}/%`]) {
      const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;
      expect(await firstLineOf(port, request)).toBe('HTTP/1.1 404 Not Found');
    }
    for (let i = 0; i < 20; i++)
      await breakOff(port, asking(SIGNAL_SOCKET_PATH, ['Origin: http://evil.example']), i);
    const place = client('rankfall-q-0');
    expect(await place.opened).toBe(true);
    place.socket.close();
  });

  it('closes connections that one network opens beyond its share, though they say nothing', async () => {
    let closed = 0;
    const idle: Socket[] = [];
    for (let i = 0; i < 1_040; i++) {
      const socket = connect(port, '127.0.0.1').resume();
      socket.on('error', () => undefined);
      socket.on('close', () => (closed += 1));
      // One by one: a listening socket forgets those that nobody has taken up, beyond some hundreds.
      await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
      idle.push(socket);
    }
    // Those that tests before this one have open still take their share.
    await expect.poll(() => closed, { timeout: 30_000 }).toBeGreaterThanOrEqual(16);
    expect(closed).toBeLessThan(100);
    for (const socket of idle) socket.destroy();
    await expect.poll(() => closed, { timeout: 30_000 }).toBe(1_040);
    const place = client('rankfall-v-0');
    expect(await place.opened).toBe(true);
    place.socket.close();
  });

  it('serves a client that never reloads a page that trains', async () => {
    const client = await (await fetch(`http://127.0.0.1:${port}/@vite/client`)).text();
    expect(client).toContain('updateStyle');
    expect(client).not.toContain('reload');
    expect(client).not.toContain('WebSocket');
  });
});

describe('a production build', () => {
  it('is served with the same signalling', async () => {
    const root = await mkdtemp(join(tmpdir(), 'rankfall-preview-'));
    await mkdir(join(root, 'dist'));
    await writeFile(join(root, 'dist', 'index.html'), '<!doctype html><title>built</title>');
    const server = await preview({
      root,
      configFile: false,
      logLevel: 'silent',
      plugins: [rankfallServer()],
      preview: { host: '127.0.0.1', port: 0 },
    });
    try {
      const url = server.resolvedUrls?.local[0] ?? '';
      expect(await (await fetch(url)).text()).toContain('built');
      const place = dial(`${url.replace('http', 'ws')}signal/peerjs?key=peerjs&id=rankfall-b-0&token=t`);
      await expect.poll(() => place.messages[0]).toEqual({ type: 'OPEN' });
      place.socket.close();
      // There is no other WebSocket here, so nobody else would answer.
      expect(await dial(`${url.replace('http', 'ws')}elsewhere`).opened).toBe(false);
    } finally {
      await server.close();
      await rm(root, { recursive: true });
    }
  });
});

describe('starting the server', () => {
  it('takes the next free port when the wanted one is taken, and says its address', async () => {
    const holder = createHttpServer();
    await new Promise<void>((resolve) => holder.listen(0, 'localhost', resolve));
    const taken = (holder.address() as AddressInfo).port;
    const server = await startServer({ port: taken, mode: 'dev' });
    try {
      expect(server.url).toMatch(/^http:\/\/localhost:\d+\/$/);
      expect(Number(new URL(server.url).port)).toBeGreaterThan(taken);
      const socket = dial(
        `${server.url.replace('http', 'ws')}signal/peerjs?key=peerjs&id=rankfall-p-0&token=t`,
      );
      await expect.poll(() => socket.messages[0]).toEqual({ type: 'OPEN' });
      socket.socket.close();
    } finally {
      await server.close();
      holder.close();
    }
  });
});
