// Checkpoints in IndexedDB: pieces named by their hash and a manifest last, all or nothing, fenced, verified, and retained by a rule.

import type { DBSchema } from 'idb';
import * as v from 'valibot';
import type { IncarnationId } from '../ports/ids.ts';
import { StoreError, compareCheckpoints } from '../ports/store.ts';
import type {
  CheckpointRecord,
  CheckpointStore,
  CheckpointSummary,
  SkippedCheckpoint,
} from '../ports/store.ts';
import { createDatabase } from './database.ts';
import type { Database, Transaction } from './database.ts';
import { PIECE_BYTES, describeFile, isSealed, keyOf, readManifest, summaryOf } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { newestFirst, retained } from './retention.ts';
import type { RetentionPolicy } from './retention.ts';
import { sha256Hex } from './sha256.ts';
import { NotOpenedError } from './store-errors.ts';

export interface CheckpointStoreOptions extends RetentionPolicy {
  readonly databaseName?: string | undefined;
  /** Milliseconds since the epoch, for `savedAt`. */
  readonly now: () => number;
  /** Longest wait for a transaction. A tab stopped inside one blocks ours for seconds. */
  readonly deadlineMs?: number | undefined;
}

export interface BrowserCheckpointStore extends CheckpointStore {
  /** A pinned checkpoint stays until it is unpinned or deleted. */
  pin(id: string, pinned: boolean): Promise<CheckpointSummary>;
  /** Reads every piece and notes what that shows; never rejects for what it finds. Rejects with `missing`. */
  verify(id: string): Promise<CheckpointSummary>;
  /**
   * Takes in a file from outside, as a save does, and pins it: no rule brought it here, so none takes it away. It passes no fence and
   * raises none, since whoever brings an old state means it.
   */
  admit(...what: Parameters<CheckpointStore['save']>): Promise<CheckpointSummary>;
  /** For lessons: flips a bit of what is stored, as a failing disk does. */
  damage(id: string, how?: 'rotten' | 'torn'): Promise<void>;
  /** Lets the connection go. A later call opens it again. */
  close(): void;
}

interface CheckpointSchema extends DBSchema {
  /** Newest generation that has saved, by room and incarnation. Outlives its checkpoints: a zombie stays fenced. */
  fences: { key: [string, string]; value: { room: string; incarnation: IncarnationId; generation: number } };
  /** Values are validated when read. */
  manifests: { key: string; value: unknown };
  /** By SHA-256. Shared by all checkpoints that hold the same piece. */
  pieces: { key: string; value: unknown };
}

type Writing = Transaction<CheckpointSchema, 'readwrite'>;

export const CHECKPOINT_DATABASE = 'rankfall-checkpoints';
const DEADLINE_MS = 20_000;
const FenceSchema = v.object({ generation: v.pipe(v.number(), v.safeInteger()) });

