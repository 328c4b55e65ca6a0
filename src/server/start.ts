// Starts the server from code: for `rankfall start` and `rankfall demo`, for tests and for benchmarks.

import { fileURLToPath } from 'node:url';
import { createServer, preview } from 'vite';
import { builtPages } from './built-pages.ts';
import type { Certificate } from './certificate.ts';
import { classPlugin } from './classroom/class-server.ts';
import type { Classroom } from './classroom/classroom.ts';

export interface StartOptions {
  /** Wanted port, 5173 by default; the next free one is taken when it is in use, and any for 0. */
  readonly port?: number;
  /**
   * `preview` serves a production build, and makes it first when the sources have changed: four tabs open in 4 s on two busy
   * cores, after a build of 2 s. `dev` serves the sources as they are when first asked for: 8 s, and no build.
   */
  readonly mode: 'dev' | 'preview';
  /** Fail when the port is in use, instead of taking the next free one. */
  readonly strictPort?: boolean;
  /** `true` for every address of this machine; without it only this machine itself reaches the server. */
  readonly host?: string | true;
  /** Names besides IP addresses and localhost by which pages may ask for the server. */
  readonly names?: readonly string[];
  /** Serves HTTPS with it. */
  readonly https?: Certificate;
  /** A class to serve beside the pages. */
  readonly classroom?: Classroom;
}

export interface RunningServer {
  /** Ends in a slash. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CONFIG = fileURLToPath(new URL('../../vite.config.ts', import.meta.url));
export const DEFAULT_PORT = 5173;

/**
 * Starts the lab's server, signalling included.
 *
 * npm `peer` cannot stop its two housekeeping timers: after `close` the process still has to be ended by `process.exit`.
 */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { port = DEFAULT_PORT, mode, strictPort = false, host, names = [], https, classroom } = options;
  const serving = {
    port,
    strictPort,
    ...(host === undefined ? {} : { host }),
    ...(https === undefined ? {} : { https }),
    allowedHosts: [...names],
  };
  const common = { root: ROOT, configFile: CONFIG, logLevel: 'error', clearScreen: false } as const;
  const plugins = classroom === undefined ? [] : [classPlugin(classroom)];
  const server =
    mode === 'dev'
      ? await (await createServer({ ...common, plugins, server: { ...serving, watch: null } })).listen()
      : await preview({
          ...common,
          plugins,
          preview: serving,
          build: { outDir: await builtPages(ROOT, CONFIG) },
        });
  const url = server.resolvedUrls?.local[0] ?? server.resolvedUrls?.network[0];
  if (url === undefined) {
    await server.close();
    throw new Error(
      'Expected an address from the started server, found none: is another program holding every port?',
    );
  }
  return { url, port: Number(new URL(url).port), close: () => server.close() };
}
