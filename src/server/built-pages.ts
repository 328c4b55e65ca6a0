// The pages as a production build, made when the sources have changed and kept for the next time. Built pages open in less
// than half the time of pages served file by file, and a build costs less than one such opening.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'vite';

/** What a build is made of. */
const SOURCES = [
  'src',
  'shaders',
  'public',
  'index.html',
  'rank.html',
  'console.html',
  'lessons.html',
  'volunteer.html',
  'vite.config.ts',
  'package-lock.json',
];
/** Builds that are kept, so that going back and forth between two states of the sources stays quick. */
const KEPT = 2;
/** A server may be serving one that was asked for within this time, in milliseconds: a long day. Of those, so many at most. */
const SERVED_MS = 24 * 60 * 60 * 1000;
const MOST_KEPT = 12;

/**
 * The folder of a build of `root` as it is now. Several programs may ask at once: each builds in a folder of its own, and the
 * first to finish gives it its name.
 */
export async function builtPages(root: string, configFile: string): Promise<string> {
  const cache = join(root, '.cache', 'pages');
  await mkdir(cache, { recursive: true });
  const folder = join(cache, await stateOf(root));
  if (existsSync(folder)) {
    const now = new Date();
    await utimes(folder, now, now);
    return folder;
  }

  const making = await mkdtemp(join(cache, 'making-'));
  try {
    await build({ root, configFile, logLevel: 'error', build: { outDir: making, emptyOutDir: true } });
    await rename(making, folder);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  await forgetOthers(cache, folder);
  return folder;
}

/** Changes when a source does: a digest of all their names, sizes and times. */
async function stateOf(root: string): Promise<string> {
  const digest = createHash('sha256');
  for (const source of SOURCES) {
    const path = join(root, source);
    if (!existsSync(path)) continue;
    const isFolder = (await stat(path)).isDirectory();
    const names = isFolder ? (await readdir(path, { recursive: true })).sort() : [''];
    for (const name of names) {
      const { size, mtimeMs } = await stat(join(path, name));
      digest.update(`${source}/${name} ${size} ${mtimeMs}\n`);
    }
  }
  return digest.digest('hex').slice(0, 16);
}

async function forgetOthers(cache: string, folder: string): Promise<void> {
  const builds = (await readdir(cache))
    .map((name) => join(cache, name))
    .filter((path) => !path.includes('making-'));
  const aged = await Promise.all(builds.map(async (path) => ({ path, at: (await stat(path)).mtimeMs })));
  aged.sort((a, b) => b.at - a.at);
  const isOld = ({ at }: { readonly at: number }): boolean => Date.now() - at > SERVED_MS;
  const old = aged.filter((one, place) => place >= MOST_KEPT || (place >= KEPT && isOld(one)));
  for (const { path } of old) if (path !== folder) await rm(path, { recursive: true, force: true });
}