export function openCheckpointStore(options: CheckpointStoreOptions): BrowserCheckpointStore {
  const database = createDatabase<CheckpointSchema>({
    name: options.databaseName ?? CHECKPOINT_DATABASE,
    version: 1,
    deadlineMs: options.deadlineMs ?? DEADLINE_MS,
    upgrade(connection) {
      connection.createObjectStore('fences', { keyPath: ['room', 'incarnation'] });
      connection.createObjectStore('manifests', { keyPath: 'id' });
      connection.createObjectStore('pieces');
    },
  });

  async function listManifests(room: string): Promise<Manifest[]> {
    const stored = await database.read('list the checkpoints', (transaction) =>
      transaction.objectStore('manifests').getAll(),
    );
    return newestFirst(
      stored.flatMap((value) => readManifest(value) ?? []).filter((manifest) => manifest.room === room),
    );
  }

  async function load(id: string): Promise<CheckpointRecord> {
    const { manifest, stored } = await readStored(database, id);
    if (manifest === undefined) throw gone(id);
    const verdict = await assemble(manifest, stored);
    if (verdict.file !== undefined) return { summary: summaryOf(manifest), file: verdict.file };
    // Retention must not rely on it. That it cannot be read matters more than that this cannot be noted.
    await database
      .write('mark a corrupt checkpoint', (transaction) => judge(transaction, manifest, 'corrupt'))
      .catch(() => undefined);
    throw new StoreError(
      'corrupt',
      `The checkpoint of step ${manifest.step} cannot be used: ${verdict.flaw}.`,
    );
  }

  async function write(
    way: 'save' | 'admit',
    ...[key, jobHash, stateHash, file]: Parameters<CheckpointStore['save']>
  ): Promise<CheckpointSummary> {
    if (file.length === 0)
      throw new StoreError('refused', 'An empty file is no checkpoint: nothing was saved.');
    const manifest = await describeFile(key, jobHash, stateHash, file, options.now());
    const doing = `save the checkpoint of step ${key.step}`;
    let flaw = '';
    // Twice at most: what was there already may turn out corrupt when it is read back, and is then written again.
    for (const anew of [false, true]) {
      const failure = await database
        .write(doing, (transaction) => writeAll(transaction, manifest, file, { anew, way }, options))
        .then(() => undefined, asStoreError);
      if (failure !== undefined && isFinal(failure)) throw failure;

      // A failed transaction may have landed all the same (the page cannot know), and a completed one proves nothing yet.
      const { manifest: found, stored } = await readStored(database, manifest.id).catch((error: unknown) => {
        throw failure ?? asStoreError(error);
      });
      if (found === undefined) {
        if (failure !== undefined) throw failure;
        if (await isSuperseded(manifest)) return summaryOf(manifest);
        throw new StoreError(
          'missing',
          `Could not ${doing}: it was gone when read back. Site data was deleted; try again.`,
        );
      }
      const verdict = await assemble(found, stored);
      if (verdict.file !== undefined) {
        // It is saved. Should this last note fail, an older checkpoint stays a little longer.
        await database
          .write('note that the checkpoint verifies', async (transaction) => {
            await judge(transaction, found, 'verified');
            await sweep(transaction, found.room, found.id, options);
          })
          .catch(() => undefined);
        return { ...summaryOf(found), standing: 'verified' };
      }
      flaw = verdict.flaw;
    }
    throw new StoreError(
      'corrupt',
      `Could not ${doing}: read back twice, ${flaw}. The disk may be failing; earlier checkpoints are kept.`,
    );
  }

  /** Gone from the store because others have saved enough newer ones meanwhile. */
  async function isSuperseded(manifest: Manifest): Promise<boolean> {
    const others = await listManifests(manifest.room);
    return others.some((other) => compareCheckpoints(keyOf(other), keyOf(manifest)) > 0);
  }

  return {
    save: (...what) => write('save', ...what),
    admit: (...what) => write('admit', ...what),
    load,
    async verify(id) {
      const { manifest, stored } = await readStored(database, id);
      if (manifest === undefined) throw gone(id);
      const standing = (await assemble(manifest, stored)).file === undefined ? 'corrupt' : 'verified';
      await database.write('note what a reading showed', (transaction) =>
        judge(transaction, manifest, standing),
      );
      return { ...summaryOf(manifest), standing };
    },
    damage: (id, how = 'rotten') =>
      database.write('damage a checkpoint', async (transaction) => {
        const manifest = readManifest(await transaction.objectStore('manifests').get(id));
        const last = manifest?.pieces.at(-1);
        if (last === undefined) throw gone(id);
        const pieces = transaction.objectStore('pieces');
        if (how === 'torn') {
          await pieces.delete(last.hash);
          return;
        }
        const piece = await pieces.get(last.hash);
        if (!(piece instanceof Uint8Array) || piece.length === 0) return;
        piece[piece.length - 1] = (piece.at(-1) ?? 0) ^ 1;
        await pieces.put(piece, last.hash);
      }),
    async list(room) {
      return (await listManifests(room)).map(summaryOf);
    },
    async loadNewest(room, jobHash) {
      const skipped: SkippedCheckpoint[] = [];
      for (const manifest of await listManifests(room)) {
        const skip = (reason: string): void => void skipped.push({ summary: summaryOf(manifest), reason });
        if (manifest.jobHash !== jobHash) {
          skip(
            `It belongs to another job (${manifest.jobHash.slice(0, 12)}…, expected ${jobHash.slice(0, 12)}…).`,
          );
          continue;
        }
        try {
          return { found: await load(manifest.id), skipped };
        } catch (error) {
          if (!(error instanceof StoreError) || (error.fault !== 'corrupt' && error.fault !== 'missing'))
            throw error;
          skip(error.message);
        }
      }
      return { found: undefined, skipped };
    },
    async delete(id) {
      await database.write('delete a checkpoint', async (transaction) => {
        await transaction.objectStore('manifests').delete(id);
        await sweepPieces(transaction, await readManifests(transaction));
      });
    },
    async rooms() {
      const stored = await database.read('list the rooms', (transaction) =>
        transaction.objectStore('manifests').getAll(),
      );
      return [...new Set(stored.flatMap((value) => readManifest(value)?.room ?? []))].sort();
    },
    async pin(id, pinned) {
      return await database.write('pin a checkpoint', async (transaction) => {
        const manifest = readManifest(await transaction.objectStore('manifests').get(id));
        if (manifest === undefined)
          throw new StoreError('missing', `There is no checkpoint "${id}" to pin: it was deleted.`);
        const changed = { ...manifest, pinned };
        await transaction.objectStore('manifests').put(changed);
        return summaryOf(changed);
      });
    },
    close: () => {
      database.close();
    },
  };
}

