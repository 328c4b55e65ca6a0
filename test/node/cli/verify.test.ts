// `rankfall verify` against references written from definitions that share no code with the engines.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors, type Tensor } from '../../../src/checkpoint/safetensors.ts';
import { UsageError } from '../../../src/cli/errors.ts';
import { judge } from '../../../src/cli/verify/compare.ts';
import { makeReference } from '../../../src/cli/verify/definitions.ts';
import { cpuHost } from '../../../src/cli/verify/host.ts';
import type { VerifyReport } from '../../../src/cli/verify/report.ts';
import { readReference, verify } from '../../../src/cli/verify/verify.ts';

type Files = Map<string, Uint8Array<ArrayBuffer>>;

const SEED = Math.floor(Math.random() * 1e9);
const GOOD = makeReference(7);

const reading = (files: Files) =>
  readReference({
    path: (name) => `somewhere/${name}`,
    read(name) {
      const bytes = files.get(name);
      if (bytes === undefined) throw new UsageError(`somewhere/${name}: expected a file that can be read.`);
      return bytes;
    },
  });

const verified = (files: Files): Promise<VerifyReport> => verify(reading(files), cpuHost, () => undefined);

/** A file with some of its tensors changed, or left out. */
function altered(file: string, change: (name: string, tensor: Tensor) => Tensor | undefined): Files {
  const { tensors } = decodeSafetensors(GOOD.get(file) ?? new Uint8Array());
  const changed = [...tensors].flatMap(([name, tensor]) => {
    const after = change(name, tensor);
    return after === undefined ? [] : [[name, after] as const];
  });
  return new Map(GOOD).set(file, encodeSafetensors(new Map(changed), new Map()));
}

function altered1(name: string, value: (before: number) => number): (of: string, tensor: Tensor) => Tensor {
  return (of, tensor) => {
    if (of !== name) return tensor;
    const values = new Float32Array(tensor.data.slice().buffer).map(value);
    return { ...tensor, data: new Uint8Array(values.buffer) };
  };
}

const withManifest = (change: (manifest: { cases: object[]; runs: object[] }) => unknown): Files => {
  const text = new TextDecoder().decode(GOOD.get('manifest.json'));
  const changed = change(JSON.parse(text) as { cases: object[]; runs: object[] });
  return new Map(GOOD).set('manifest.json', new TextEncoder().encode(JSON.stringify(changed)));
};

test('a run whose numbers are not finite any more is off, as far as can be', async () => {
  const files = altered(
    'train_mlp.safetensors',
    altered1('init/0.weight', () => 3e38),
  );
  const report = await verified(files);
  expect(report.runs.map(({ ok }) => ok)).toEqual([false, true, true]);
  expect(report.runs[0]?.maxRelativeLossError).toBe(Number.MAX_VALUE);
});

test('the command needs nothing but a clone: without a reference it holds the engine against the definitions, and says so', async () => {
  const command = fileURLToPath(new URL('../../../src/cli/rankfall.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [command, 'verify', '--seed', '3']);
  expect(stdout).toContain('against definitions in f64, seed 3');
  expect(stdout).toMatch(/^All is right\.$/mu);
  const refused = promisify(execFile)(process.execPath, [command, 'verify', '--reference', 'no-such-folder']);
  await expect(refused).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Without --reference') as string,
  });
});

