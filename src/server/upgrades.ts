// Which of our WebSocket servers takes a connection, on an HTTP server that is not ours alone: Vite has a WebSocket of its own.

import type { IncomingMessage, Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Duplex } from 'node:stream';

export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Routes by path, for pages of our own origin. Returns a function that stops routing. */
export function routeUpgrades(
  http: Server | SecureServer,
  routes: Readonly<Record<string, Upgrade>>,
): () => void {
  const upgrade: Upgrade = (request, socket, head) => {
    const route = routes[new URL(request.url ?? '/', 'http://host').pathname];
    if (route === undefined) {
      // Someone else's, if there is anyone else.
      if (http.listenerCount('upgrade') === 1) socket.destroy();
    } else if (sameOrigin(request)) {
      route(request, socket, head);
    } else {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
    }
  };
  http.on('upgrade', upgrade);
  return () => http.off('upgrade', upgrade);
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