const gone = (id: string): StoreError =>
  new StoreError(
    'missing',
    `There is no checkpoint "${id}" in this browser: it was deleted, or replaced by newer ones.`,
  );

interface Writes {
  /** Pieces that seem to be there already are written all the same. */
  readonly anew: boolean;
  readonly way: 'save' | 'admit';
}

/** The whole of a save, in one transaction: fence, pieces, manifest, retention. */
async function writeAll(
  transaction: Writing,
  manifest: Manifest,
  file: Uint8Array<ArrayBuffer>,
  { anew, way }: Writes,
  policy: RetentionPolicy,
): Promise<void> {
  const { room, incarnation, generation } = manifest;
  const fences = transaction.objectStore('fences');
  const fence = v.safeParse(FenceSchema, await fences.get([room, incarnation]));
  const newest = fence.success ? fence.output.generation : -1;
  if (way === 'save' && newest > generation) {
    throw new StoreError(
      'fenced',
      `Generation ${generation} may not save any more: generation ${newest} of the same room has saved. Nothing was written.`,
    );
  }
  const manifests = transaction.objectStore('manifests');
  const pieces = transaction.objectStore('pieces');
  const previous = readManifest(await manifests.get(manifest.id));
  // The same state is stored and has been read back: a second writing could only lose it.
  if (previous?.standing === 'verified' && !anew) {
    if (way === 'admit') await manifests.put({ ...previous, pinned: true });
    return;
  }
  const known = new Set(anew ? [] : await pieces.getAllKeys());
  const requests: (() => Promise<unknown>)[] = [];
  manifest.pieces.forEach(({ hash }, index) => {
    if (known.has(hash)) return;
    known.add(hash);
    // A copy: storing a view would store the whole buffer behind it.
    requests.push(() => pieces.put(file.slice(index * PIECE_BYTES, (index + 1) * PIECE_BYTES), hash));
  });
  requests.push(() => manifests.put({ ...manifest, pinned: way === 'admit' || previous?.pinned === true }));
  if (way === 'save') requests.push(() => fences.put({ room, incarnation, generation }));
  await allAtOnce(requests);
  await sweep(transaction, room, manifest.id, policy);
}

/** Retention: deletes what the rule does not keep, and every piece that nothing refers to. */
async function sweep(
  transaction: Writing,
  room: string,
  saving: string,
  policy: RetentionPolicy,
): Promise<void> {
  const all = await readManifests(transaction);
  const stays = retained(
    all.filter((manifest) => manifest.room === room),
    policy,
    saving,
  );
  const left: Manifest[] = [];
  for (const manifest of all) {
    if (manifest.room !== room || stays.has(manifest.id)) left.push(manifest);
    else await transaction.objectStore('manifests').delete(manifest.id);
  }
  await sweepPieces(transaction, left);
}

