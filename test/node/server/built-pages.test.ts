/** Built pages are made when the sources have changed, and only then. */
import { mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { builtPages } from '../../../src/server/built-pages.ts';

let root: string;
let config: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rankfall-pages-'));
  config = join(root, 'vite.config.mjs');
  await mkdir(join(root, 'src'));
  await writeFile(config, 'export default {};\n');
  await writeFile(join(root, 'src/main.js'), 'document.title = "one";\n');
  await writeFile(
    join(root, 'index.html'),
    '<!doctype html><script type="module" src="/src/main.js"></script>',
  );
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const scriptIn = async (folder: string): Promise<string> => {
  const names = await readdir(join(folder, 'assets'));
  return readFile(join(folder, 'assets', names[0] ?? ''), 'utf8');
};

it('the same sources are built once, also when two ask at the same time', async () => {
  const [first, second] = await Promise.all([builtPages(root, config), builtPages(root, config)]);
  expect(second).toBe(first);
  expect(await scriptIn(first)).toContain('one');
  await writeFile(join(first, 'mark'), 'still here');
  expect(await builtPages(root, config)).toBe(first);
  expect(await readdir(first)).toContain('mark');
  expect(await readdir(join(root, '.cache/pages'))).toHaveLength(1);
});

it('changed sources are built anew; what may still be served stays, and of the rest few builds', async () => {
  const builds: string[] = [];
  const change = async (title: string): Promise<void> => {
    await writeFile(join(root, 'src/main.js'), `document.title = "${title}";\n`);
    const next = await builtPages(root, config);
    expect(builds).not.toContain(next);
    expect(await scriptIn(next)).toContain(title);
    builds.push(next);
  };
  for (const title of ['one', 'three', 'seven']) await change(title);
  expect(await readdir(join(root, '.cache/pages'))).toHaveLength(3);
  const dayBefore = new Date(Date.now() - 25 * 60 * 60 * 1000);
  for (const build of builds) await utimes(build, dayBefore, dayBefore);
  await change('thirteen');
  expect(await readdir(join(root, '.cache/pages'))).toHaveLength(2);
});

it('sources that do not build leave nothing behind', async () => {
  await writeFile(join(root, 'src/main.js'), 'this is no JavaScript');
  await expect(builtPages(root, config)).rejects.toThrow();
  expect(await readdir(join(root, '.cache/pages'))).toEqual([]);
});