describe('verification of the CPU engine', () => {
  test(`finds all right in a reference of sizes drawn by seed ${SEED}`, async () => {
    const report = await verified(makeReference(SEED));
    expect(report.cases.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.runs.map(({ name, steps, ok }) => [name, steps, ok])).toEqual([
      ['mlp', 6, true],
      ['cnn', 6, true],
      ['gpt', 6, true],
    ]);
    const [mlp, cnn, gpt] = report.runs.map((run) => run.maxFinalWeightError);
    expect(mlp).toBeLessThan(1e-4);
    expect(cnn).toBeLessThan(1e-4);
    // Adam makes steps of full size out of gradients that are hardly more than rounding.
    expect(gpt).toBeLessThan(0.03);
    expect(report).toMatchObject({ engine: 'cpu', adapter: 'TypeScript on the CPU', ok: true });
  });

  test('finds a wrong output, a wrong gradient and a wrong loss, and nothing else', async () => {
    const off = async (files: Files): Promise<string[]> => {
      const report = await verified(files);
      expect(report.ok).toBe(false);
      return [...report.cases, ...report.runs].filter(({ ok }) => !ok).map(({ name }) => name);
    };
    const ops = 'ops.safetensors';
    expect(
      await off(
        altered(
          ops,
          altered1('linear/out', (y) => y * 1.001),
        ),
      ),
    ).toEqual(['linear']);
    expect(
      await off(
        altered(
          ops,
          altered1('conv2d_s2/grad/weight', (y) => y + 0.01),
        ),
      ),
    ).toEqual(['conv2d_s2']);
    expect(
      await off(
        altered(
          ops,
          altered1('causal_attention/grad/k', (y) => y + 0.01),
        ),
      ),
    ).toEqual(['causal_attention']);
    expect(
      await off(
        altered(
          'train_gpt.safetensors',
          altered1('losses_f64', (y) => y * 1.0002),
        ),
      ),
    ).toEqual(['gpt']);
  });
});

const CNN = { kind: 'cnn', channels: [1, 2, 3], image: 6, classes: 3, activation: 'tanh' };

