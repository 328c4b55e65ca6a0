/**
 * The rule of the house bites: each import that the design forbids is an error of the dependency check, what it
 * allows is none, and the core compiles without a clock, a network or a GPU in reach.
 *
 * The checks run here as `npm run check` runs them, on small trees laid out as the house.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODULES = join(ROOT, 'node_modules');

type Tree = Readonly<Record<string, string>>;
interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
  /** The modules of a circle, which is reported once, at any of them. */
  readonly cycle?: readonly { readonly name: string }[];
}

/** One module for every folder of the house, each importing what it may. */
const HOUSE: Tree = {
  'src/job/a.ts': `import type { B } from '../ports/a.ts'; import * as v from 'valibot'; export const a: B = v;`,
  'src/trace/a.ts': `import type { a } from '../job/a.ts'; export type T = typeof a; export const a = 1;`,
  'src/ports/a.ts': `export type B = unknown; export const b = 1;`,
  'src/collective/a.ts': `import { sha256 } from '@noble/hashes/sha2.js'; import { a as j } from '../job/a.ts'; export const a = [j, sha256];`,
  'src/protocol/a.ts': `import { a as c } from '../collective/a.ts'; import { a as t } from '../trace/a.ts'; export const a = [c, t];`,
  'src/invariants/a.ts': `import { a as c } from '../collective/a.ts'; export const a = c;`,
  'src/faults/a.ts': `import { b } from '../ports/a.ts'; export const a = b;`,
  'src/engine/cpu/a.ts': `import { a as c } from '../../collective/a.ts'; export const a = c;`,
  'src/checkpoint/a.ts': `import { openDB } from 'idb'; export const a = openDB;`,
  'src/transport/a.ts': `import { b } from '../ports/a.ts'; export const a = b;`,
  'src/mutants/a.ts': `import { a as p } from '../protocol/a.ts'; export const a = p;`,
  'src/simulator/a.ts': `import { a as p } from '../protocol/a.ts'; export const a = p;`,
  'src/live/a.ts': `import { a as e } from '../engine/cpu/a.ts'; import { a as f } from '../faults/a.ts'; export const a = [e, f];`,
  'src/lab/a.ts': `import { a as l } from '../live/a.ts'; import { a as s } from '../simulator/a.ts'; export const a = [l, s];`,
  'src/server/a.ts': `import { createServer } from 'node:http'; export const a = createServer;`,
  'src/cli/a.ts': `import { a as m } from '../mutants/a.ts'; export const a = m;`,
  'test/a.ts': `export const a = 1;`,
};

/** What a module in some folder must not import, and the rule that says so. */
const FORBIDDEN: readonly (readonly [what: string, room: string, imports: string, rule: string])[] = [
  [
    'the job knows the protocol, even as a type',
    'job',
    `import type { a } from '../protocol/a.ts'`,
    'house-job',
  ],
  ['the job runs code of the ports', 'job', `import { b } from '../ports/a.ts'`, 'house-types-only'],
  [
    'a type-only import hides one that runs',
    'trace',
    `import type { B } from '../ports/a.ts'; import { b } from '../ports/a.ts'`,
    'house-types-only',
  ],
  ['the ports run code of the job', 'ports', `import { a } from '../job/a.ts'`, 'house-types-only'],
  [
    'the collective knows the protocol',
    'collective',
    `import { a } from '../protocol/a.ts'`,
    'house-collective',
  ],
  ['the protocol knows an engine', 'protocol', `import { a } from '../engine/cpu/a.ts'`, 'house-protocol'],
  ['the protocol knows a live rank', 'protocol', `import type { a } from '../live/a.ts'`, 'house-protocol'],
  ['the protocol reads a file', 'protocol', `import { readFileSync } from 'node:fs'`, 'house-portable'],
  ['the protocol uses a package', 'protocol', `import { openDB } from 'idb'`, 'house-portable'],
  [
    'the invariants know the protocol',
    'invariants',
    `import { a } from '../protocol/a.ts'`,
    'house-invariants',
  ],
  [
    'an engine knows the protocol',
    'engine/cpu',
    `import type { a } from '../../protocol/a.ts'`,
    'house-engine',
  ],
  ['the CPU engine uses a package', 'engine/cpu', `import { openDB } from 'idb'`, 'house-portable'],
  ['the store knows the protocol', 'checkpoint', `import { a } from '../protocol/a.ts'`, 'house-checkpoint'],
  ['the transport knows the store', 'transport', `import { a } from '../checkpoint/a.ts'`, 'house-transport'],
  ['a fault knows the protocol', 'faults', `import { a } from '../protocol/a.ts'`, 'house-faults'],
  [
    'a mutant reaches past the protocol',
    'mutants',
    `import { a } from '../collective/a.ts'`,
    'house-mutants',
  ],
  ['the simulator knows a live rank', 'simulator', `import { a } from '../live/a.ts'`, 'house-simulator'],
  ['a live rank knows the simulator', 'live', `import { a } from '../simulator/a.ts'`, 'house-live'],
  ['a live rank knows a mutant', 'live', `export const a = import('../mutants/a.ts')`, 'house-live'],
  ['the lab knows a mutant', 'lab', `import { a } from '../mutants/a.ts'`, 'house-lab'],
  [
    'the lab reaches a mutant through the simulator',
    'lab',
    `import { a } from '../simulator/hunt.ts'`,
    'house-no-mutants-in-production',
  ],
  ['the command knows the lab', 'cli', `import { a } from '../lab/a.ts'`, 'house-cli'],
  ['the server knows the command', 'server', `import { a } from '../cli/a.ts'`, 'house-server'],
  ['the server knows the lab', 'server', `import { a } from '../lab/a.ts'`, 'house-server'],
  ['anything knows a test', 'cli', `import { a } from '../../test/a.ts'`, 'house-inside-src'],
  ['a new folder appears', 'lab', `import { a } from '../utils/a.ts'`, 'house-known-rooms'],
  ['two modules import each other', 'live', `import { a } from './circle.ts'`, 'no-cycles'],
  ['an import names nothing', 'live', `import { a } from './missing.ts'`, 'no-unresolved'],
  ['the page uses a development package', 'lab', `import { it } from 'vitest'`, 'no-dev-packages'],
];

