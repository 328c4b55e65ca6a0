// The class on the page's own HTTP server: its WebSocket, and the answer to pages that ask whether there is one.

import type { Plugin, PreviewServer, ViteDevServer } from 'vite';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { CLASS_SOCKET, MAX_TO_SERVER_BYTES } from '../../live/classroom/messages.ts';
import { CLASS_NOTICE } from '../../live/classroom/notice.ts';
import { networkOf } from '../places.ts';
import { routeUpgrades, type Upgrade } from '../upgrades.ts';
import type { ClassOutput, Classroom, ConnectionId } from './classroom.ts';

const TICK_MS = 250;
/** A page whose machine vanished without a word is noticed within two of these, in milliseconds. */
const PING_MS = 5000;
/** Bytes that may wait for a page that does not read. */
const MAX_WAITING_BYTES = 1024 * 1024;

interface ClassServerHandle {
  /** Takes a WebSocket on `/class`. */
  readonly upgrade: Upgrade;
  close(): void;
}

export function createClassServer(
  classroom: Classroom,
  now: () => number = () => performance.now(),
): ClassServerHandle {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_TO_SERVER_BYTES });
  const pages = new Map<ConnectionId, WebSocket>();
  const answering = new WeakSet<WebSocket>();
  let lastId = 0;

  const act = (outputs: readonly ClassOutput[]): void => {
    for (const output of outputs) {
      const page = pages.get(output.to);
      if (page === undefined) continue;
      if (output.kind === 'close') {
        pages.delete(output.to);
        page.close(1008, output.reason);
      } else if (page.bufferedAmount > MAX_WAITING_BYTES) page.terminate();
      else page.send(JSON.stringify(output.message));
    }
  };

  const upgrade: Upgrade = (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (page) => {
      const connection = ++lastId;
      pages.set(connection, page);
      answering.add(page);
      page.on('pong', () => answering.add(page));
      page.on('error', () => page.terminate());
      page.on('message', (data: RawData, isBinary) => {
        const text = isBinary || !Buffer.isBuffer(data) ? '' : data.toString('utf8');
        act(classroom.take({ kind: 'heard', connection, text }, now()));
      });
      page.on('close', () => {
        pages.delete(connection);
        act(classroom.take({ kind: 'closed', connection }, now()));
      });
      const address = networkOf(request.socket.remoteAddress);
      act(classroom.take({ kind: 'opened', connection, address }, now()));
    });
  };

  const ticking = setInterval(() => act(classroom.take({ kind: 'tick' }, now())), TICK_MS);
  const pinging = setInterval(() => {
    for (const page of sockets.clients) {
      if (!answering.delete(page)) page.terminate();
      else page.ping();
    }
  }, PING_MS);
  ticking.unref();
  pinging.unref();

  return {
    upgrade,
    close() {
      clearInterval(ticking);
      clearInterval(pinging);
      for (const page of sockets.clients) page.terminate();
      sockets.close();
    },
  };
}

/** Adds the class to Vite's server. */
export function classPlugin(classroom: Classroom): Plugin {
  const attach = ({ httpServer, middlewares }: ViteDevServer | PreviewServer): void => {
    if (httpServer === null) return;
    const server = createClassServer(classroom);
    const unroute = routeUpgrades(httpServer as Parameters<typeof routeUpgrades>[0], {
      [`/${CLASS_SOCKET}`]: server.upgrade,
    });
    middlewares.use(`/${CLASS_NOTICE}`, (_request, response) => {
      response.setHeader('Content-Type', 'application/json');
      response.setHeader('Cache-Control', 'no-store');
      response.end(JSON.stringify({ class: classroom.name }));
    });
    httpServer.once('close', () => {
      unroute();
      server.close();
    });
  };
  return { name: 'rankfall-class', configureServer: attach, configurePreviewServer: attach };
}
