// Files of the reference writer and of ours, held against the format's rules by a reader that shares no code with ours.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../../src/checkpoint/safetensors.ts';
import { encodeState } from '../../../src/checkpoint/state-file.ts';
import { parameterTensors } from '../../../src/engine/graph/parameters.ts';
import { jobHash } from '../../../src/job/job.ts';
import { JOB_PRESETS } from '../../../src/job/presets.ts';
import { stateHash, stateOf } from './states.ts';

/** Files written by PyTorch's safetensors, beside the repository where somebody has put them. */
const REFERENCE = new URL('../../../../shared/reference/', import.meta.url);
const isThere = existsSync(REFERENCE);
if (!isThere) {
  process.stderr.write(
    `Skipped: no reference files at ${fileURLToPath(REFERENCE)}; what we write is checked all the same.\n`,
  );
}

const BYTES: Readonly<Record<string, number>> = { F64: 8, I64: 8, F32: 4, I32: 4 };

/** What the reference reader demands of a file, told as problems. Written from the format alone. */
function problemsOf(file: Buffer): string[] {
  const problems: string[] = [];
  const length = Number(file.readBigUInt64LE(0));
  if (length > 100_000_000 || 8 + length > file.length) return [`header of ${length} bytes`];
  if (file[8] !== 0x7b) problems.push('the header does not begin with a brace');
  if (length % 8 !== 0) problems.push('the data is not aligned to 8 bytes');
  const header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const metadata = header['__metadata__'] as unknown as Record<string, unknown> | undefined;
  if (Object.values(metadata ?? {}).some((value) => typeof value !== 'string'))
    problems.push('metadata that is no text');
  const tensors = Object.entries(header).filter(([name]) => name !== '__metadata__');
  let end = 0;
  for (const [name, { dtype, shape, data_offsets: offsets }] of tensors.sort(
    ([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0],
  )) {
    const bytes = BYTES[dtype];
    if (bytes === undefined) problems.push(`${name} has the dtype ${dtype}`);
    else if (offsets[1] - offsets[0] !== shape.reduce((a, b) => a * b, bytes))
      problems.push(`${name} has other bytes than its shape needs`);
    else if ((8 + length + offsets[0]) % bytes !== 0) problems.push(`${name} is not aligned`);
    if (offsets[0] !== end) problems.push(`${name} leaves a hole or overlaps`);
    end = offsets[1];
  }
  if (8 + length + end !== file.length) problems.push('bytes that no tensor covers');
  return problems;
}

const filesThere = isThere ? readdirSync(REFERENCE).filter((name) => name.endsWith('.safetensors')) : [];

describe.skipIf(!isThere)('the files of the reference writer', () => {
  test.each(filesThere)('%s reads, and written by us holds the same tensors by the same rules', (name) => {
    const theirs = readFileSync(new URL(name, REFERENCE));
    expect(problemsOf(theirs)).toEqual([]);
    const read = decodeSafetensors(new Uint8Array(theirs));
    expect(read.tensors.size).toBeGreaterThan(3);
    const ours = Buffer.from(encodeSafetensors(read.tensors, read.metadata));
    expect(problemsOf(ours)).toEqual([]);
    const again = decodeSafetensors(new Uint8Array(ours));
    expect([...again.tensors.keys()].sort()).toEqual([...read.tensors.keys()].sort());
    for (const [key, { dtype, shape, data }] of read.tensors) {
      expect(again.tensors.get(key)).toMatchObject({ dtype, shape });
      expect(Buffer.compare(again.tensors.get(key)?.data ?? Buffer.of(), data)).toBe(0);
    }
  });

  test('name the parameters of each kind of model as our checkpoints do', () => {
    const gpt = decodeSafetensors(new Uint8Array(readFileSync(new URL('train_gpt.safetensors', REFERENCE))));
    const theirs = [...gpt.tensors.keys()].flatMap((name) => /^init\/(.*\.h\.0\..*)$/.exec(name)?.[1] ?? []);
    const ours = parameterTensors(JOB_PRESETS['moby-dick'].model).map(({ name }) => name);
    expect(theirs.length).toBeGreaterThan(8);
    for (const name of theirs) expect(ours).toContain(name);
  });
});

describe('a checkpoint of every kind of job', () => {
  test.each(['digits', 'digits-cnn', 'moby-dick', 'spirals'] as const)(
    '%s is a file that the reference reader takes',
    (name) => {
      const job = JOB_PRESETS[name];
      const written = {
        state: stateOf(job, 3),
        job,
        jobHash: jobHash(job),
        stateHash: stateHash('1'),
        notes: { text: 'ä😀' },
      };
      expect(problemsOf(Buffer.from(encodeState(written, parameterTensors(job.model))))).toEqual([]);
    },
  );

  test('of a GPT names its parameters as nanoGPT does, and holds the tied head once', () => {
    const names = parameterTensors(JOB_PRESETS['moby-dick'].model).map(({ name }) => name);
    const block = (i: number): string[] =>
      ['ln_1', 'attn.c_attn', 'attn.c_proj', 'ln_2', 'mlp.c_fc', 'mlp.c_proj'].flatMap((part) => [
        `transformer.h.${i}.${part}.weight`,
        `transformer.h.${i}.${part}.bias`,
      ]);
    expect(names).toEqual([
      'transformer.wte.weight',
      'transformer.wpe.weight',
      ...block(0),
      ...block(1),
      'transformer.ln_f.weight',
      'transformer.ln_f.bias',
    ]);
  });
});
