// What a first visit loads before its first step: the page, the rank's page, and the workers that start with them.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { builtPages } from '../../src/server/built-pages.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const KIB = 1024;
const MOST_KIB = 250;

let pages: string;
beforeAll(async () => {
  pages = await builtPages(ROOT, join(ROOT, 'vite.config.ts'));
}, 120_000);

const IMPORTED = /(?:\bfrom|\bimport)\s*["'`]\.\/([^"'`]+\.js)["'`]/g;

/** The files that these load by themselves, these among them. */
function withImports(files: readonly string[]): ReadonlySet<string> {
  const found = new Set(files);
  for (const file of found) {
    for (const [, imported = ''] of readFileSync(join(pages, 'assets', file), 'utf8').matchAll(IMPORTED))
      found.add(imported);
  }
  return found;
}

const scriptsOf = (page: string): readonly string[] =>
  [...readFileSync(join(pages, page), 'utf8').matchAll(/assets\/([^"]+\.js)/g)].map(([, file = '']) => file);

/** A worker or a module that is loaded later, by its name in the sources. */
function named(name: string): string {
  const files = readdirSync(join(pages, 'assets')).filter((file) =>
    new RegExp(`^${name}-[\\w-]{8}\\.js$`).test(file),
  );
  const [file, ...others] = files;
  if (file === undefined || others.length > 0)
    throw new Error(`Expected one ${name}, found ${files.join(', ')}.`);
  return file;
}

const kibibytes = (files: Iterable<string>): number =>
  [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(pages, 'assets', file))).length, 0) / KIB;

const LATER = /\bimport\(\s*["'`]\.\/([^"'`]+\.js)["'`]/g;
const WORKER = /new Worker\(\s*new URL\(\s*["'`]([^"'`]+\.js)["'`]/g;

describe('a worker', () => {
  it('loads nothing of what draws, at first or later: it has no window', () => {
    const scripts = readdirSync(join(pages, 'assets')).filter((file) => file.endsWith('.js'));
    const textOf = (file: string): string => readFileSync(join(pages, 'assets', file), 'utf8');
    const workers = new Set(
      scripts.flatMap((file) => [...textOf(file).matchAll(WORKER)].map(([, worker = '']) => worker)),
    );
    expect(workers.size).toBeGreaterThan(5);
    for (const worker of workers) {
      const loaded = new Set([worker]);
      for (const file of loaded) {
        const text = textOf(file);
        for (const [, other = ''] of [...text.matchAll(IMPORTED), ...text.matchAll(LATER)]) loaded.add(other);
      }
      const sources = [...loaded].flatMap((file) => {
        const map = join(pages, 'assets', `${file}.map`);
        return existsSync(map)
          ? (JSON.parse(readFileSync(map, 'utf8')) as { readonly sources: readonly string[] }).sources
          : [];
      });
      expect(
        sources.filter((source) => /\.tsx$|\/lab\/theme\.ts$/.test(source)),
        worker,
      ).toEqual([]);
    }
  });
});

describe('a first visit', () => {
  const always = () => [
    ...scriptsOf('index.html'),
    ...scriptsOf('rank.html'),
    ...['worker', 'engine-worker', 'shelf-worker', 'save-worker'].map(named),
  ];

  it(`loads at most ${MOST_KIB} KiB of JavaScript after gzip, on the CPU`, () => {
    expect(kibibytes(withImports(always()))).toBeLessThan(MOST_KIB);
  });

  it('and on a GPU', () => {
    const gpu = ['engine', 'shader-bundle'].map(named);
    expect(kibibytes(withImports([...always(), ...gpu]))).toBeLessThan(MOST_KIB);
  });

  it('asks for few files, since every page and worker asks for all of its own', () => {
    const numbers = [
      scriptsOf('index.html'),
      scriptsOf('rank.html'),
      ...['worker', 'engine-worker', 'save-worker', 'shelf-worker'].map((name) => [named(name)]),
    ].map((entry) => withImports(entry).size);
    const most = [11, 2, 7, 2, 2, 2];
    expect(numbers.map((number, i) => Math.max(number, most[i] ?? 0))).toEqual(most);
  });

  it('loads neither the simulator nor the charts', () => {
    const loaded = [...withImports(always())];
    expect(loaded.filter((file) => /^(plot|RaceLaboratory|lessons|words-zh)-/.test(file))).toEqual([]);
  });

  it('loads no module of ours twice, though pages and workers share many', () => {
    const times = new Map<string, number>();
    for (const file of withImports(always())) {
      const map = join(pages, 'assets', `${file}.map`);
      if (!existsSync(map)) continue;
      const { sources } = JSON.parse(readFileSync(map, 'utf8')) as { readonly sources: readonly string[] };
      for (const source of sources)
        if (source.includes('/src/')) times.set(source, (times.get(source) ?? 0) + 1);
    }
    expect(times.size).toBeGreaterThan(100);
    expect([...times].filter(([, count]) => count > 1)).toEqual([]);
  });

  it('patches no browser of long ago: what PeerJS brings for them stays out', () => {
    const sources = [...withImports(always())].flatMap((file) => {
      const map = join(pages, 'assets', `${file}.map`);
      return existsSync(map)
        ? (JSON.parse(readFileSync(map, 'utf8')) as { readonly sources: readonly string[] }).sources
        : [];
    });
    expect(sources.filter((source) => source.includes('/peerjs/'))).not.toEqual([]);
    expect(sources.filter((source) => /webrtc-adapter|\/sdp\//.test(source))).toEqual([]);
  });

  it('brings shaders without their comments and with all marks of their sections', () => {
    const folder = join(ROOT, 'shaders');
    const sources = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
    const built = readFileSync(join(pages, 'assets', named('shader-bundle')), 'utf8');
    const marks = (text: string): number => text.match(/\/\/ \w+:(?:begin|end)/g)?.length ?? 0;
    expect(marks(built)).toBe(marks(sources.join('')));
    expect(marks(built)).toBeGreaterThan(0);
    expect(built).not.toContain('// Tiling:');
  });
});
