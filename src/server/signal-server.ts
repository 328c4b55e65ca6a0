// The signalling server inside the page's own HTTP server: npm `peer` under /signal, same origin, no outside service.

import type { IncomingMessage, Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import { ExpressPeerServer } from 'peer';
import type { Connect } from 'vite';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { createPlaces, networkOf } from './places.ts';
import { createSignalGate } from './signal-gate.ts';
import type { CountRefusal } from './refusals.ts';
import { addressOf, refuse, type Upgrade } from './upgrades.ts';

/** Where pages find the PeerServer, on their own origin. */
export const SIGNAL_PATH = '/signal';

/** PeerJS clients connect their WebSocket here. */
export const SIGNAL_SOCKET_PATH = `${SIGNAL_PATH}/peerjs`;

/** Longest message a page may send, in bytes. A session description has about 1 KiB, with many candidates 10. */
const MAX_PAYLOAD_BYTES = 64 * 1024;
/** A room has 256 places: nobody takes all of them from one machine. */
const PAGES = { all: 512, ofOne: 128 };
/** Longest name of a page, and longest token of one, in characters. */
const MAX_NAME = 128;
/** A page that has been silent for this long is forgotten, in milliseconds. Pages report every 5 s, frozen ones do not. */
const ALIVE_MS = 90_000;
/** Messages to a place that nobody holds wait this long for someone to take it, in milliseconds. */
const EXPIRE_MS = 5_000;

export interface SignalServerHandle {
  readonly middleware: Connect.NextHandleFunction;
  /** Takes a WebSocket on `SIGNAL_SOCKET_PATH`. */
  readonly upgrade: Upgrade;
  /** Disconnects all pages. Running links between them go on. */
  close(): void;
}

/**
 * Mounts a PeerServer on an HTTP server that already has a master: nothing but its own path is touched, so that Vite's
 * own WebSocket goes on working.
 */
export function mountSignalServer(
  http: Server | SecureServer,
  refused: CountRefusal = () => undefined,
): SignalServerHandle {
  const options = {
    path: '/',
    allow_discovery: false,
    alive_timeout: ALIVE_MS,
    expire_timeout: EXPIRE_MS,
    // Counted here, by network. One that has to go is forgotten a moment later.
    concurrent_limit: 2 * PAGES.all,
    corsOptions: { origin: false },
    // Given the HTTP server, `ws` would answer every upgrade that is not on its path with an error, Vite's among them.
    createWebSocketServer: () => sockets,
  };
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_PAYLOAD_BYTES });
  // A PeerServer starts when it is mounted on an Express application. One that is not mounted anywhere itself is only that.
  const outer = ExpressPeerServer(http, options);
  const inner = ExpressPeerServer(http, options);
  // A message that is no JSON, a socket that breaks: without a listener each would end the process.
  inner.on('error', () => undefined);
  outer.use(SIGNAL_PATH, inner);
  const gate = createSignalGate();
  const places = createPlaces<WebSocket>(PAGES);
  const pages = new Map<string, WebSocket>();

  /** The PeerServer has the page's name from the request, and its messages by way of the gate. */
  function enter(client: WebSocket, network: string, name: string, request: IncomingMessage): void {
    const { taken, givenUp } = places.take(network, client);
    givenUp?.close(1013, 'this network holds the most places');
    client.on('close', () => {
      places.give(network, client);
      if (pages.get(name) === client) pages.delete(name);
    });
    if (!taken) {
      refused('places', network);
      const msg = 'all places that your network may have are taken';
      client.on('error', () => client.terminate());
      client.send(JSON.stringify({ type: 'ERROR', payload: { msg } }));
      client.close();
      return;
    }
    const own = gate.open();
    sockets.emit('connection', client, request);
    const listeners = client.listeners('message');
    // Refused, and told why.
    if (listeners.length === 0) return;
    // The page has lost that connection before the server did.
    pages.get(name)?.terminate();
    pages.set(name, client);
    client.removeAllListeners('message');
    client.on('message', (data: RawData, isBinary: boolean) => {
      const text = isBinary || !Buffer.isBuffer(data) ? '' : data.toString('utf8');
      if (!own.passes(text, performance.now(), (page) => pages.get(page)?.bufferedAmount))
        refused('messages', network);
      else for (const listener of listeners) listener.call(client, data, isBinary);
    });
  }

  return {
    middleware: outer,
    upgrade(request, socket, head) {
      const network = networkOf(request.socket.remoteAddress);
      const query = addressOf(request)?.searchParams;
      const name = query?.get('id') ?? '';
      const token = query?.get('token') ?? '';
      if (name.length > MAX_NAME || token.length > MAX_NAME) {
        refused('addresses', network);
        refuse(socket, '400 Bad Request');
        return;
      }
      sockets.handleUpgrade(request, socket, head, (client) => enter(client, network, name, request));
    },
    close() {
      for (const client of sockets.clients) client.terminate();
      sockets.close();
    },
  };
}
