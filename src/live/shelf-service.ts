// What a person does with the checkpoints of this browser, in a worker of its own, so that neither the page nor a rank waits for it.

import * as Comlink from 'comlink';
import { FormatError } from '../checkpoint/format-error.ts';
import { StateFileError } from '../checkpoint/state-file.ts';
import { openCheckpointStore } from '../checkpoint/store.ts';
import type { CheckpointStoreOptions } from '../checkpoint/store.ts';
import type { GenerationId, IncarnationId } from '../ports/ids.ts';
import { StoreError } from '../ports/store.ts';
import type { CheckpointSummary } from '../ports/store.ts';
import { messageOf } from './message-of.ts';
import { checkStateFileSize, readStateFile } from './state-reader.ts';

/** Each call rejects with a `ShelfError`, whose message is for a person. */
export interface CheckpointShelf {
  list(path: string): Promise<readonly CheckpointSummary[]>;
  /** Reads every piece; says what that showed. */
  verify(id: string): Promise<CheckpointSummary>;
  pin(id: string, pinned: boolean): Promise<CheckpointSummary>;
  delete(id: string): Promise<void>;
  /** For lessons: flips a bit of it. */
  damage(id: string): Promise<void>;
  /** The verified file. */
  download(id: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Takes a `.safetensors` checkpoint in, verified in every way, and pins it. */
  upload(path: string, file: Blob): Promise<CheckpointSummary>;
}

export class ShelfError extends Error {
  override readonly name = 'ShelfError';
}

type Reply<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

export type ShelfService = {
  readonly [Call in keyof CheckpointShelf]: (
    ...args: Parameters<CheckpointShelf[Call]>
  ) => Promise<Reply<Awaited<ReturnType<CheckpointShelf[Call]>>>>;
};

/** Retention is the rooms' own: what a person does here takes nothing away but what they name. */
const KEEP_ALL = 1_000_000;
/** Of a file that does not say in which generation it was saved: older than any other. */
const NO_GENERATION: GenerationId = {
  incarnation: `00000000-${'0'.repeat(32)}` as IncarnationId,
  number: 0,
};

export function createShelfService(options: Partial<CheckpointStoreOptions> = {}): ShelfService {
  const store = openCheckpointStore({ keep: KEEP_ALL, now: () => Date.now(), ...options });
  return {
    list: (path) => answer(() => store.list(path)),
    verify: (id) => answer(() => store.verify(id)),
    pin: (id, pinned) => answer(() => store.pin(id, pinned)),
    delete: (id) => answer(() => store.delete(id)),
    damage: (id) => answer(() => store.damage(id)),
    download: (id) =>
      answer(
        async () => (await store.load(id)).file,
        (file) => [file.buffer],
      ),
    upload: (path, file) =>
      answer(async () => {
        checkStateFileSize(file.size);
        const bytes = new Uint8Array(await file.arrayBuffer());
        const { state, jobHash, stateHash, progress } = readStateFile(bytes);
        const generation = progress?.generation ?? NO_GENERATION;
        return await store.admit({ room: path, generation, step: state.step }, jobHash, stateHash, bytes);
      }),
  };
}

async function answer<T>(
  work: () => Promise<T>,
  buffers: (value: T) => Transferable[] = () => [],
): Promise<Reply<T>> {
  try {
    const value = await work();
    return Comlink.transfer<Reply<T>>({ ok: true, value }, buffers(value));
  } catch (error) {
    const isKnown =
      error instanceof StoreError || error instanceof FormatError || error instanceof StateFileError;
    const message = messageOf(error);
    return { ok: false, message: isKnown ? message : `The file could not be read: ${message}` };
  }
}

/** Opens the worker when it is first needed. */
export function openShelf(openWorker: () => Worker): CheckpointShelf {
  let remote: Comlink.Remote<ShelfService> | undefined;
  const ask = async <T>(call: (service: Comlink.Remote<ShelfService>) => Promise<Reply<T>>): Promise<T> => {
    remote ??= Comlink.wrap<ShelfService>(openWorker());
    const reply = await call(remote);
    if (reply.ok) return reply.value;
    throw new ShelfError(reply.message);
  };
  return {
    list: (path) => ask((service) => service.list(path)),
    verify: (id) => ask((service) => service.verify(id)),
    pin: (id, pinned) => ask((service) => service.pin(id, pinned)),
    delete: (id) => ask((service) => service.delete(id)),
    damage: (id) => ask((service) => service.damage(id)),
    download: (id) => ask((service) => service.download(id)),
    upload: (path, file) => ask((service) => service.upload(path, file)),
  };
}
