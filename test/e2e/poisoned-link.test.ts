// Links from strangers: whatever stands in one, no code of it runs, no other origin hears of it, and its page stays small.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLab } from './frames.ts';
import type { Lab } from './frames.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ pages: 'built' });
});
afterAll(async () => {
  await lab.close();
});

const CODE = `"'><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>`;
const long = (characters: number): string => 'A'.repeat(characters);

const ADDRESSES = [
  `/?name=${encodeURIComponent(CODE)}`,
  `/?job=${encodeURIComponent(CODE)}&engine=${encodeURIComponent('javascript:window.pwned=1')}`,
  `/?chaos=${encodeURIComponent(`1:1:${CODE}`)}&steps=1e99&ranks=4294967295&seed=-1`,
  `/?__proto__[pwned]=1&constructor=1#${encodeURIComponent(CODE)}`,
  `/#${long(500_000)}`,
  `/rank.html#${encodeURIComponent(CODE)}`,
  `/rank.html#${encodeURIComponent(JSON.stringify({ room: CODE, secret: CODE, __proto__: { pwned: 1 } }))}`,
  `/rank.html#${long(500_000)}`,
];

describe('a poisoned link', () => {
  test('runs no code, reaches no other origin, and fills no memory', { timeout: 120_000 }, async () => {
    const page = await lab.context.newPage();
    const strangers: string[] = [];
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (/^(https?|wss?):$/.test(url.protocol) && url.host !== new URL(lab.origin).host)
        strangers.push(request.url());
    });
    page.on('dialog', (dialog) => {
      strangers.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss().catch(() => undefined);
    });
    for (const address of ADDRESSES) {
      await page.goto(`${lab.origin}${address}`, { waitUntil: 'load' });
      // It has said something, and whatever was to run has had the time for it.
      await page.waitForFunction(() => document.body.textContent.trim() !== '');
      await page.waitForTimeout(300);
      const found = await page.evaluate(() => ({
        pwned: 'pwned' in window || 'pwned' in {},
        images: document.querySelectorAll('img[src="x"]').length,
        heap: (performance as unknown as { readonly memory?: { readonly usedJSHeapSize: number } }).memory
          ?.usedJSHeapSize,
      }));
      expect(found, address.slice(0, 80)).toMatchObject({ pwned: false, images: 0 });
      expect(found.heap ?? 0, address.slice(0, 80)).toBeLessThan(200 * 1024 * 1024);
    }
    expect(strangers).toEqual([]);
    await page.close();
  });

  test('that got markup into a page would run none of it, and no page or worker reaches another server', async () => {
    let heard = 0;
    const stranger = createServer((_request, response) => {
      heard += 1;
      response.writeHead(200, { 'access-control-allow-origin': '*' }).end();
    });
    await new Promise<void>((resolve) => stranger.listen(0, 'localhost', resolve));
    const elsewhere = `http://localhost:${(stranger.address() as AddressInfo).port}/`;
    const page = await lab.context.newPage();
    await page.goto(`${lab.origin}/?engine=cpu&ranks=1&autostart=1&steps=100000&tune=0`);
    await page.waitForFunction(() => Number(document.querySelector('.ring-step')?.textContent) >= 3);
    const rank = page.frames().find((frame) => frame.url().includes('/rank.html'));
    if (rank === undefined) throw new Error('There is a frame with a rank.');

    for (const frame of [page.mainFrame(), rank]) {
      await frame.evaluate((address) => {
        const drop = document.createElement('div');
        drop.innerHTML = `<img src="x" onerror="window.pwned=1"><img src="${address}"><a href="javascript:window.pwned=1">.</a>
          <iframe src="${address}"></iframe><iframe srcdoc="<script>parent.pwned=1</script>"></iframe>`;
        document.body.append(drop);
        drop.querySelector('a')?.click();
        const script = document.createElement('script');
        script.textContent = 'window.pwned=1';
        document.body.append(script);
        const foreign = document.createElement('script');
        foreign.src = address;
        document.body.append(foreign);
      }, elsewhere);
    }
    const asks = (address: string): Promise<string> =>
      fetch(address).then(
        () => 'answered',
        () => 'refused',
      );
    for (const frame of [page.mainFrame(), rank])
      expect(await frame.evaluate(asks, elsewhere)).toBe('refused');
    // The rank's own, its engine's, and the one that saves.
    expect(page.workers().length).toBeGreaterThanOrEqual(3);
    for (const worker of page.workers()) expect(await worker.evaluate(asks, elsewhere)).toBe('refused');
    await page.waitForTimeout(300);
    expect(await page.evaluate(() => 'pwned' in window)).toBe(false);
    expect(await rank.evaluate(() => 'pwned' in window)).toBe(false);
    expect(heard).toBe(0);
    await page.close();
    stranger.close();
  });
});
