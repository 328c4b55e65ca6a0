// In a build, what the lab, its ranks and their workers share is a few files, not one for each set of those who share it. Every one of
// them is a thread that asks for all of its files itself: a tab that joined a room asked for two hundred, and the ranks of the same
// machine trained the less meanwhile. One file of all that a first visit loads anyway also packs better.

import type { Rolldown } from 'vite';

/** Everything that a first visit starts, and how it is imported by nobody. */
const STARTED = {
  lab: 'src/lab/main.tsx',
  rankPage: 'src/live/rank-page.ts',
  rank: 'src/live/worker.ts',
  engine: 'src/live/engine-worker.ts',
  save: 'src/live/save-worker.ts',
  shelf: 'src/live/shelf-worker.ts',
} as const;
/** Pages that share the lab's look, and are visited apart from it. */
const OTHER_PAGES = ['console', 'volunteer', 'lessons'] as const;
/** The one of them that runs simulations at once. */
const SIMULATES = 'lessons';

type Modules = Pick<Rolldown.ChunkingContext, 'getModuleInfo'>;

/** The entries that import this module, themselves or through others, without waiting until it is needed. */
function entriesOf(id: string, modules: Modules): ReadonlySet<string> {
  const seen = new Set([id]);
  for (const one of seen) for (const by of modules.getModuleInfo(one)?.importers ?? []) seen.add(by);
  return seen;
}

/** Whether only pages ever come to this module, also later: a worker that loaded what draws would find no window, and die of it. */
function isForPages(id: string, modules: Modules): boolean {
  const seen = new Set([id]);
  for (const one of seen) {
    const info = modules.getModuleInfo(one);
    const importers = [...(info?.importers ?? []), ...(info?.dynamicImporters ?? [])];
    if (importers.length === 0 && !one.endsWith('.html')) return false;
    for (const by of importers) seen.add(by);
  }
  return true;
}

/** From what is shared most to what is shared least: a file takes along what its modules import, as far as no earlier one has it. */
const FILES = ['base', 'terms', 'room', 'tools', 'page', ...OTHER_PAGES.map(withLab), 'protocol', 'lab'];

function withLab(page: string): string {
  return `lab-and-${page}`;
}

export const fewFiles = FILES.map((file, i) => ({
  debugName: file,
  name: (id: string, modules: Modules) => (fileOf(id, modules) === file ? file : null),
  priority: FILES.length - i,
}));

/** The file that a module goes to; null where that is left to the bundler, which makes one for each set of those who share it. */
function fileOf(id: string, modules: Modules): string | null {
  const entries = [...entriesOf(id, modules)];
  const isIn = (path: string): boolean => entries.some((entry) => entry.endsWith(`/${path}`));
  const started = Object.values(STARTED);
  if (started.some((path) => id.endsWith(`/${path}`))) return null;
  const by = started.filter(isIn);
  if (by.length > 2) return 'base';
  if (by.length === 2) {
    // The protocol's words and reckonings, which no worker of a rank has any use for.
    return by.includes(STARTED.lab) && by.includes(STARTED.rank) ? 'room' : 'base';
  }
  const [page, ...more] = OTHER_PAGES.filter((name) => isIn(`${name}.html`));
  if (by[0] === STARTED.rank) {
    // Simulations share it with the rank's worker.
    const isShared = entries.some(
      (entry) => modules.getModuleInfo(entry)?.importers.length === 0 && !entry.endsWith(`/${STARTED.rank}`),
    );
    return isShared && (page ?? SIMULATES) === SIMULATES ? 'protocol' : null;
  }
  if (by[0] !== STARTED.lab) return null;
  // A worker may want it one day: a file for those that nothing of what draws is in.
  if (!isForPages(id, modules)) return more.length > 0 ? 'terms' : 'tools';
  if (page === undefined) return 'lab';
  return more.length > 0 ? 'page' : withLab(page);
}
