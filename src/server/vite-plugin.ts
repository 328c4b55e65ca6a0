// What makes Vite's server Rankfall's: signalling on the same origin, pages that are never reloaded from outside, and a word on
// what to do next. The same in development (`npm start`) and for a production build (`npm run preview`).

import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { Plugin, PreviewServer, ViteDevServer } from 'vite';
import { RELAY_PATH } from '../transport/fallback/relay-protocol.ts';
import { keptFiles } from './kept-files.ts';
import { createRefusals } from './refusals.ts';
import { createRelayServer } from './relay-server.ts';
import { mountSignalServer, SIGNAL_PATH, SIGNAL_SOCKET_PATH } from './signal-server.ts';
import { routeUpgrades } from './upgrades.ts';

export function rankfallServer(): Plugin {
  return {
    name: 'rankfall-server',
    configureServer(server) {
      attach(server, server.config.server.port);
      server.middlewares.use('/@vite/client', (_request, response) => {
        response.setHeader('Content-Type', 'text/javascript');
        response.setHeader('Cache-Control', 'no-cache');
        response.end(QUIET_CLIENT);
      });
    },
    configurePreviewServer(server) {
      attach(server, server.config.preview.port);
      const { root, build } = server.config;
      server.middlewares.use(keptFiles(resolve(root, build.outDir)));
    },
  };
}

/**
 * Stands in for Vite's client, which reloads the page when a file changes and when a server that was away comes back. Every page
 * of ours may be training, and must outlive its server. What remains is what Vite's modules call: styles, and hot contexts.
 */
const QUIET_CLIENT = `
const sheets = new Map();
export function updateStyle(id, content) {
  let style = sheets.get(id);
  if (!style) {
    style = document.createElement('style');
    style.setAttribute('data-vite-dev-id', id);
    document.head.append(style);
    sheets.set(id, style);
  }
  style.textContent = content;
}
export function removeStyle(id) {
  sheets.get(id)?.remove();
  sheets.delete(id);
}
export const injectQuery = (url) => url;
// What a module says about its replacement is heard and not acted on.
export const createHotContext = () => new Proxy({}, { get: () => () => undefined });
`;

function attach(server: ViteDevServer | PreviewServer, wantedPort: number | undefined): void {
  const { httpServer } = server;
  // In middleware mode, such as under a test runner, there is no HTTP server of our own and no page of ours.
  if (httpServer === null || !('setTimeout' in httpServer)) return;
  const http = httpServer as Parameters<typeof mountSignalServer>[0];
  // Vite's own logger says nothing but errors, where we start it.
  const refusals = createRefusals((line) => process.stderr.write(`  ${line}\n`));
  const signal = mountSignalServer(http, refusals.count);
  const relay = createRelayServer(refusals.count);
  const routes = { [SIGNAL_SOCKET_PATH]: signal.upgrade, [RELAY_PATH]: relay.upgrade };
  const unroute = routeUpgrades(http, routes, refusals.count);
  server.middlewares.use((request, response, next) => {
    // Over HTTPS Vite speaks HTTP/2, which Express does not; our pages only ever open a WebSocket there, and that is HTTP/1.1.
    const { url = '/', httpVersionMajor } = request;
    if (httpVersionMajor === 1 && url.startsWith(SIGNAL_PATH)) signal.middleware(request, response, next);
    else next();
  });
  httpServer.once('close', () => {
    unroute();
    signal.close();
    relay.close();
    refusals.close();
  });
  server.printUrls = () => {
    const url = server.resolvedUrls?.local[0] ?? server.resolvedUrls?.network[0];
    const { port } = httpServer.address() as AddressInfo;
    const moved = wantedPort === undefined || port === wantedPort ? '' : ` (port ${wantedPort} was taken)`;
    server.config.logger.info(
      [
        '',
        `  Rankfall is at ${url ?? `port ${port}`}${moved}`,
        '  Open it and press "Start four ranks": they train in that tab.',
        "  Open the room's link in another tab to join, then close one in mid-run and watch the rest recover.",
        '',
      ].join('\n'),
    );
  };
}
