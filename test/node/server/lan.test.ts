/** A workshop's server: under which addresses it is found, and that everything of a room passes over HTTPS. */
import type { NetworkInterfaceInfo } from 'node:os';
import { connect } from 'node:http2';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'vite';
import type { ViteDevServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { madeCertificate } from '../../../src/server/certificate.ts';
import { lanAddresses, machineNames } from '../../../src/server/lan.ts';
import { rankfallServer } from '../../../src/server/vite-plugin.ts';

const ipv4 = (address: string, internal = false): NetworkInterfaceInfo => ({
  family: 'IPv4',
  address,
  internal,
  netmask: '255.255.255.0',
  mac: '00:00:00:00:00:00',
  cidr: `${address}/24`,
});

describe('the addresses that others can open', () => {
  it('are private ones of real interfaces first, without this machine itself and without those that reach nobody', () => {
    const found = lanAddresses({
      lo: [ipv4('127.0.0.1', true)],
      docker0: [ipv4('172.17.0.1')],
      ppp0: [ipv4('203.0.113.5')],
      wlan0: [ipv4('192.168.4.20'), ipv4('169.254.9.9')],
      gone: undefined,
    });
    expect(found).toEqual([
      { address: '192.168.4.20', interface: 'wlan0' },
      { address: '203.0.113.5', interface: 'ppp0' },
      { address: '172.17.0.1', interface: 'docker0' },
    ]);
  });

  it('have names where the machine has one that can be asked for', () => {
    expect(machineNames('Desk')).toEqual(['desk', 'desk.local']);
    expect(machineNames('desk.example.org')).toEqual(['desk.example.org']);
    expect(machineNames('localhost')).toEqual([]);
    expect(machineNames('no name')).toEqual([]);
  });
});

describe('a server with a certificate', () => {
  let folder: string;
  let vite: ViteDevServer;
  let port: number;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rankfall-test-'));
    vite = await createServer({
      configFile: false,
      root: folder,
      logLevel: 'silent',
      plugins: [rankfallServer()],
      server: {
        host: '127.0.0.1',
        port: 0,
        watch: null,
        https: await madeCertificate(folder, ['127.0.0.1']),
      },
      optimizeDeps: { noDiscovery: true },
    });
    await vite.listen();
    ({ port } = vite.httpServer?.address() as AddressInfo);
  });
  afterAll(async () => {
    await vite.close();
    await rm(folder, { recursive: true, force: true });
  });

  const opens = (path: string): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`wss://127.0.0.1:${port}${path}`, { rejectUnauthorized: false });
      socket.on('open', () => {
        socket.close();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });

  it('passes signalling and relay over secure WebSockets', async () => {
    const hex = 'ab'.repeat(16);
    expect(await opens('/signal/peerjs?key=peerjs&id=rankfall-x-0&token=t')).toBe(true);
    expect(await opens(`/relay?place=${hex}&room=${hex}&endpoint=${hex}&member=${hex}`)).toBe(true);
  });

  it('answers HTTP/2, which browsers prefer, on the path of signalling as well', async () => {
    const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    const status = (path: string) =>
      new Promise<unknown>((resolve, reject) => {
        const stream = session.request({ ':path': path });
        stream.on('response', (headers) => resolve(headers[':status']));
        stream.on('error', reject);
        stream.resume();
        stream.end();
      });
    try {
      expect(await status('/@vite/client')).toBe(200);
      expect(await status('/signal/')).toBe(404);
    } finally {
      session.close();
    }
  });
});
