// `import { text } from './worker.ts?bundled'`: a module with all that it imports as the text of one classic script, for a place that can
// load nothing by itself, such as a sandboxed frame. The same in development and in a build.

import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';

const QUERY = /\?bundled$/;

export function bundledModules(): Plugin {
  return {
    name: 'rankfall-bundled',
    enforce: 'pre',
    async resolveId(source, importer) {
      if (!QUERY.test(source)) return undefined;
      const resolved = await this.resolve(source.replace(QUERY, ''), importer);
      return resolved === null ? undefined : `${resolved.id}?bundled`;
    },
    async load(id) {
      if (!QUERY.test(id)) return undefined;
      const file = id.replace(QUERY, '');
      this.addWatchFile(file);
      return `export const text = ${JSON.stringify(await bundle(file))};`;
    },
  };
}

async function bundle(entry: string): Promise<string> {
  const result = await build({
    configFile: false,
    root: fileURLToPath(new URL('../..', import.meta.url)),
    logLevel: 'error',
    publicDir: false,
    build: {
      write: false,
      target: 'es2023',
      minify: true,
      lib: { entry, formats: ['iife'], name: 'bundled', fileName: 'bundled' },
    },
  });
  const outputs = Array.isArray(result) ? result : [result];
  const chunks = outputs.flatMap((output) => ('output' in output ? output.output : []));
  const [only, ...others] = chunks.filter((chunk) => chunk.type === 'chunk');
  if (only === undefined || others.length > 0)
    throw new Error(`Expected one script from ${entry}, found ${others.length + (only ? 1 : 0)}.`);
  return only.code;
}
