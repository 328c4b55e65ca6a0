// The checkpoint store over an IndexedDB in memory: all or nothing at every point of a save, fenced, verified, retained.

import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { afterEach, describe, expect, test } from 'vitest';
import { PIECE_BYTES, readManifest } from '../../../src/checkpoint/manifest.ts';
import { openCheckpointStore } from '../../../src/checkpoint/store.ts';
import type { BrowserCheckpointStore, CheckpointStoreOptions } from '../../../src/checkpoint/store.ts';
import { StoreError } from '../../../src/ports/store.ts';
import type { CheckpointSummary, StoreFault } from '../../../src/ports/store.ts';
import { makeCommitsAmbiguous, makePutsFail, runUntilCrash } from './crashing-database.ts';
import { JOB_HASH, OTHER_JOB_HASH, incarnation, noise, stateHash } from './states.ts';
import { withoutIndexedDB } from '../../support/without-indexeddb.ts';

const ROOM = 'our room';
let databases = 0;
const undo: (() => void)[] = [];
afterEach(() => {
  for (const restore of undo.splice(0)) restore();
});

function open(
  options: Partial<CheckpointStoreOptions> = {},
): BrowserCheckpointStore & { readonly databaseName: string } {
  const databaseName = options.databaseName ?? `checkpoints ${++databases}`;
  const store = openCheckpointStore({ keep: 3, now: () => 1_000_000, ...options, databaseName });
  undo.push(() => {
    store.close();
  });
  return { ...store, databaseName };
}

interface Saving {
  readonly step: number;
  readonly generation?: number;
  readonly depth?: number;
  readonly room?: string;
  readonly file?: Uint8Array<ArrayBuffer>;
  readonly other?: boolean;
}

const save = (
  store: BrowserCheckpointStore,
  { step, generation = 1, depth = 0, room = ROOM, file, other = false }: Saving,
) =>
  store.save(
    { room, generation: { incarnation: incarnation(depth), number: generation }, step },
    other ? OTHER_JOB_HASH : JOB_HASH,
    stateHash(String(step % 10)),
    file ?? noise(1000, step),
  );

const admit = (
  store: BrowserCheckpointStore,
  { step, generation = 1, depth = 0, room = ROOM, file }: Saving,
) =>
  store.admit(
    { room, generation: { incarnation: incarnation(depth), number: generation }, step },
    JOB_HASH,
    stateHash(String(step % 10)),
    file ?? noise(1000, step),
  );

const steps = async (store: BrowserCheckpointStore, room = ROOM): Promise<number[]> =>
  (await store.list(room)).map((summary) => summary.step);

const faultOf = (work: Promise<unknown>): Promise<StoreFault | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof StoreError) return error.fault;
      throw error;
    },
  );

/** Looks behind the store's back. */
async function raw(databaseName: string) {
  const database = await openDB(databaseName);
  undo.push(() => {
    database.close();
  });
  return database;
}

const pieceCount = async (databaseName: string): Promise<number> => (await raw(databaseName)).count('pieces');

async function changeManifest(
  databaseName: string,
  summary: CheckpointSummary,
  changes: Record<string, unknown>,
): Promise<void> {
  const database = await raw(databaseName);
  await database.put('manifests', { ...(await database.get('manifests', summary.id)), ...changes });
}

/** Changes the pieces of one checkpoint, or of all; undefined deletes a piece. */
async function changePieces(
  databaseName: string,
  change: (piece: Uint8Array) => unknown,
  summary?: CheckpointSummary,
): Promise<void> {
  const database = await raw(databaseName);
  const only =
    summary && readManifest(await database.get('manifests', summary.id))?.pieces.map((piece) => piece.hash);
  for (const key of only ?? (await database.getAllKeys('pieces'))) {
    const changed = change((await database.get('pieces', key)) as Uint8Array);
    await (changed === undefined ? database.delete('pieces', key) : database.put('pieces', changed, key));
  }
}

