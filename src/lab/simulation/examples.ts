// The protocols of examples/, as Vite built them, each with the hash by which a replay names it.

import { sourceHash } from '../../simulator/guest/source-hash.ts';

const FOLDER = '../../../examples/';
const sources = import.meta.glob<string>('../../../examples/*.ts', {
  query: '?raw',
  import: 'default',
  eager: true,
});
const modules = import.meta.glob<Readonly<Record<string, unknown>>>('../../../examples/*.ts', {
  eager: true,
});

export interface Example {
  readonly name: string;
  readonly exported: unknown;
  readonly hash: string;
}

export const EXAMPLES: readonly Example[] = Object.entries(modules).map(([path, module]) => {
  const file = path.slice(FOLDER.length);
  return {
    name: file.replace(/\.ts$/, ''),
    exported: module['protocol'],
    hash: sourceHash(file, (name) => sources[`${FOLDER}${name}`]),
  };
});