/** The module of the forbidden import number `index`. */
const offender = (room: string, index: number) => `src/${room}/forbidden${index}.ts`;

const forbidden: Tree = {
  ...HOUSE,
  'src/simulator/hunt.ts': `import { a as m } from '../mutants/a.ts'; export const a = m;`,
  'src/utils/a.ts': `export const a = 1;`,
  ...Object.fromEntries(
    FORBIDDEN.map(([, room, imports], index) => [offender(room, index), `${imports};\n`]),
  ),
  'src/live/circle.ts': `import './forbidden${FORBIDDEN.findIndex(([, , , rule]) => rule === 'no-cycles')}.ts'; export const a = 1;`,
};

const folders: string[] = [];

/** Writes a tree inside the repository, where the packages are found; it is removed after the tests. */
async function plant(tree: Tree): Promise<string> {
  const cache = join(ROOT, '.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'house-'));
  folders.push(folder);
  await copyFile(join(ROOT, 'package.json'), join(folder, 'package.json'));
  await copyFile(join(ROOT, 'tsconfig.json'), join(folder, 'tsconfig.json'));
  for (const [path, text] of Object.entries(tree)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

/** A command's output, whatever its exit status. */
function run(script: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { cwd, maxBuffer: 2 ** 26 }, (_error, stdout) => {
      resolve(stdout);
    });
  });
}

async function violations(folder: string): Promise<Violation[]> {
  const output = await run(
    join(MODULES, 'dependency-cruiser/bin/dependency-cruise.mjs'),
    ['--config', join(ROOT, '.dependency-cruiser.cjs'), '--output-type', 'json', 'src'],
    folder,
  );
  const report = JSON.parse(output) as { summary: { violations: Violation[]; totalCruised: number } };
  expect(report.summary.totalCruised).toBeGreaterThan(0);
  return report.summary.violations;
}

afterAll(async () => {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

describe('the dependency check', () => {
  let found: Violation[] = [];
  beforeAll(async () => {
    found = await violations(await plant(forbidden));
  }, 60_000);

  it.each(FORBIDDEN.map(([what, room, , rule], index) => [what, offender(room, index), rule] as const))(
    'fails when %s',
    (_what, module, rule) => {
      const broken = found
        .filter(({ from, cycle = [] }) => from === module || cycle.some(({ name }) => name === module))
        .map((violation) => violation.rule.name);
      expect(broken).toContain(rule);
    },
  );

  it('passes a house in which every room imports only what it may', async () => {
    expect(await violations(await plant(HOUSE))).toEqual([]);
  }, 60_000);

  it('passes this project', async () => {
    const broken = await violations(ROOT);
    expect(broken.map(({ from, rule }) => `${rule.name}: ${from}`)).toEqual([]);
  }, 60_000);
});

describe('the core program', () => {
  it('has no timer, clock, page, process or GPU in reach', async () => {
    const names = [
      'setTimeout',
      'performance',
      'window',
      'fetch',
      'process',
      'Buffer',
      'crypto',
      'navigator',
    ];
    const folder = await plant({
      'tsconfig.core.json': JSON.stringify({
        extends: join(ROOT, 'tsconfig.core.json'),
        compilerOptions: { incremental: false, tsBuildInfoFile: null },
        include: ['src'],
      }),
      'src/protocol/a.ts': [
        `import * as v from 'valibot';`,
        `import { sha256 } from '@noble/hashes/sha2.js';`,
        `export const used = [v, sha256];`,
        ...names.map((name) => `export const has_${name} = ${name};`),
      ].join('\n'),
    });
    const output = await run(join(MODULES, 'typescript/bin/tsc'), ['-p', 'tsconfig.core.json'], folder);
    const missing = [...output.matchAll(/Cannot find name '(\w+)'/g)].map(([, name]) => name);
    expect(missing).toEqual(names);
  }, 60_000);
});
