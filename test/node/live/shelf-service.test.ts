// What a person brings to the shelf of checkpoints, and takes from it: whole files in, whole files out, and a sentence for all else.

import 'fake-indexeddb/auto';
import { afterEach, describe, expect, test } from 'vitest';
import { encodeSafetensors } from '../../../src/checkpoint/safetensors.ts';
import { encodeState } from '../../../src/checkpoint/state-file.ts';
import { parameterTensors } from '../../../src/engine/graph/parameters.ts';
import { initialState, stateHash } from '../../../src/engine/state.ts';
import { jobHash } from '../../../src/job/job.ts';
import { createShelfService } from '../../../src/live/shelf-service.ts';
import { makePutsFail } from '../checkpoint/crashing-database.ts';
import { SMALL_JOB } from './small-job.ts';
import { withoutIndexedDB } from '../../support/without-indexeddb.ts';

const PATH = 'lesson';
let databases = 0;
const undo: (() => void)[] = [];
afterEach(() => {
  for (const restore of undo.splice(0)) restore();
});

const shelf = () => createShelfService({ databaseName: `shelf ${++databases}` });

function stateFile(): Uint8Array<ArrayBuffer> {
  const state = initialState(SMALL_JOB);
  return encodeState(
    { state, job: SMALL_JOB, jobHash: jobHash(SMALL_JOB), stateHash: stateHash(state), notes: {} },
    parameterTensors(SMALL_JOB.model),
  );
}

const messageOf = async (reply: ReturnType<ReturnType<typeof shelf>['upload']>): Promise<string> => {
  const given = await reply;
  return given.ok ? 'taken in' : given.message;
};

/** A blob of that many bytes that nobody may read: a large file on somebody's disk. */
const hugeFile = (size: number): Blob =>
  ({
    size,
    arrayBuffer: () => Promise.reject(new Error('it was read into memory')),
  }) as unknown as Blob;

describe('the shelf', () => {
  test('gives back what it took in, bit for bit, pinned and verified', async () => {
    const service = shelf();
    const file = stateFile();
    const taken = await service.upload(PATH, new Blob([file]));
    if (!taken.ok) throw new Error(taken.message);
    expect(taken.value).toMatchObject({ room: PATH, step: 0, pinned: true, standing: 'verified' });
    expect(await service.download(taken.value.id)).toEqual({ ok: true, value: file });
    expect(await service.list(PATH)).toMatchObject({ ok: true, value: [{ id: taken.value.id }] });
    await service.damage(taken.value.id);
    expect(await service.verify(taken.value.id)).toMatchObject({ value: { standing: 'corrupt' } });
    expect(await service.download(taken.value.id)).toMatchObject({ ok: false });
    await service.delete(taken.value.id);
    expect(await service.list(PATH)).toEqual({ ok: true, value: [] });
  });

  test('refuses in words what is too large, cut short, changed, foreign or no file of ours, and keeps nothing of it', async () => {
    const service = shelf();
    const file = stateFile();
    const foreign = encodeSafetensors(
      new Map([['a', { dtype: 'F32' as const, shape: [1], data: new Uint8Array(4) }]]),
      new Map(),
    );
    const weight = file.length - 100;
    const cases: [Blob, RegExp][] = [
      [hugeFile(2 * 1024 ** 3), /has 2147483648 bytes; a checkpoint has at most/],
      [new Blob([file.subarray(0, file.length - 3)]), /cut short/],
      [new Blob([file.with(weight, (file[weight] ?? 0) ^ 1)]), /damaged or changed|does not fit/],
      [new Blob([foreign]), /no Rankfall state/],
      [new Blob(['not a tensor in sight, only words']), /header/],
      [new Blob([]), /8 bytes of header length/],
    ];
    for (const [blob, reason] of cases) expect(await messageOf(service.upload(PATH, blob))).toMatch(reason);
    expect(await service.list(PATH)).toEqual({ ok: true, value: [] });
  });

  test('says what is wrong with the storage', async () => {
    const service = shelf();
    undo.push(makePutsFail('pieces', () => new DOMException('full', 'QuotaExceededError')));
    expect(await messageOf(service.upload(PATH, new Blob([stateFile()])))).toMatch(/storage is full/);
    undo.push(withoutIndexedDB());
    expect(await shelf().list(PATH)).toMatchObject({
      ok: false,
      message: expect.stringContaining('no IndexedDB') as unknown,
    });
    expect(await shelf().verify('nobody')).toMatchObject({ ok: false });
  });
});