describe('a saved checkpoint', () => {
  test('loads bit for bit, alone or in several pieces, with what was said about it', async () => {
    const store = open();
    for (const bytes of [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES + 5]) {
      const file = noise(bytes, bytes);
      const summary = await save(store, { step: bytes, file });
      expect(summary).toMatchObject({
        room: ROOM,
        step: bytes,
        bytes,
        jobHash: JOB_HASH,
        savedAt: 1_000_000,
        pinned: false,
      });
      const loaded = await store.load(summary.id);
      expect(loaded.summary).toEqual(summary);
      expect(Buffer.compare(loaded.file, file)).toBe(0);
    }
  });

  test('is saved from a view into a larger buffer as the view alone', async () => {
    const store = open();
    const { id } = await save(store, { step: 1, file: noise(5000, 1).subarray(7, 107) });
    expect((await store.load(id)).file).toEqual(noise(5000, 1).slice(7, 107));
  });

  test('stays readable by another page of the same browser', async () => {
    const store = open();
    const { id } = await save(store, { step: 1 });
    store.close();
    expect((await open({ databaseName: store.databaseName }).load(id)).file).toEqual(noise(1000, 1));
  });

  test('is listed by room, newest first: by incarnation, then generation, then step', async () => {
    const store = open({ keep: 10 });
    await save(store, { step: 9, generation: 1 });
    await save(store, { step: 3, generation: 2 });
    await save(store, { step: 2, generation: 1, depth: 1 });
    await save(store, { step: 4, generation: 2 });
    await save(store, { step: 7, room: 'another room' });
    expect(await steps(store)).toEqual([2, 4, 3, 9]);
    expect(await steps(store, 'another room')).toEqual([7]);
    expect(await store.rooms()).toEqual(['another room', ROOM]);
  });

  test('shares the pieces it has in common with others', async () => {
    const store = open();
    const first = noise(2 * PIECE_BYTES + 10, 1);
    const second = first.slice();
    second[2 * PIECE_BYTES + 1] = 255;
    await save(store, { step: 1, file: first });
    expect(await pieceCount(store.databaseName)).toBe(3);
    const { id } = await save(store, { step: 2, file: second });
    expect(await pieceCount(store.databaseName)).toBe(4);
    expect(Buffer.compare((await store.load(id)).file, second)).toBe(0);
  });

  test('that is saved twice is stored once', async () => {
    const store = open();
    const first = await save(store, { step: 1 });
    expect(await save(store, { step: 1, file: noise(500, 1) })).toEqual(first);
    expect(await pieceCount(store.databaseName)).toBe(1);
  });

  test('that is empty, or says something that cannot be stored, is refused', async () => {
    const store = open();
    expect(await faultOf(save(store, { step: 1, file: new Uint8Array(0) }))).toBe('refused');
    expect(await faultOf(save(store, { step: -1 }))).toBe('refused');
    expect(await faultOf(save(store, { step: 1, room: 'x'.repeat(1000) }))).toBe('refused');
  });

  test('is gone after it was deleted, with its pieces', async () => {
    const store = open();
    const { id } = await save(store, { step: 1 });
    await save(store, { step: 2 });
    await store.delete(id);
    expect(await faultOf(store.load(id))).toBe('missing');
    expect(await pieceCount(store.databaseName)).toBe(1);
    await store.delete(id);
  });
});

describe('a newer generation', () => {
  test('fences older ones of its incarnation, and of no other', async () => {
    const store = open();
    await save(store, { step: 5, generation: 3 });
    expect(await faultOf(save(store, { step: 6, generation: 2 }))).toBe('fenced');
    expect(await steps(store)).toEqual([5]);
    expect(await pieceCount(store.databaseName)).toBe(1);
    await save(store, { step: 6, generation: 3 });
    await save(store, { step: 7, generation: 1, depth: 1 });
    await save(store, { step: 1, generation: 1, room: 'another room' });
  });

  test('fences older ones even after its own checkpoints are deleted', async () => {
    const store = open();
    const { id } = await save(store, { step: 5, generation: 3 });
    await store.delete(id);
    expect(await faultOf(save(store, { step: 6, generation: 2 }))).toBe('fenced');
  });

  test('fences them through another page', async () => {
    const store = open();
    await save(open({ databaseName: store.databaseName }), { step: 5, generation: 3 });
    expect(await faultOf(save(store, { step: 9, generation: 2 }))).toBe('fenced');
  });
});

