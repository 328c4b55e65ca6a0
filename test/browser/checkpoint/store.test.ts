// Checkpoints and ballots in the browser's own IndexedDB.

import { deleteDB, openDB } from 'idb';
import { afterEach, describe, expect, test } from 'vitest';
import { openBallotStore } from '../../../src/checkpoint/ballots.ts';
import { decodeState, encodeState } from '../../../src/checkpoint/state-file.ts';
import { openCheckpointStore } from '../../../src/checkpoint/store.ts';
import type { BrowserCheckpointStore } from '../../../src/checkpoint/store.ts';
import { parameterTensors } from '../../../src/engine/graph/parameters.ts';
import { DEFAULT_JOB, jobHash } from '../../../src/job/job.ts';
import type { SeatId } from '../../../src/ports/ids.ts';
import { StoreError } from '../../../src/ports/store.ts';
import type { CheckpointSummary } from '../../../src/ports/store.ts';
import { JOB_HASH, incarnation, noise, stateHash, stateOf } from '../../node/checkpoint/states.ts';

const MIB = 1024 * 1024;
const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function open(
  keep = 3,
  databaseName = `checkpoints ${crypto.randomUUID()}`,
): BrowserCheckpointStore & { databaseName: string } {
  const store = openCheckpointStore({ databaseName, keep, now: () => Date.now() });
  undo.push(async () => {
    store.close();
    await deleteDB(databaseName);
  });
  return { ...store, databaseName };
}

const save = (
  store: BrowserCheckpointStore,
  step: number,
  file: Uint8Array<ArrayBuffer>,
  generation = 1,
): Promise<CheckpointSummary> =>
  store.save(
    { room: 'room', generation: { incarnation: incarnation(0), number: generation }, step },
    JOB_HASH,
    stateHash(String(step % 10)),
    file,
  );

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

const faultOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof StoreError ? error.fault : error),
  );

describe('a checkpoint in a real browser', () => {
  test('gives back the whole state of the digits job, bit for bit', async () => {
    const store = open();
    const state = stateOf(DEFAULT_JOB, 40);
    const notes = { losses: [2.5, 1.25] };
    const tensors = parameterTensors(DEFAULT_JOB.model);
    const file = encodeState(
      { state, job: DEFAULT_JOB, jobHash: jobHash(DEFAULT_JOB), stateHash: stateHash('7'), notes },
      tensors,
    );
    expect(file.length / 1e6).toBeCloseTo(1.3, 1);
    const { id } = await save(store, 40, file);
    const loaded = decodeState((await store.load(id)).file, DEFAULT_JOB, tensors);
    expect(loaded).toEqual({ state, stateHash: stateHash('7'), notes });
  });

  test('of 16 MiB loads as it was saved, and its pieces go when it goes', async () => {
    const store = open(1);
    const file = noise(16 * MIB + 1, 3);
    const { id } = await save(store, 1, file);
    expect(same((await store.load(id)).file, file)).toBe(true);
    await save(store, 2, noise(1000, 1));
    expect((await store.list('room')).map((summary) => summary.step)).toEqual([2]);
    const database = await openDB(store.databaseName);
    expect(await database.count('pieces')).toBe(1);
    database.close();
  });

  test('is refused to an older generation', async () => {
    const store = open();
    await save(store, 1, noise(1000, 1), 2);
    expect(await faultOf(save(store, 2, noise(1000, 2), 1))).toBe('fenced');
    expect((await store.list('room')).map((summary) => summary.step)).toEqual([1]);
  });

  test('that has rotted on the disk is skipped for the one before, and says so', async () => {
    const store = open();
    const good = await save(store, 1, noise(5 * MIB, 1));
    const rotten = await save(store, 2, noise(5 * MIB, 2));
    const database = await openDB(store.databaseName);
    const manifest = (await database.get('manifests', rotten.id)) as { pieces: { hash: string }[] };
    const hash = manifest.pieces[1]?.hash ?? '';
    const piece = (await database.get('pieces', hash)) as Uint8Array;
    piece[100] = (piece[100] ?? 0) ^ 1;
    await database.put('pieces', piece, hash);
    database.close();
    const { found, skipped } = await store.loadNewest('room', JOB_HASH);
    expect(found?.summary).toEqual(good);
    expect(skipped.map((skip) => skip.reason)).toEqual([
      expect.stringContaining('piece 2 of 2 does not have the hash'),
    ]);
  });

  test('survives the deletion of the database under an open connection as an empty store', async () => {
    const store = open();
    const { id } = await save(store, 1, noise(1000, 1));
    await deleteDB(store.databaseName);
    expect(await faultOf(store.load(id))).toBe('missing');
    expect((await save(store, 2, noise(1000, 2))).step).toBe(2);
  });

  test('is whole or absent when its worker is stopped in mid-save, over and over', async () => {
    const databaseName = `checkpoints ${crypto.randomUUID()}`;
    const store = open(2, databaseName);
    let acknowledged = 0;
    for (let round = 0; round < 6; round++) {
      const worker = new Worker(new URL('./writer.worker.ts', import.meta.url), { type: 'module' });
      // Stopped at another place each time: right after the save of a different step was acknowledged.
      await new Promise<void>((resolve) => {
        worker.addEventListener('message', ({ data }: MessageEvent<number>) => {
          acknowledged = Math.max(acknowledged, data);
          if (data === 2 + round) resolve();
        });
        worker.postMessage({ databaseName, bytes: 6 * MIB });
      });
      worker.terminate();
      const { found, skipped } = await store.loadNewest('room', 'b'.repeat(64) as typeof JOB_HASH);
      expect(skipped).toEqual([]);
      expect(found?.summary.step).toBeGreaterThanOrEqual(acknowledged);
      expect(found?.file.every((byte) => byte === (found.summary.step & 255))).toBe(true);
    }
  });
});

describe('ballots in a real browser', () => {
  test('come back to a later page as they were saved', async () => {
    const name = `ballots ${crypto.randomUUID()}`;
    const seat = '1'.repeat(32) as SeatId;
    const store = openBallotStore(name);
    await Promise.all([1, 2, 3].map((round) => store.save(seat, { round, accepted: undefined })));
    store.close();
    const later = openBallotStore(name);
    expect(await later.load(seat)).toEqual({ round: 3, accepted: undefined });
    await later.delete(seat);
    expect(await later.load(seat)).toBeUndefined();
    later.close();
    await deleteDB(name);
  });
});
