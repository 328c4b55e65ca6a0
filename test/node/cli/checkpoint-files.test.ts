// `rankfall inspect` and `rankfall export`: what they say of whole, foreign, damaged and hostile files, and PyTorch going on.

import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../../src/checkpoint/safetensors.ts';
import { encodeState } from '../../../src/checkpoint/state-file.ts';
import { openText } from '../../../src/engine/data/text.ts';
import { createToys } from '../../../src/engine/data/toys.ts';
import { createCpuEngine } from '../../../src/engine/cpu/engine.ts';
import { parameterTensors } from '../../../src/engine/graph/parameters.ts';
import { jobHash } from '../../../src/job/job.ts';
import type { Job } from '../../../src/job/job.ts';
import { batchRows } from '../../../src/job/sampler.ts';
import { JOB_PRESETS } from '../../../src/job/presets.ts';
import type { Loader } from '../../../src/ports/loader.ts';
import { loadDigits } from '../../support/digits.ts';
import { train, trainStep } from '../../support/engine.ts';
import { mobyDick } from '../../support/texts.ts';

const COMMAND = fileURLToPath(new URL('../../../src/cli/rankfall.mjs', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../../src/cli/export/train.py', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'rankfall-files-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const MINUTES = 60_000;
const SAVED_AT = 4;
const MORE = 4;

const rankfall = (...args: string[]): Promise<{ status: unknown; out: string; err: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, ...args], { cwd: folder }, (error, out, err) => {
      resolve({ status: error === null ? 0 : error.code, out, err });
    });
  });

/** Small jobs of each kind of model, on the data that the program ships. */
const SMALL: Readonly<
  Record<
    'mlp' | 'cnn' | 'gpt' | 'sgd',
    {
      job: Job;
      loader: () => Loader;
      /** Rows of the step after the next that the room has found to be bad. */
      leftOut?: number;
    }
  >
> = {
  mlp: { job: { ...JOB_PRESETS.digits, name: 'mlp' }, loader: loadDigits, leftOut: 5 },
  cnn: {
    job: {
      ...JOB_PRESETS['digits-cnn'],
      name: 'cnn',
      globalBatch: 16,
      model: {
        kind: 'cnn',
        image: [1, 28, 28],
        layers: [
          { kind: 'conv2d', channels: 3, kernel: 5, stride: 2, padding: 1 },
          { kind: 'activation', function: 'silu' },
          { kind: 'avg_pool2d', kernel: 2, stride: 2 },
          { kind: 'flatten' },
          { kind: 'linear', units: 10 },
        ],
      },
    },
    loader: loadDigits,
  },
  gpt: {
    job: {
      ...JOB_PRESETS['moby-dick'],
      name: 'gpt',
      model: { kind: 'gpt', vocabulary: 80, context: 16, width: 16, heads: 2, layers: 2 },
      // Warm-up ends and clipping sets in while it is watched.
      schedule: { kind: 'cosine', warmup: 6, end: 20, floor: 0.1 },
      clipNorm: 0.5,
      globalBatch: 8,
    },
    loader: () => openText(mobyDick(), 16),
    leftOut: 7,
  },
  sgd: {
    job: {
      ...JOB_PRESETS.spirals,
      name: 'sgd',
      optimizer: { kind: 'sgd', learningRate: 0.05, momentum: 0.9, weightDecay: 0.001 },
    },
    loader: () => createToys({ kind: 'toy', set: 'spirals', points: 800, noise: 0.05 }, 1),
  },
};

/** A checkpoint at step SAVED_AT, and the losses of the steps that follow. */
async function checkpointOf(kind: keyof typeof SMALL): Promise<{ path: string; losses: number[] }> {
  const { job, loader, leftOut = 0 } = SMALL[kind];
  const data = loader();
  const engine = createCpuEngine({ job, loader: data, reason: 'A test.' });
  await train(engine, SAVED_AT);
  const quarantine = batchRows(job, data.sizes.train, SAVED_AT + 1)
    .slice(0, leftOut)
    .sort();
  await engine.importState({ ...(await engine.exportState()), quarantine });
  const file = encodeState(
    {
      state: await engine.exportState(),
      job,
      jobHash: jobHash(job),
      stateHash: await engine.hash(),
      notes: {},
    },
    parameterTensors(job.model),
  );
  const losses: number[] = [];
  for (let step = SAVED_AT; step < SAVED_AT + MORE; step++) losses.push((await trainStep(engine, step)).loss);
  const path = join(folder, `${kind}.safetensors`);
  writeFileSync(path, file);
  return { path, losses };
}

const runs = (python: string, code: string): boolean =>
  spawnSync(python, ['-c', code], { stdio: 'ignore' }).status === 0;
const PYTHONS = ['python3', '/usr/bin/python3'];
const python = PYTHONS.find((name) => runs(name, 'pass'));
const pytorch = PYTHONS.find((name) => runs(name, 'import torch, torch.distributed'));
const skipLine = (why: string): void => void process.stderr.write(`Skipped: ${why}\n`);
if (python === undefined) skipLine('no python3 here, so that train.py is checked by its structure alone.');
if (pytorch === undefined) skipLine('no PyTorch here, so that train.py does not go on with a run.');