describe('a checkpoint from outside', () => {
  test('is pinned, passes no fence and raises none', async () => {
    const store = open({ keep: 1 });
    await save(store, { step: 5, generation: 3 });
    expect(await admit(store, { step: 2, generation: 1 })).toMatchObject({
      pinned: true,
      standing: 'verified',
    });
    await admit(store, { step: 50, generation: 9, depth: 7 });
    await save(store, { step: 6, generation: 3 });
    await save(store, { step: 7, generation: 8, depth: 7 });
    expect(await steps(store)).toEqual([50, 7, 2]);
    expect((await store.list(ROOM)).map(({ pinned }) => pinned)).toEqual([true, false, true]);
  });

  test('that is here already is pinned', async () => {
    const store = open();
    const { id } = await save(store, { step: 1 });
    expect(await admit(store, { step: 1 })).toMatchObject({ id, pinned: true });
    expect(await store.list(ROOM)).toHaveLength(1);
  });
});

describe('a reading', () => {
  test('shows whether a checkpoint is whole, and the list says so until the next one', async () => {
    const store = open();
    const { id } = await save(store, { step: 1 });
    expect((await store.list(ROOM))[0]?.standing).toBe('verified');
    await store.damage(id);
    expect((await store.list(ROOM))[0]?.standing).toBe('verified');
    expect((await store.verify(id)).standing).toBe('corrupt');
    expect((await store.list(ROOM))[0]?.standing).toBe('corrupt');
    await store.damage(id);
    expect((await store.verify(id)).standing).toBe('verified');
    expect(await faultOf(store.verify('nobody'))).toBe('missing');
    expect(await faultOf(store.damage('nobody'))).toBe('missing');
  });
});

describe('a page that dies', () => {
  test('at any point of a save leaves the old checkpoint or the new one, whole, and nothing that leaks', async () => {
    // Two pieces, of which the first stays the same: the save reuses one, writes one and deletes an old one.
    const base = noise(PIECE_BYTES + 10, 0);
    const fileOf = (step: number): Uint8Array<ArrayBuffer> => base.with(PIECE_BYTES + 1, step);
    const outcomes: string[] = [];
    let points = Number.POSITIVE_INFINITY;
    for (let dieAt = 1; dieAt <= points + 1; dieAt++) {
      const { databaseName, ...before } = open({ keep: 1 });
      await save(before, { step: 1, file: fileOf(1) });
      const reached = await runUntilCrash(dieAt, () => save(before, { step: 2, file: fileOf(2) }));
      if (reached < dieAt) points = reached;

      const after = open({ keep: 1, databaseName });
      const { found, skipped } = await after.loadNewest(ROOM, JOB_HASH);
      expect(skipped).toEqual([]);
      const step = found?.summary.step ?? 0;
      expect(found === undefined ? -1 : Buffer.compare(found.file, fileOf(step))).toBe(0);
      outcomes.push(step === 1 ? 'old' : step === 2 ? 'new' : 'none');

      await save(after, { step: 3, file: fileOf(3) });
      expect(await steps(after)).toEqual([3]);
      expect(await pieceCount(databaseName)).toBe(2);
    }
    expect(points).toBeGreaterThan(15);
    expect(outcomes.join(' ')).toMatch(/^(old )+(new ?)+$/);
  });

  test('at any point of an import, pin, verification or retention leaves what was there whole, and what came whole or absent', async () => {
    const incoming = noise(PIECE_BYTES + 7, 9);
    type Act = (store: BrowserCheckpointStore, first: CheckpointSummary) => Promise<unknown>;
    const acts: Readonly<Record<string, Act>> = {
      import: (store) => admit(store, { step: 99, depth: 3, file: incoming }),
      pin: (store, { id }) => store.pin(id, true),
      verification: (store, { id }) => store.verify(id),
      // Two saves over one that is kept: the second one's retention deletes the first, which shares a piece with the pinned one.
      retention: async (store) => {
        for (const step of [5, 6])
          await save(store, { step, file: noise(PIECE_BYTES + 10, 1).with(PIECE_BYTES + 2, step) });
      },
    };
    for (const [what, act] of Object.entries(acts)) {
      let points = Number.POSITIVE_INFINITY;
      for (let dieAt = 1; dieAt <= points + 1; dieAt++) {
        const { databaseName, ...before } = open({ keep: 1 });
        const first = await save(before, { step: 1, file: noise(PIECE_BYTES + 10, 1) });
        await before.pin(first.id, true);
        const second = await save(before, { step: 2, file: noise(20, 2) });
        const reached = await runUntilCrash(dieAt, () => act(before, first));
        if (reached < dieAt) points = reached;

        const after = open({ keep: 1, databaseName });
        const listed = await after.list(ROOM);
        const ids = listed.map(({ id }) => id);
        expect(ids, what).toContain(first.id);
        if (what !== 'retention') expect(ids, what).toContain(second.id);
        for (const { id, step } of listed) {
          const { file } = await after.load(id);
          if (step === 99) expect(Buffer.compare(file, incoming)).toBe(0);
          if (step === 1) expect(Buffer.compare(file, noise(PIECE_BYTES + 10, 1))).toBe(0);
        }
        // Nothing leaks: what no manifest names is gone with the next save.
        await save(after, { step: 200, depth: 4, file: noise(20, 3) });
        for (const { id } of await after.list(ROOM)) await after.delete(id);
        expect(await pieceCount(databaseName), what).toBe(0);
      }
      expect(points, what).toBeGreaterThanOrEqual(3);
    }
  }, 60_000);

  test('at any point of a deletion leaves the checkpoint whole or gone', async () => {
    let points = Number.POSITIVE_INFINITY;
    for (let dieAt = 1; dieAt <= points + 1; dieAt++) {
      const { databaseName, ...before } = open();
      await save(before, { step: 1 });
      const { id } = await save(before, { step: 2 });
      const reached = await runUntilCrash(dieAt, () => before.delete(id));
      if (reached < dieAt) points = reached;
      const after = open({ databaseName });
      const { found, skipped } = await after.loadNewest(ROOM, JOB_HASH);
      expect(skipped).toEqual([]);
      expect([1, 2]).toContain(found?.summary.step);
      expect(await pieceCount(databaseName)).toBe(found?.summary.step);
    }
    expect(points).toBeGreaterThan(3);
  });
});

