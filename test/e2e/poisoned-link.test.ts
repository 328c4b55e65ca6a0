// Links from strangers: whatever stands in one, no code of it runs, no other origin hears of it, and its page stays small.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLab } from './frames.ts';
import type { Lab } from './frames.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
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
});
