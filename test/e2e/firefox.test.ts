// The simulator in Firefox, where it is installed: the same seeds come to the same traces as in Node. Nothing drives this browser;
// it opens a page, and the page reports to the server that it came from.

import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createServer } from 'vite';
import { defer } from '../../src/live/deferred.ts';
import hashes from '../fixtures/trace-hashes.json';
import type { TraceReport } from './fixtures/trace-hashes-page.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const REPORT_MS = 150_000;

/** Our own page alone, with no welcome and no calls home. */
const PREFERENCES = {
  'app.normandy.enabled': false,
  'app.update.auto': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.enabled': false,
};

function findFirefox(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders
    .flatMap((folder) => ['firefox-esr', 'firefox'].map((name) => join(folder, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

const firefox = findFirefox();
if (firefox === undefined)
  process.stderr.write(
    'Firefox is not installed (neither firefox-esr nor firefox): its trace hashes are not checked.\n',
  );

/** Serves the page; the promise settles with what the page reports. */
async function serve(): Promise<{ readonly url: string; readonly report: Promise<TraceReport> }> {
  const reported = defer<TraceReport>();
  const server = await createServer({
    root: ROOT,
    configFile: join(ROOT, 'vite.config.ts'),
    logLevel: 'silent',
    server: { port: 0, strictPort: false, host: 'localhost', hmr: false, watch: null },
    plugins: [
      {
        name: 'report',
        configureServer({ middlewares }) {
          middlewares.use('/report', (request: IncomingMessage, response: ServerResponse) => {
            let text = '';
            request.setEncoding('utf8').on('data', (part: string) => (text += part));
            request.on('end', () => {
              response.end();
              reported.resolve(JSON.parse(text) as TraceReport);
            });
          });
        },
      },
    ],
  });
  await server.listen();
  onTestFinished(() => server.close());
  const address = server.httpServer?.address();
  if (address === null || address === undefined || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://localhost:${address.port}/test/e2e/fixtures/trace-hashes.html`,
    report: reported.promise,
  };
}

async function open(executable: string, url: string): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), 'rankfall-firefox-'));
  const lines = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  await writeFile(join(profile, 'user.js'), lines.join(''));
  const browser = spawn(executable, ['--headless', '--no-remote', '--profile', profile, url], {
    stdio: 'ignore',
    env: { ...process.env, HOME: profile },
  });
  const ended = new Promise((resolve) => browser.once('exit', resolve));
  onTestFinished(async () => {
    browser.kill();
    await ended;
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
}

test.skipIf(firefox === undefined)(
  'the seeds on record come to the same trace hashes in Firefox as in Node, twice',
  async () => {
    const { url, report } = await serve();
    await open(firefox ?? '', url);
    const late = new Promise<never>((_, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`Firefox did not report within ${REPORT_MS / 1000} s.`));
      }, REPORT_MS);
      onTestFinished(() => {
        clearTimeout(timer);
      });
    });
    const { agent, error, found } = await Promise.race([report, late]);
    expect(error).toBeUndefined();
    expect(agent).toContain('Firefox/');
    expect(found).toEqual(
      hashes.map(({ seed, traceHash }) => ({ seed, traceHashes: [traceHash, traceHash] })),
    );
  },
);