describe('a commit whose outcome the page cannot know', () => {
  test('is read back, and counts when it has landed', async () => {
    const store = open();
    await save(store, { step: 1 });
    undo.push(makeCommitsAmbiguous());
    expect(await save(store, { step: 2 })).toMatchObject({ step: 2 });
    expect(await steps(store)).toEqual([2, 1]);
  });

  test('is an error when it has not landed, and leaves the old checkpoint', async () => {
    const store = open();
    await save(store, { step: 1 });
    undo.push(makePutsFail('fences', () => new DOMException('disk', 'UnknownError')));
    expect(await faultOf(save(store, { step: 2 }))).toBe('unavailable');
    expect(await steps(store)).toEqual([1]);
    expect(await pieceCount(store.databaseName)).toBe(1);
  });
});

describe('a damaged checkpoint', () => {
  const damages: [string, (databaseName: string, summary: CheckpointSummary) => Promise<void>, RegExp][] = [
    [
      'a flipped bit',
      (name, which) => changePieces(name, (piece) => piece.with(10, (piece[10] ?? 0) ^ 4), which),
      /piece 1 of 1 does not have the hash/,
    ],
    [
      'a torn piece',
      (name, which) => changePieces(name, (piece) => piece.slice(0, 10), which),
      /has 10 bytes instead of 1000/,
    ],
    [
      'a missing piece',
      (name, which) => changePieces(name, () => undefined, which),
      /piece 1 of 1 is missing/,
    ],
    ['a foreign piece', (name, which) => changePieces(name, () => 'text', which), /is not made of bytes/],
    [
      'a changed manifest',
      (name, which) => changeManifest(name, which, { step: 99 }),
      /manifest was changed/,
    ],
  ];

  test.each(damages)(
    'with %s is never loaded: the one before is, and the reason is told',
    async (_what, damage, reason) => {
      const store = open();
      const other = await save(store, { step: 1 });
      const newest = await save(store, { step: 2 });
      await damage(store.databaseName, newest);
      expect(await faultOf(store.load(newest.id))).toBe('corrupt');
      const { found, skipped } = await store.loadNewest(ROOM, JOB_HASH);
      expect(found?.summary).toEqual(other);
      expect(skipped).toHaveLength(1);
      expect(skipped[0]?.reason).toMatch(reason);
    },
  );

  test('is not counted among those that are kept', async () => {
    const store = open({ keep: 2 });
    await save(store, { step: 1 });
    const rotten = await save(store, { step: 2 });
    await changeManifest(store.databaseName, rotten, { seal: 'broken' });
    expect(await faultOf(store.load(rotten.id))).toBe('corrupt');
    await save(store, { step: 3 });
    expect(await steps(store)).toEqual([3, 1]);
  });

  test('whose manifest cannot even be read is left out of the list, and cleared away by the next save', async () => {
    const store = open();
    const broken = await save(store, { step: 1 });
    await changeManifest(store.databaseName, broken, { pieces: 'none' });
    expect(await store.list(ROOM)).toEqual([]);
    await save(store, { step: 2 });
    expect(await (await raw(store.databaseName)).count('manifests')).toBe(1);
    expect(await pieceCount(store.databaseName)).toBe(1);
  });

  test('is repaired by saving the same state again', async () => {
    const store = open();
    const { id } = await save(store, { step: 1 });
    await changePieces(store.databaseName, (piece) => piece.fill(0));
    await save(store, { step: 1 });
    expect((await store.load(id)).file).toEqual(noise(1000, 1));
  });

  test('does not spoil a later one that shares its rotten piece', async () => {
    const store = open();
    await save(store, { step: 1, file: noise(1000, 5) });
    await changePieces(store.databaseName, (piece) => piece.fill(0));
    const { id } = await save(store, { step: 2, file: noise(1000, 5) });
    expect((await store.load(id)).file).toEqual(noise(1000, 5));
  });

  test('of another job is skipped, and says whose it is', async () => {
    const store = open();
    const ours = await save(store, { step: 1 });
    await save(store, { step: 2, other: true });
    const { found, skipped } = await store.loadNewest(ROOM, JOB_HASH);
    expect(found?.summary).toEqual(ours);
    expect(skipped.map((skip) => skip.reason)).toEqual([expect.stringContaining('another job')]);
  });

  test('and nothing else in the room gives nothing, with the reasons', async () => {
    const store = open();
    expect(await store.loadNewest(ROOM, JOB_HASH)).toEqual({ found: undefined, skipped: [] });
    await save(store, { step: 1 });
    await changePieces(store.databaseName, () => undefined);
    const { found, skipped } = await store.loadNewest(ROOM, JOB_HASH);
    expect([found, skipped.length]).toEqual([undefined, 1]);
  });
});