async function sweepPieces(transaction: Writing, manifests: readonly Manifest[]): Promise<void> {
  const needed = new Set(manifests.flatMap((manifest) => manifest.pieces.map((piece) => piece.hash)));
  const pieces = transaction.objectStore('pieces');
  for (const hash of await pieces.getAllKeys()) if (!needed.has(hash)) await pieces.delete(hash);
}

/** Those that can be read. One that cannot is of no use to anybody, and goes. */
async function readManifests(transaction: Writing): Promise<Manifest[]> {
  const store = transaction.objectStore('manifests');
  const ids = await store.getAllKeys();
  const stored = await store.getAll();
  const readable = stored.flatMap((value) => readManifest(value) ?? []);
  const known = new Set(readable.map((manifest) => manifest.id));
  for (const id of ids) if (!known.has(id)) await store.delete(id);
  return readable;
}

/** Writes down what reading showed, unless the checkpoint has been replaced or deleted since. */
async function judge(
  transaction: Writing,
  manifest: Manifest,
  standing: Manifest['standing'],
): Promise<void> {
  const store = transaction.objectStore('manifests');
  const current = readManifest(await store.get(manifest.id));
  if (current !== undefined && samePieces(current, manifest)) await store.put({ ...current, standing });
}

interface Stored {
  readonly manifest: Manifest | undefined;
  readonly stored: readonly unknown[];
}

/** A manifest and its pieces, as one transaction sees them. */
const readStored = (database: Database<CheckpointSchema>, id: string): Promise<Stored> =>
  database.read('read a checkpoint', async (transaction) => {
    const manifest = readManifest(await transaction.objectStore('manifests').get(id));
    const pieces = transaction.objectStore('pieces');
    return {
      manifest,
      stored: await allAtOnce((manifest?.pieces ?? []).map((piece) => () => pieces.get(piece.hash))),
    };
  });

type Verdict =
  { readonly file: Uint8Array<ArrayBuffer> } | { readonly file: undefined; readonly flaw: string };

/** Puts the pieces together, each checked against its hash. */
async function assemble(manifest: Manifest, stored: readonly unknown[]): Promise<Verdict> {
  const flawed = (flaw: string): Verdict => ({ file: undefined, flaw });
  if (!isSealed(manifest)) return flawed('its manifest was changed after it was written');
  const total = manifest.pieces.length;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (const [index, { hash, bytes }] of manifest.pieces.entries()) {
    const piece = stored[index];
    const which = `piece ${index + 1} of ${total}`;
    if (piece === undefined) return flawed(`${which} is missing`);
    if (!(piece instanceof Uint8Array) || !(piece.buffer instanceof ArrayBuffer))
      return flawed(`${which} is not made of bytes`);
    if (piece.length !== bytes) return flawed(`${which} has ${piece.length} bytes instead of ${bytes}`);
    const own = new Uint8Array(piece.buffer, piece.byteOffset, piece.length);
    if ((await sha256Hex(own)) !== hash) return flawed(`${which} does not have the hash it was saved with`);
    pieces.push(own);
  }
  const file = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    file.set(piece, at);
    at += piece.length;
  }
  return { file };
}

/** Makes all requests without waiting between them. One that throws when it is made rejects like the others. */
const allAtOnce = (requests: readonly (() => Promise<unknown>)[]): Promise<unknown[]> =>
  Promise.all(requests.map(async (request) => await request()));

const samePieces = (a: Manifest, b: Manifest): boolean =>
  a.pieces.length === b.pieces.length &&
  a.pieces.every((piece, index) => piece.hash === b.pieces[index]?.hash);

/** Whether the error proves that nothing was written. */
const isFinal = (error: StoreError): boolean =>
  error instanceof NotOpenedError ||
  error.fault === 'fenced' ||
  error.fault === 'quota' ||
  error.fault === 'refused';

const asStoreError = (error: unknown): StoreError =>
  error instanceof StoreError
    ? error
    : new StoreError('unavailable', `The checkpoint store failed: ${String(error)}`, { cause: error });
