// What the worker that saves checkpoints answers: verification, encoding, hashing and writing, none of which any other thread has to
// wait for. Failures travel as values, since an error loses its type on the way between workers; files are transferred.

import * as Comlink from 'comlink';
import { openCheckpointStore } from '../checkpoint/store.ts';
import type { BrowserCheckpointStore, CheckpointStoreOptions } from '../checkpoint/store.ts';
import { StoreError } from '../ports/store.ts';
import type { CheckpointStore, CheckpointSummary, StoreFault } from '../ports/store.ts';
import type { Helper } from './helpers.ts';
import type { EncodeSnapshot } from './host-ports.ts';
import { messageOf } from './message-of.ts';
import { encodeSnapshot } from './state-encoder.ts';
import type { Snapshot } from './state-encoder.ts';

/** `fault` is that of a `StoreError`; without one it is an error of the snapshot. */
type SaveReply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: StoreFault | undefined; readonly message: string };

export type SaveOptions = Pick<CheckpointStoreOptions, 'databaseName' | 'keep' | 'everyNth'>;

export interface SaveService {
  encode(snapshot: Snapshot): Promise<SaveReply<Uint8Array<ArrayBuffer>>>;
  save(
    options: SaveOptions,
    ...what: Parameters<CheckpointStore['save']>
  ): Promise<SaveReply<CheckpointSummary>>;
}

export function createSaveService(): SaveService {
  let store: BrowserCheckpointStore | undefined;
  return {
    encode: (snapshot) =>
      answer(
        () => encodeSnapshot(snapshot),
        (file) => [file.buffer],
      ),
    save: (options, ...what) =>
      answer(async () => {
        store ??= openCheckpointStore({ ...options, now: () => Date.now() });
        return await store.save(...what);
      }),
  };
}

async function answer<T>(
  work: () => T | Promise<T>,
  buffers: (value: T) => Transferable[] = () => [],
): Promise<SaveReply<T>> {
  try {
    const value = await work();
    return Comlink.transfer<SaveReply<T>>({ ok: true, value }, buffers(value));
  } catch (error) {
    const fault = error instanceof StoreError ? error.fault : undefined;
    return { ok: false, fault, message: messageOf(error) };
  }
}

export interface Saver {
  readonly encode: EncodeSnapshot;
  /** The file is transferred: its caller has it no more. */
  readonly save: (...what: Parameters<CheckpointStore['save']>) => Promise<CheckpointSummary>;
}

/** Opens the worker when the first snapshot comes: most ranks of a browser never save. */
export function openSaver(openHelper: () => Helper, options: SaveOptions): Saver {
  let opened: { readonly service: Comlink.Remote<SaveService>; readonly died: Promise<never> } | undefined;

  const ask = async <T>(
    question: (service: Comlink.Remote<SaveService>) => Promise<SaveReply<T>>,
  ): Promise<T> => {
    opened ??= open(openHelper(), () => {
      opened = undefined;
    });
    const reply = await Promise.race([question(opened.service), opened.died]);
    if (reply.ok) return reply.value;
    throw reply.fault === undefined ? new Error(reply.message) : new StoreError(reply.fault, reply.message);
  };

  return {
    encode: (snapshot) => ask((service) => service.encode(snapshot)),
    save: (key, jobHash, stateHash, file) =>
      ask((service) => service.save(options, key, jobHash, stateHash, Comlink.transfer(file, [file.buffer]))),
  };
}

/** A dead worker never answers; the next question opens another. */
function open(helper: Helper, ended: () => void) {
  const died = new Promise<never>((_, reject) => {
    void helper.failure.then((message) => {
      ended();
      helper.terminate();
      reject(
        new StoreError(
          'unavailable',
          `The worker that saves checkpoints failed: ${message}. The next one gets a new worker.`,
        ),
      );
    });
  });
  died.catch(() => undefined);
  return { service: Comlink.wrap<SaveService>(helper.port), died };
}