describe('retention', () => {
  test('keeps the newest K of each room', async () => {
    const store = open({ keep: 2 });
    for (const step of [1, 2, 3, 4]) {
      await save(store, { step });
      await save(store, { step, room: 'another room', file: noise(100, step) });
    }
    expect(await steps(store)).toEqual([4, 3]);
    expect(await steps(store, 'another room')).toEqual([4, 3]);
    expect(await pieceCount(store.databaseName)).toBe(4);
  });

  test('keeps pinned ones and every Nth as well, until they are unpinned', async () => {
    const store = open({ keep: 1, everyNth: 10 });
    for (const step of [10, 11, 12]) await save(store, { step });
    const pinned = await store.pin((await save(store, { step: 13 })).id, true);
    expect(pinned.pinned).toBe(true);
    await save(store, { step: 14 });
    await save(store, { step: 15 });
    expect(await steps(store)).toEqual([15, 13, 10]);
    await store.pin(pinned.id, false);
    await save(store, { step: 16 });
    expect(await steps(store)).toEqual([16, 10]);
    expect(await faultOf(store.pin('nobody', true))).toBe('missing');
  });

  test('never deletes the last checkpoint that was read back, while newer ones are unproven', async () => {
    const store = open({ keep: 1 });
    await save(store, { step: 1 });
    // Reading back what the next two write finds zeros both times.
    const database = await raw(store.databaseName);
    const get = Object.getOwnPropertyDescriptor(IDBObjectStore.prototype, 'get');
    const restore = (): void => void Object.defineProperty(IDBObjectStore.prototype, 'get', get ?? {});
    Object.defineProperty(IDBObjectStore.prototype, 'get', {
      ...get,
      value(this: IDBObjectStore, key: IDBValidKey): unknown {
        return Reflect.apply(get?.value as (key: IDBValidKey) => unknown, this, [
          this.name === 'pieces' ? 'no such piece' : key,
        ]);
      },
    });
    expect(await faultOf(save(store, { step: 2 }))).toBe('corrupt');
    expect(await faultOf(save(store, { step: 3 }))).toBe('corrupt');
    restore();
    expect(await steps(store)).toEqual([3, 1]);
    for (const summary of await store.list(ROOM))
      if (summary.step !== 1) await database.delete('manifests', summary.id);
    expect((await store.loadNewest(ROOM, JOB_HASH)).found?.summary.step).toBe(1);
  });

  test('lets a late save of an older step through, and drops it with the next', async () => {
    const store = open({ keep: 2 });
    for (const step of [5, 6]) await save(store, { step });
    await save(store, { step: 1 });
    expect(await steps(store)).toEqual([6, 5, 1]);
    await save(store, { step: 7 });
    expect(await steps(store)).toEqual([7, 6]);
  });

  test('serves saves that run at the same time', async () => {
    const store = open({ keep: 2 });
    const second = open({ keep: 2, databaseName: store.databaseName });
    await Promise.all([1, 2, 3, 4, 5, 6].map((step) => save(step % 2 === 0 ? store : second, { step })));
    expect((await steps(store)).slice(0, 2)).toEqual([6, 5]);
    expect((await second.loadNewest(ROOM, JOB_HASH)).found?.summary.step).toBe(6);
  });
});

