// The signalling server inside the page's own HTTP server: npm `peer` under /signal, same origin, no outside service.

import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import { ExpressPeerServer } from 'peer';
import type { Connect } from 'vite';
import { WebSocketServer } from 'ws';
import type { Upgrade } from './upgrades.ts';

/** Where pages find the PeerServer, on their own origin. */
export const SIGNAL_PATH = '/signal';

/** PeerJS clients connect their WebSocket here. */
export const SIGNAL_SOCKET_PATH = `${SIGNAL_PATH}/peerjs`;

/** Longest message a page may send, in bytes. A session description has about 1 KiB, with many candidates 10. */
const MAX_PAYLOAD_BYTES = 64 * 1024;
const MAX_PAGES = 512;
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
export function mountSignalServer(http: Server | SecureServer): SignalServerHandle {
  const options = {
    path: '/',
    allow_discovery: false,
    alive_timeout: ALIVE_MS,
    expire_timeout: EXPIRE_MS,
    concurrent_limit: MAX_PAGES,
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

  return {
    middleware: outer,
    upgrade(request, socket, head) {
      sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request));
    },
    close() {
      for (const client of sockets.clients) client.terminate();
      sockets.close();
    },
  };
}
