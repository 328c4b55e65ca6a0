/** The development server knows from the start every package that a page or worker imports: it looks for none at run time. */
import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { loadConfigFromFile } from 'vite';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** The folders of src that run in Node alone. */
const NOT_IN_PAGES = /^(?:server|cli)\//;
/** Runtime imports, static and dynamic, of anything that is not a file of ours. */
const PACKAGES =
  /(?:^|\n)\s*(?:import|export)\s+(?!type\b)(?:[^'"]*?\sfrom\s+)?['"]([^.'"][^'"]*)['"]|\bimport\(\s*['"]([^.'"][^'"]*)['"]/g;

it('every package that pages import is named in optimizeDeps.include', async () => {
  const loaded = await loadConfigFromFile(
    { command: 'serve', mode: 'development' },
    join(ROOT, 'vite.config.ts'),
  );
  const included = loaded?.config.optimizeDeps?.include ?? [];
  const folder = join(ROOT, 'src');
  const files = (await readdir(folder, { recursive: true })).filter(
    (file) => /\.tsx?$/.test(file) && !NOT_IN_PAGES.test(file),
  );
  const missing = new Set<string>();
  for (const file of files) {
    const source = await readFile(join(folder, file), 'utf8');
    for (const [, byStatement, byCall] of source.matchAll(PACKAGES)) {
      const name = byStatement ?? byCall;
      // Styles are served as they are.
      if (name === undefined || name.endsWith('.css') || included.includes(name)) continue;
      missing.add(`${name} (src/${file})`);
    }
  }
  expect(files.length).toBeGreaterThan(20);
  expect([...missing]).toEqual([]);
});
