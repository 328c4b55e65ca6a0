// In a build, shaders come without the comments that stand on lines of their own: a third of what they would take on the wire. The marks
// of their sections stay, which are read when a kernel is compiled (src/engine/webgpu/pipelines.ts).

import { readFile } from 'node:fs/promises';
import type { Plugin } from 'vite';

const RAW = '.wgsl?raw';
const COMMENT = /^ *\/\/(?! \w+:(?:begin|end)\b).*\n/gm;

export function plainShaders(): Plugin {
  return {
    name: 'rankfall-plain-shaders',
    apply: 'build',
    enforce: 'pre',
    async load(id) {
      if (!id.endsWith(RAW)) return undefined;
      const text = await readFile(id.slice(0, id.lastIndexOf('?')), 'utf8');
      return `export default ${JSON.stringify(text.replace(COMMENT, ''))};`;
    },
  };
}
