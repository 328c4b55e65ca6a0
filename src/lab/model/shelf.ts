// The checkpoints of this browser as the lab shows them, and what a person can do to them.

import { signal } from '@preact/signals';
import type { Signal } from '@preact/signals';
import type { CheckpointSummary } from '../../ports/store.ts';
import type { Holding } from '../../protocol/messages.ts';
import type { CheckpointShelf } from '../../live/shelf-service.ts';
import { saidIn } from '../lab-error.ts';
import type { Said } from '../lab-error.ts';
import { words } from '../words.ts';
import { saveFile } from './recording-file.ts';

/** What the browser grants, in bytes; undefined where it does not say. */
export interface StorageRoom {
  readonly used: number;
  readonly quota: number;
  /** The browser has promised not to clear it by itself. */
  readonly persisted: boolean;
}

export interface Shelf {
  /** The name under which they are kept. */
  readonly path: string;
  readonly checkpoints: Signal<readonly CheckpointSummary[]>;
  /** What the room's other devices hold, by their word. */
  readonly elsewhere: Signal<readonly Holding[]>;
  readonly storage: Signal<StorageRoom | undefined>;
  /** Ids that something is being done to. */
  readonly busy: Signal<ReadonlySet<string>>;
  refresh(): Promise<void>;
  verify(id: string): Promise<void>;
  verifyAll(): Promise<void>;
  pin(id: string, pinned: boolean): Promise<void>;
  delete(id: string): Promise<void>;
  damage(id: string): Promise<void>;
  download(checkpoint: CheckpointSummary): Promise<void>;
  upload(file: File): Promise<void>;
  /** Where a new room goes on from it. */
  restoreLink(id: string): string;
}

export interface ShelfTalk {
  readonly say: (text: string) => void;
  readonly complain: (what: Said) => void;
}

/** What is left of the quota is shown as short below this many checkpoints of the newest one's size. */
const ROOM_FOR = 3;
/** Of all the calls, the one that is for every checkpoint. */
const ALL = 'all';

export const isShort = ({ used, quota }: StorageRoom, checkpointBytes: number): boolean =>
  quota - used < ROOM_FOR * checkpointBytes;

export function createShelf(path: string, shelf: CheckpointShelf, { say, complain }: ShelfTalk): Shelf {
  const checkpoints = signal<readonly CheckpointSummary[]>([]);
  const elsewhere = signal<readonly Holding[]>([]);
  const storage = signal<StorageRoom | undefined>(undefined);
  const busy = signal<ReadonlySet<string>>(new Set());
  let asked = false;

  const refresh = async (): Promise<void> => {
    checkpoints.value = await shelf.list(path);
    if (checkpoints.value.length === 0) return;
    const manager = (navigator as { readonly storage?: StorageManager }).storage;
    if (manager === undefined) return;
    // Asked for once there is something to lose; browsers grant it by their own rules, some after asking.
    if (!asked) {
      asked = true;
      if (!(await manager.persisted())) void manager.persist().catch(() => undefined);
    }
    const { usage, quota } = await manager.estimate();
    if (usage !== undefined && quota !== undefined)
      storage.value = { used: usage, quota, persisted: await manager.persisted() };
  };

  const act = async (id: string, action: () => Promise<string | undefined>): Promise<void> => {
    if (busy.value.has(id)) return;
    busy.value = new Set([...busy.value, id]);
    try {
      const said = await action();
      if (said !== undefined) say(said);
    } catch (error) {
      complain(saidIn(error));
    } finally {
      busy.value = new Set([...busy.value].filter((other) => other !== id));
      await refresh().catch(() => undefined);
    }
  };

  return {
    path,
    checkpoints,
    elsewhere,
    storage,
    busy,
    refresh,
    verify: (id) =>
      act(id, async () => {
        const { step, standing } = await shelf.verify(id);
        return words.checkpoints.read(step, standing === 'verified');
      }),
    verifyAll: () =>
      act(ALL, async () => {
        let damaged = 0;
        for (const { id } of checkpoints.value) {
          const { standing } = await shelf.verify(id);
          if (standing !== 'verified') damaged++;
        }
        return words.checkpoints.readAll(checkpoints.value.length, damaged);
      }),
    pin: (id, pinned) =>
      act(id, async () => {
        await shelf.pin(id, pinned);
        return undefined;
      }),
    delete: (id) =>
      act(id, async () => {
        await shelf.delete(id);
        return words.checkpoints.deleted;
      }),
    damage: (id) =>
      act(id, async () => {
        await shelf.damage(id);
        return words.checkpoints.damaged;
      }),
    download: ({ id, step }) =>
      act(id, async () => {
        const name = `${path}-step-${step}.safetensors`;
        saveFile(name, await shelf.download(id));
        return words.checkpoints.downloaded(name);
      }),
    upload: (file) =>
      act(ALL, async () => {
        const { step } = await shelf.upload(path, file);
        return words.checkpoints.uploaded(step);
      }),
    restoreLink(id) {
      const params = new URLSearchParams(location.search);
      params.set('checkpoints', path);
      params.set('from', id);
      return `${location.pathname}?${params.toString()}`;
    },
  };
}
