// The built pages on a web server that knows nothing of them: rooms between the tabs of one browser, and the simulator.

import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { builtPages } from '../../src/server/built-pages.ts';
import { openBrowser } from './frames.ts';
import type { Lab } from './frames.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Not at the root of its server, as on many a host of static pages. */
const FOLDER = '/somewhere/rankfall/';
const PATIENCE_MS = 60_000;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

let server: Server;
let lab: Lab;

beforeAll(async () => {
  const pages = await builtPages(ROOT, join(ROOT, 'vite.config.ts'));
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const name = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
    const file = join(pages, name.slice(FOLDER.length));
    if (!name.startsWith(FOLDER) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, 'localhost', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  lab = await openBrowser(`http://localhost:${address.port}`);
}, 120_000);

afterAll(async () => {
  await lab.close();
  server.close();
});

async function open(address: string): Promise<Page> {
  const page = await lab.context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(address);
  return page;
}

const untilMembers = (page: Page, count: number) =>
  page.waitForFunction((n) => document.querySelectorAll('.ring-node[data-member=true]').length === n, count);

describe('a static build', () => {
  test('trains in the tabs of one browser, survives a kill, and runs the simulator', async () => {
    const first = await open(`${lab.origin}${FOLDER}?engine=cpu&ranks=2&autostart=1&steps=100000`);
    await untilMembers(first, 2);
    const second = await open(`${lab.origin}${FOLDER}?engine=cpu${new URL(first.url()).hash}`);
    await untilMembers(first, 3);
    await untilMembers(second, 3);
    const step = () => first.evaluate(() => Number(document.querySelector('.ring-step')?.textContent));
    const reach = (least: number) =>
      first.waitForFunction((n) => Number(document.querySelector('.ring-step')?.textContent) >= n, least);
    await reach((await step()) + 5);

    await first.locator('.card-buttons').getByRole('button', { name: 'Kill' }).first().click();
    await untilMembers(second, 2);
    await reach((await step()) + 5);

    await second.getByRole('button', { name: 'Open the simulator' }).click();
    await second.getByRole('button', { name: 'Run', exact: true }).click();
    await second.locator('[data-verdict=held] [data-trace-hash]').waitFor();
    expect(await second.locator('[data-trace-hash]').getAttribute('data-trace-hash')).toMatch(/^[0-9a-f]+$/);
    await second.close();
    await first.close();
  });
});