describe('a storage that fails', () => {
  test('for want of space says quota, and leaves what was there', async () => {
    const store = open();
    await save(store, { step: 1 });
    undo.push(makePutsFail('pieces', () => new DOMException('full', 'QuotaExceededError')));
    await expect(save(store, { step: 2 })).rejects.toThrow(/storage is full.*keep fewer checkpoints/);
    expect(await steps(store)).toEqual([1]);
  });

  test('for want of permission, or of IndexedDB, says unavailable', async () => {
    undo.push(withoutIndexedDB());
    await expect(save(open(), { step: 1 })).rejects.toThrow('this environment has no IndexedDB');
    const open_ = (): never => {
      throw new DOMException('denied', 'SecurityError');
    };
    Object.defineProperty(globalThis, 'indexedDB', { configurable: true, value: { open: open_ } });
    await expect(save(open(), { step: 1 })).rejects.toThrow('this page may not store anything');
  });

  test('because another tab keeps a transaction open says blocked, and works again when that ends', async () => {
    const store = open({ deadlineMs: 200 });
    await save(store, { step: 1 });
    const database = await raw(store.databaseName);
    const transaction = database.transaction('pieces', 'readwrite');
    const hold = { on: true };
    const holding = (async () => {
      while (hold.on) await transaction.store.get('nothing');
    })();
    expect(await faultOf(save(store, { step: 2 }))).toBe('blocked');
    hold.on = false;
    await holding;
    expect(await save(store, { step: 3 })).toMatchObject({ step: 3 });
    expect(await steps(store)).toEqual([3, 1]);
  });

  test('by being deleted under us starts anew', async () => {
    const store = open();
    const { id } = await save(store, { step: 1 });
    await new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(store.databaseName);
      request.onsuccess = resolve;
      request.onerror = reject;
    });
    expect(await faultOf(store.load(id))).toBe('missing');
    expect(await store.list(ROOM)).toEqual([]);
    expect(await save(store, { step: 2 })).toMatchObject({ step: 2 });
  });

  test("by being of a newer version, or a stranger's, says so", async () => {
    const newer = open();
    (await openDB(newer.databaseName, 7)).close();
    await expect(save(newer, { step: 1 })).rejects.toThrow('written by a newer version of this page');
    const stranger = open();
    (await openDB(stranger.databaseName, 1)).close();
    await expect(save(stranger, { step: 1 })).rejects.toThrow('not one of ours');
  });
});
