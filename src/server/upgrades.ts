// Which of our WebSocket servers takes a connection, on an HTTP server that is not ours alone: Vite has a WebSocket of its own. And how
// many connections one network may hold, whatever it does with them.

import type { IncomingMessage, Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createPlaces, networkOf } from './places.ts';
import type { CountRefusal } from './refusals.ts';

export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Connections that say nothing, or say it slowly, are some of them. A page has three WebSockets at most, and six requests at a time. */
const CONNECTIONS = { all: 4_096, ofOne: 1_024 };

/** What whoever asks for an address that is none is told not to be there. */
const NOWHERE = '/%';

/** All routes of one server: who has none of them may be anybody's. */
const tables = new WeakMap<Server | SecureServer, Map<string, Upgrade>>();

/** Routes by path, for pages of our own origin, beside what is routed already. Returns a function that ends these routes. `refused` is the server's: whoever routes first says whom. */
export function routeUpgrades(
  http: Server | SecureServer,
  routes: Readonly<Record<string, Upgrade>>,
  refused: CountRefusal = () => undefined,
): () => void {
  const table = tables.get(http) ?? startRouting(http, refused);
  for (const [path, route] of Object.entries(routes)) table.set(path, route);
  return () => {
    for (const path of Object.keys(routes)) table.delete(path);
  };
}

/** The address that a request asks for; undefined where it is none, which whoever opens a socket by hand can send. */
export function addressOf({ url = '/' }: IncomingMessage): URL | undefined {
  try {
    const address = new URL(url, 'http://host');
    decodeURIComponent(address.pathname);
    return address;
  } catch {
    return undefined;
  }
}

function startRouting(http: Server | SecureServer, refused: CountRefusal): Map<string, Upgrade> {
  const table = new Map<string, Upgrade>();
  tables.set(http, table);
  boundConnections(http, refused);
  // Before anybody else: Vite, too, expects an address that is one, and throws where nobody catches.
  http.prependListener('request', (request: IncomingMessage) => {
    if (addressOf(request) !== undefined) return;
    refused('addresses', networkOf(request.socket.remoteAddress));
    request.url = NOWHERE;
  });
  http.prependListener('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // A connection that breaks before it is anybody's would end the process.
    socket.on('error', () => socket.destroy());
    const address = addressOf(request);
    const network = networkOf(request.socket.remoteAddress);
    const route = address === undefined ? undefined : table.get(address.pathname);
    if (address === undefined) {
      request.url = NOWHERE;
      request.headers['sec-websocket-protocol'] = undefined;
      refused('addresses', network);
      refuse(socket, '400 Bad Request');
    } else if (route === undefined) {
      // Someone else's, if there is anyone else.
      if (http.listenerCount('upgrade') === 1) socket.destroy();
    } else if (sameOrigin(request)) {
      route(request, socket, head);
    } else {
      refused('sites', network);
      refuse(socket, '403 Forbidden');
    }
  });
  return table;
}

/** Answers with an HTTP status, and waits for nobody to read it. */
export function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => socket.destroy());
}

/** One too many is closed without a word; where all are taken, the newest of whoever holds the most is. */
function boundConnections(http: Server | SecureServer, refused: CountRefusal): void {
  const places = createPlaces<Socket>(CONNECTIONS);
  http.on('connection', (socket: Socket) => {
    const network = networkOf(socket.remoteAddress);
    const { taken, givenUp } = places.take(network, socket);
    givenUp?.destroy();
    if (!taken || givenUp !== undefined) refused('connections', networkOf((givenUp ?? socket).remoteAddress));
    if (taken) socket.once('close', () => places.give(network, socket));
    else socket.destroy();
  });
}

/** Browsers let any site open a WebSocket to any server, and say which site it was: only our own pages come in. */
function sameOrigin({ headers: { origin, host } }: IncomingMessage): boolean {
  if (origin === undefined) return true;
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}
