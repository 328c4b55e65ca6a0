// What a browser may keep of what the server sends: files that are named by their content for good, everything else only as long as it is
// what the server has.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer } from '../../../src/server/start.ts';
import type { RunningServer } from '../../../src/server/start.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ mode: 'preview', port: 0 });
}, 120_000);
afterAll(async () => {
  await server.close();
});

const get = (path: string): Promise<Response> => fetch(new URL(path, server.url));
const keptFor = async (path: string): Promise<string | null> =>
  (await get(path)).headers.get('cache-control');

async function scriptOfTheLab(): Promise<string> {
  const [script] = /assets\/index-[\w-]+\.js/.exec(await (await get('')).text()) ?? [];
  if (script === undefined) throw new Error('Expected the page of the lab to name its script.');
  return script;
}

describe('a browser that was here before', () => {
  it('keeps a script for good, whose name holds a digest of it', async () => {
    const script = await scriptOfTheLab();
    expect(await keptFor(script)).toBe('public, max-age=31536000, immutable');
    expect(await keptFor(`${script}?once-more`)).toBe('public, max-age=31536000, immutable');
  });

  it('asks again for pages and data, which change under the same name', async () => {
    for (const path of ['', 'rank.html', 'data/digits.json', 'data/digits.bin'])
      expect(await keptFor(path), path).toBe('no-cache');
  });

  it('does not keep what comes instead of a script of another build', async () => {
    for (const path of ['assets/index-00000000.js', 'assets/..%2findex-00000000.js'])
      expect(await keptFor(path), path).toBe('no-cache');
  });
});