/** Runs train.py in as many processes, with the environment that torchrun gives them. */
async function pytorchTrains(folder: string, processes: number, until: number) {
  const port = await unusedPort();
  const { WORLD_SIZE: _, ...alone } = process.env;
  return await Promise.all(
    Array.from(
      { length: processes },
      (_, rank) =>
        new Promise<{ status: unknown; out: string; err: string }>((resolve) => {
          const env = {
            ...alone,
            OMP_NUM_THREADS: '1',
            ...(processes > 1 && {
              RANK: String(rank),
              LOCAL_RANK: String(rank),
              WORLD_SIZE: String(processes),
              MASTER_ADDR: '127.0.0.1',
              MASTER_PORT: String(port),
            }),
          };
          const args = ['train.py', '--cpu', '--steps', String(until)];
          execFile(pytorch ?? '', args, { cwd: folder, env }, (error, out, err) => {
            resolve({ status: error === null ? 0 : error.code, out, err });
          });
        }),
    ),
  );
}

const unusedPort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });

describe('rankfall inspect', () => {
  test('verifies a checkpoint and says where the run stands', async () => {
    const { path } = await checkpointOf('sgd');
    const { status, out } = await rankfall('inspect', path, '--json');
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      format: 'rankfall',
      verified: true,
      step: SAVED_AT,
      job: { name: 'sgd' },
      jobHash: jobHash(SMALL.sgd.job),
      tensors: expect.arrayContaining([
        { name: '0.weight', dtype: 'F32', shape: [32, 2], bytes: 256 },
      ]) as unknown,
    });
    const { out: text } = await rankfall('inspect', path);
    expect(text).toMatch(/a checkpoint of Rankfall, \d+ bytes, verified\nstep\s+4 of 600/);
  });

  test('holds its job against that of another checkpoint', async () => {
    const [sgd, mlp] = await Promise.all([checkpointOf('sgd'), checkpointOf('mlp')]);
    const same = await rankfall('inspect', sgd.path, '--of', sgd.path, '--json');
    expect([same.status, JSON.parse(same.out)]).toMatchObject([0, { sameJob: true }]);
    const other = await rankfall('inspect', sgd.path, '--of', mlp.path);
    expect(other.status).toBe(1);
    expect(other.out).toContain(`no: of another job. ${mlp.path} is of mlp, ${jobHash(SMALL.mlp.job)}`);
    const none = await rankfall('inspect', sgd.path, '--of', join(folder, 'nowhere.safetensors'));
    expect([none.status, none.err]).toEqual([2, expect.stringContaining('cannot be read')]);
  });

  test('lists a foreign safetensors file', async () => {
    const path = join(folder, 'foreign.safetensors');
    const data = new Uint8Array(2);
    // A name that would clear the screen.
    const name = 'a\u001b[2J';
    writeFileSync(path, encodeSafetensors(new Map([[name, { dtype: 'BF16', shape: [1], data }]]), new Map()));
    const { status, out } = await rankfall('inspect', path, '--json');
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ format: 'safetensors', verified: false, tensors: [{ name }] });
    const { out: text } = await rankfall('inspect', path);
    expect(text).toContain('a\\u{1b}[2J  BF16[1]');
  });

  test(
    'refuses what is damaged, hostile, too large or not there: one line, status 2',
    async () => {
      const { path } = await checkpointOf('sgd');
      const whole = readFileSync(path);
      const put = (name: string, bytes: Uint8Array): string => {
        writeFileSync(join(folder, name), bytes);
        return join(folder, name);
      };
      const flipped = Buffer.from(whole);
      flipped[whole.length - 1] = (whole[whole.length - 1] ?? 0) ^ 1;
      const length = Buffer.alloc(16, 0xff);
      const huge = put('huge.safetensors', whole);
      // Sparse: 2 GiB that take no room.
      truncateSync(huge, 2 * 1024 ** 3);
      const cases: [string, RegExp][] = [
        [put('flipped.safetensors', flipped), /has hash .* the file says .* damaged or changed/],
        [put('short.safetensors', whole.subarray(0, 5000)), /cut short/],
        [put('length.safetensors', length), /The header claims \d+ bytes/],
        [put('text.safetensors', Buffer.from('not a tensor in sight, only words')), /header claims/],
        [huge, /has 2147483648 bytes; a checkpoint has at most 1073741824/],
        [join(folder, 'nowhere.safetensors'), /cannot be read/],
        [folder, /is a directory/],
      ];
      for (const [file, reason] of cases) {
        const { status, out, err } = await rankfall('inspect', file);
        expect([file, status, out]).toEqual([file, 2, '']);
        expect(err).toMatch(reason);
        expect(err.trim().split('\n')).toHaveLength(1);
      }
      rmSync(huge);
    },
    MINUTES,
  );
});

