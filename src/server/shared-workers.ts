// In a build, workers are entries beside the pages, so that what several of them import is one file. Bundled apart, as Vite does it,
// each worker of a first visit carries a copy of its own of the schemas, the layers and the stores: a third of all that is loaded.

import type { Plugin } from 'vite';

/** `new URL('./worker.ts', import.meta.url)` as the address of a worker. */
const ADDRESS = /(?<=new Worker\(\s*)new URL\(\s*'([^']+\.ts)',\s*import\.meta\.url\s*\)/g;
/** Vite's own: loads what a module that is imported later needs, styles among it. */
const PRELOAD_HELPER = '\0vite/preload-helper.js';

export function sharedWorkers(): Plugin {
  return {
    name: 'rankfall-shared-workers',
    apply: 'build',
    enforce: 'pre',
    async transform(code, id) {
      if (id === PRELOAD_HELPER) return { code: withoutDocument(code), map: null };
      const found = [...code.matchAll(ADDRESS)];
      if (found.length === 0) return undefined;
      let changed = code;
      for (const [address, path = ''] of found) {
        const worker = await this.resolve(path, id);
        if (worker === null) throw new Error(`Expected a worker at ${path}, which ${id} opens; found none.`);
        const name = path.replace(/^.*\/|\.ts$/g, '');
        const file = this.emitFile({ type: 'chunk', id: worker.id, name });
        changed = changed.replace(address, `import.meta.ROLLUP_FILE_URL_${file}`);
      }
      return { code: changed, map: null };
    },
  };
}

/** The helper for workers too, which have neither document nor window: they load by themselves what their modules import. */
function withoutDocument(helper: string): string {
  const changes = [
    ['deps && deps.length > 0', "deps && deps.length > 0 && typeof document !== 'undefined'"],
    ['window.dispatchEvent', 'globalThis.dispatchEvent'],
  ] as const;
  return changes.reduce((code, [expected, instead]) => {
    if (!code.includes(expected))
      throw new Error(
        `Expected "${expected}" in Vite's preload helper: does this version still need the change?`,
      );
    return code.replace(expected, instead);
  }, helper);
}
