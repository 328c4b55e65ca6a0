// Which of our WebSocket servers takes a connection, on an HTTP server that is not ours alone: Vite has a WebSocket of its own.

import type { IncomingMessage, Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Duplex } from 'node:stream';

export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** All routes of one server: who has none of them may be anybody's. */
const tables = new WeakMap<Server | SecureServer, Map<string, Upgrade>>();

/** Routes by path, for pages of our own origin, beside what is routed already. Returns a function that ends these routes. */
export function routeUpgrades(
  http: Server | SecureServer,
  routes: Readonly<Record<string, Upgrade>>,
): () => void {
  const table = tables.get(http) ?? startRouting(http);
  for (const [path, route] of Object.entries(routes)) table.set(path, route);
  return () => {
    for (const path of Object.keys(routes)) table.delete(path);
  };
}

function startRouting(http: Server | SecureServer): Map<string, Upgrade> {
  const table = new Map<string, Upgrade>();
  tables.set(http, table);
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const route = table.get(new URL(request.url ?? '/', 'http://host').pathname);
    if (route === undefined) {
      // Someone else's, if there is anyone else.
      if (http.listenerCount('upgrade') === 1) socket.destroy();
    } else if (sameOrigin(request)) {
      route(request, socket, head);
    } else {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
    }
  });
  return table;
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
