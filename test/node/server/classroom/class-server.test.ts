/** The class over real WebSockets, beside the other routes of one HTTP server. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MAX_TO_SERVER_BYTES, parseToPage } from '../../../../src/live/classroom/messages.ts';
import type { ToPage, ToServer } from '../../../../src/live/classroom/messages.ts';
import { createClassServer } from '../../../../src/server/classroom/class-server.ts';
import { createClassroom } from '../../../../src/server/classroom/classroom.ts';
import { createRelayServer } from '../../../../src/server/relay-server.ts';
import { routeUpgrades } from '../../../../src/server/upgrades.ts';
import { report } from './driven.ts';

const classroom = createClassroom({ addresses: () => ['https://10.0.0.1:5173/'] });
const server = createClassServer(classroom);
const relay = createRelayServer();
let http: Server;
let origin: string;

beforeAll(async () => {
  http = createServer();
  routeUpgrades(http, { '/relay': relay.upgrade });
  routeUpgrades(http, { '/class': server.upgrade });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  origin = `127.0.0.1:${(http.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  relay.close();
  http.close();
});

function dial(path = '/class', headers: Record<string, string> = {}) {
  const socket = new WebSocket(`ws://${origin}${path}`, { headers });
  const heard: ToPage[] = [];
  let ended: number | 'refused' | undefined;
  const opened = new Promise<void>((resolve) => socket.on('open', resolve));
  socket.on('message', (data: Buffer) => {
    const message = parseToPage(data.toString());
    if (message === undefined) throw new Error(`No message of a class: ${data.toString()}`);
    heard.push(message);
  });
  socket.on('close', (code) => (ended ??= code));
  socket.on('error', () => (ended = 'refused'));
  return {
    heard,
    socket,
    ended: () => ended,
    async say(message: ToServer) {
      await opened;
      socket.send(JSON.stringify(message));
    },
    async send(data: string | Buffer) {
      await opened;
      socket.send(data);
    },
  };
}

const enter = async (nickname: string) => {
  const page = dial();
  await page.say({ say: 'enter', nickname, code: classroom.code });
  await expect.poll(() => page.heard[0]?.say).toBe('entered');
  const [entered] = page.heard;
  if (entered?.say !== 'entered') throw new Error('not entered');
  return { ...page, entered };
};

describe('the class on a server', () => {
  it('carries what participants report to the console, and its orders to them, and notices who goes', async () => {
    const console = dial();
    await console.say({ say: 'teach', key: classroom.key });
    await expect
      .poll(() => console.heard[0])
      .toEqual({ say: 'class', code: classroom.code, addresses: ['https://10.0.0.1:5173/'] });
    const ada = await enter('Ada');
    await ada.say({ say: 'report', report: report(ada.entered.room.room, { step: 7 }) });
    const newest = () => console.heard.findLast((message) => message.say === 'roster')?.roster.participants;
    await expect
      .poll(newest, { timeout: 5000 })
      .toMatchObject([{ nickname: 'Ada', present: true, report: { step: 7 } }]);
    await console.say({ say: 'order', order: { do: 'fault', fault: { kind: 'freeze', forMs: 5000 } } });
    await expect
      .poll(() => ada.heard.at(-1))
      .toMatchObject({ say: 'order', order: { do: 'fault', fault: { kind: 'freeze', forMs: 5000 } } });
    ada.socket.terminate();
    await expect.poll(newest, { timeout: 5000 }).toMatchObject([{ nickname: 'Ada', present: false }]);
    const again = dial();
    await again.say({ say: 'return', token: ada.entered.token, ifAway: true });
    await expect.poll(() => again.heard[0]).toMatchObject({ say: 'entered', room: ada.entered.room });
    console.socket.close();
    again.socket.close();
  });

  it('refuses pages of other sites, and leaves unknown paths and other routes as they were', async () => {
    const foreign = dial('/class', { origin: 'https://elsewhere.example' });
    const nowhere = dial('/nowhere');
    const relayed = dial('/relay?place=bad/name');
    await expect
      .poll(() => [foreign, nowhere, relayed].map(({ ended }) => ended()))
      .toEqual(['refused', 'refused', 'refused']);
  });

  it('disconnects who sends too much at once or what is no text, and nobody else', async () => {
    const [ada, ben, cyd] = [await enter('Ben'), await enter('Cyd'), await enter('Dot')];
    await ada.send(' '.repeat(MAX_TO_SERVER_BYTES + 1));
    await ben.send(Buffer.from([1, 2, 3]));
    await expect.poll(() => [ada.ended(), ben.ended()]).toEqual([1009, 1008]);
    expect(cyd.ended()).toBeUndefined();
    cyd.socket.close();
  });
});