describe('a malformed reference is refused with the file and the reason:', () => {
  const refusal = (files: Files): string => {
    try {
      reading(files);
    } catch (error) {
      if (error instanceof UsageError) return error.message;
      throw error;
    }
    return 'nothing';
  };

  test('a manifest that is missing, or no JSON, or lacks a part', () => {
    const without = new Map(GOOD);
    without.delete('manifest.json');
    expect(refusal(without)).toContain('somewhere/manifest.json');
    const broken = new Map(GOOD).set('manifest.json', new TextEncoder().encode('{ "cases": ['));
    expect(refusal(broken)).toMatch(/^somewhere\/manifest\.json: expected JSON/u);
    expect(refusal(withManifest(({ cases }) => ({ cases, ops_file: 'ops.safetensors' })))).toMatch(
      /at runs/u,
    );
    expect(refusal(withManifest((all) => ({ ...all, ops_file: '../ops.safetensors' })))).toMatch(
      /at ops_file/u,
    );
  });

  test('an operation that is not known, with those that are', () => {
    const files = withManifest((all) => ({ ...all, cases: [{ name: 'x', op: 'fft', attrs: {} }] }));
    expect(refusal(files)).toMatch(/manifest\.json: at cases\.0\.op: expected .*"matmul".*, found "fft"/u);
  });

  test('a file that is missing or cut off', () => {
    const without = new Map(GOOD);
    without.delete('train_cnn.safetensors');
    expect(refusal(without)).toContain('somewhere/train_cnn.safetensors');
    for (const length of [3, 200, (GOOD.get('ops.safetensors')?.length ?? 0) - 1]) {
      const cut = new Map(GOOD).set(
        'ops.safetensors',
        (GOOD.get('ops.safetensors') ?? new Uint8Array()).slice(0, length),
      );
      expect(refusal(cut)).toMatch(/^somewhere\/ops\.safetensors: /u);
    }
  });

  test('a tensor that is missing, of another shape or type, or not finite', () => {
    const ops = 'ops.safetensors';
    expect(refusal(altered(ops, (name, tensor) => (name === 'linear/grad/x' ? undefined : tensor)))).toMatch(
      /ops\.safetensors: expected a tensor "linear\/grad\/x" \(F32 \[\d+, \d+\]\), found none/u,
    );
    const flat = altered('train_mlp.safetensors', (name, tensor) =>
      name === 'init/0.weight' ? { ...tensor, shape: [tensor.data.length / 4] } : tensor,
    );
    expect(refusal(flat)).toMatch(
      /train_mlp\.safetensors: tensor "init\/0\.weight": expected F32 \[\d+, \d+\], found F32 \[\d+\]/u,
    );
    const typed = altered(ops, (name, tensor) =>
      name === 'softmax/out' ? { ...tensor, dtype: 'I32' } : tensor,
    );
    expect(refusal(typed)).toMatch(/"softmax\/out": expected F32, found I32/u);
    expect(
      refusal(
        altered(
          ops,
          altered1('tanh/out', () => NaN),
        ),
      ),
    ).toMatch(/expected finite numbers, found NaN/u);
  });

  test('tensors that do not fit each other, hold nothing, or hold more than fixed point takes', () => {
    const reshaped = (name: string, shape: readonly number[], value = 0): string =>
      refusal(
        altered('ops.safetensors', (of, tensor) => {
          const values = new Float32Array(shape.reduce((product, length) => product * length, 1)).fill(value);
          return of === name ? { dtype: 'F32', shape, data: new Uint8Array(values.buffer) } : tensor;
        }),
      );
    expect(reshaped('linear/in/bias', [99])).toMatch(
      /"linear\/in\/bias": expected F32 \[\d\], found F32 \[99\]/u,
    );
    expect(reshaped('softmax/in/x', [0, 3])).toMatch(/"softmax\/in\/x": expected at least one element/u);
    const wide = withManifest(({ cases, ...all }) => ({
      ...all,
      cases: cases.map((one) =>
        'name' in one && one.name === 'max_pool2d' ? { ...one, attrs: { kernel: 1000, stride: 1 } } : one,
      ),
    }));
    expect(refusal(wide)).toMatch(/"max_pool2d\/in\/x": A max_pool2d layer's window of 1000 does not fit/u);
    expect(reshaped('conv2d_s1/in/x', [1, 9, 5, 5])).toMatch(/"conv2d_s1\/\w+(\/\w+)?": expected/u);
    const optimizer = withManifest((all) => ({
      ...all,
      cases: [{ name: 'sgd', op: 'optimizer', attrs: { kind: 'sgd', lr: 0.1 } }],
    }));
    const one = { dtype: 'F32', shape: [1], data: new Uint8Array(Float32Array.of(1).buffer) } as const;
    const huge = { dtype: 'F32', shape: [1, 1], data: new Uint8Array(Float32Array.of(1e30).buffer) } as const;
    const tensors = new Map<string, Tensor>([
      ['sgd/in/param', one],
      ['sgd/in/grads', huge],
      ['sgd/out/params', { ...one, shape: [1, 1] }],
    ]);
    expect(refusal(optimizer.set('ops.safetensors', encodeSafetensors(tensors, new Map())))).toMatch(
      /"sgd\/in\/grads": expected numbers below 2\^64, found 1\.0\d*e\+30/u,
    );
    expect(refusal(withManifest((all) => ({ ...all, cases: [], runs: [] })))).toMatch(
      /expected a case or a run/u,
    );
  });

  test('a model that does not fit its tensors', () => {
    const files = withManifest(({ runs, ...all }) => ({
      ...all,
      runs: runs.map((run, i) =>
        i === 2
          ? { ...run, model: { kind: 'gpt', vocab_size: 5, context: 3, width: 4, heads: 3, layers: 1 } }
          : run,
      ),
    }));
    expect(refusal(files)).toMatch(/manifest\.json: "gpt" is out of range.*multiple of heads/u);
    const classes = withManifest(({ runs, ...all }) => ({
      ...all,
      runs: runs.map((run, i) => (i === 1 ? { ...run, model: { ...CNN, classes: 4 } } : run)),
    }));
    expect(refusal(classes)).toMatch(
      /train_cnn\.safetensors: run "cnn": expected a linear layer to 4 classes/u,
    );
  });
});

test('what is missing or not a number is as far off as can be, and JSON can say so', () => {
  const result = judge('x', [{ found: [NaN], expected: [1], terms: 1 }]);
  expect(result).toEqual({ name: 'x', maxError: Number.MAX_VALUE, tolerance: 1e-5, ok: false });
  expect(judge('x', [{ found: [], expected: [1], terms: 1 }]).ok).toBe(false);
  expect(judge('x', [{ found: [1e-6], expected: [0], terms: 4 }])).toMatchObject({
    ok: true,
    tolerance: 2e-5,
  });
});