describe('rankfall export', () => {
  test('writes weights, optimizer, data, job and program, and overwrites nothing', async () => {
    const { path } = await checkpointOf('sgd');
    const to = join(folder, 'exported');
    const { status, out } = await rankfall('export', path, '--to', to);
    expect([status, out]).toEqual([0, expect.stringContaining('torchrun')]);
    expect(readdirSync(to).sort()).toEqual([
      ...['data.safetensors', 'job.json', 'model.safetensors', 'optimizer.safetensors', 'train.py'],
    ]);
    const model = decodeSafetensors(new Uint8Array(readFileSync(join(to, 'model.safetensors'))));
    const source = decodeSafetensors(new Uint8Array(readFileSync(path)));
    for (const [name, { data }] of model.tensors)
      expect(Buffer.compare(data, source.tensors.get(name)?.data ?? Buffer.of())).toBe(0);
    expect(JSON.parse(readFileSync(join(to, 'job.json'), 'utf8'))).toEqual(SMALL.sgd.job);
    const again = await rankfall('export', path, '--to', to);
    expect([again.status, again.err]).toEqual([2, expect.stringContaining('is not empty')]);
    const bad = await rankfall('export', join(to, 'model.safetensors'), '--to', join(folder, 'other'));
    expect([bad.status, bad.err]).toEqual([2, expect.stringContaining('no Rankfall state')]);
  });

  test.skipIf(pytorch === undefined)(
    'writes a directory in which PyTorch goes on with the loss, in one process and in several, without the rows that were left out',
    async () => {
      for (const kind of ['mlp', 'cnn', 'gpt', 'sgd'] as const) {
        const { path, losses } = await checkpointOf(kind);
        const processes = { mlp: 2, cnn: 1, gpt: 3, sgd: 1 }[kind];
        const to = join(folder, `${kind}-${processes}`);
        expect((await rankfall('export', path, '--to', to)).status).toBe(0);
        const goOn = async (until: number): Promise<number[]> => {
          const outputs = await pytorchTrains(to, processes, until);
          expect(outputs.map(({ status, err }) => (status === 0 ? '' : err))).toEqual(outputs.map(() => ''));
          return [...(outputs[0]?.out ?? '').matchAll(/^step \d+ loss (\S+)$/gm)].map(([, loss]) =>
            Number(loss),
          );
        };
        // Once in two goes: what the program has saved it goes on from.
        const found = [...(kind === 'mlp' ? await goOn(SAVED_AT + 1) : []), ...(await goOn(SAVED_AT + MORE))];
        expect(found).toHaveLength(MORE);
        found.forEach((loss, i) => {
          expect(Math.abs(loss - (losses[i] ?? NaN))).toBeLessThan(1e-4 * Math.max(1, loss));
        });
      }
    },
    5 * MINUTES,
  );
});

describe('the exported program', () => {
  const text = readFileSync(PROGRAM, 'utf8');
  const lines = text.split('\n');

  test.skipIf(python === undefined)('is Python', () => {
    const { status, stderr } = spawnSync(
      python ?? '',
      ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'],
      { input: text, encoding: 'utf8' },
    );
    expect([status, stderr]).toEqual([0, '']);
  });

  test('is plain, readable text: ASCII, four blanks a level, no line too long, brackets closed', () => {
    lines.forEach((line, i) => {
      const where = `line ${i + 1}: ${line}`;
      expect(where).toMatch(/^line [\x20-\x7e]*$/);
      expect(line.length, where).toBeLessThanOrEqual(120);
      expect(line, where).toBe(line.trimEnd());
      expect((/^ */.exec(line)?.[0].length ?? 0) % 4, where).toBe(0);
    });
    expect(text.endsWith('\n')).toBe(true);
    // Without strings and comments, every bracket closes the one before it.
    const code = text.replace(/"""[\s\S]*?"""/g, '""').replace(/"(?:[^"\\\n]|\\.)*"|#.*/g, '""');
    expect(code).not.toContain("'");
    const open: string[] = [];
    for (const char of code) {
      if ('([{'.includes(char)) open.push(')]}'.charAt('([{'.indexOf(char)));
      else if (')]}'.includes(char)) expect(open.pop()).toBe(char);
    }
    expect(open).toEqual([]);
  });

  test('ends every block line with a colon, imports what it uses, and defines what it calls', () => {
    const code = text.replace(/"""[\s\S]*?"""/g, '');
    for (const line of code.split('\n'))
      if (/^\s*(def|class|if|elif|else|for|while|with)\b/.test(line) && !line.includes(' for '))
        expect(line).toMatch(/:( #.*)?$|[([{,]$/);
    const imported = [...code.matchAll(/^(?:import|from \S+ import) (.+)$/gm)].flatMap(([, names = '']) =>
      names.split(', ').map((name) => name.split(' as ').at(-1) ?? name),
    );
    for (const name of imported)
      expect(code.split(new RegExp(`\\b${name.split('.').at(-1)}\\b`)).length).toBeGreaterThan(2);
    const defined = new Set([...code.matchAll(/^(?:def|class) (\w+)/gm)].map(([, name]) => name));
    for (const name of defined)
      expect(code.split(new RegExp(`\\b${name ?? ''}\\b`)).length).toBeGreaterThan(2);
  });
});
