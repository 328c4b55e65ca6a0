// Checkpoints behind the training: one save in flight and at most one waiting, which a newer snapshot replaces.

import type { CheckpointStore, CheckpointSummary } from '../ports/store.ts';
import { defer } from './deferred.ts';
import type { Deferred } from './deferred.ts';
import type { EncodeSnapshot } from './host-ports.ts';
import type { Snapshot } from './state-encoder.ts';

interface Waiting {
  readonly snapshot: Snapshot;
  readonly result: Deferred<CheckpointSummary>;
}

/** Saves a snapshot, or a newer one in its place. Rejects with what the encoder or the store says. */
export type SaveSnapshot = (snapshot: Snapshot) => Promise<CheckpointSummary>;

/** `path`: the name under which the checkpoints are kept. `took` hears how long each save took. */
export function createCheckpointer(
  path: string,
  store: Pick<CheckpointStore, 'save'>,
  encode: EncodeSnapshot,
  now: () => number,
  took: (ms: number) => void,
): SaveSnapshot {
  let saving = false;
  let waiting: Waiting | undefined;

  const save = async (snapshot: Snapshot): Promise<CheckpointSummary> => {
    const began = now();
    const { generation, step, hash, jobHash } = snapshot;
    const file = await encode(snapshot);
    const summary = await store.save({ room: path, generation, step }, jobHash, hash, file);
    took(now() - began);
    return summary;
  };

  const work = async (): Promise<void> => {
    saving = true;
    while (waiting !== undefined) {
      const { snapshot, result } = waiting;
      waiting = undefined;
      await save(snapshot).then(result.resolve, result.reject);
    }
    saving = false;
  };

  return (snapshot) => {
    const result = waiting?.result ?? defer<CheckpointSummary>();
    waiting = { snapshot, result };
    if (!saving) void work();
    return result.promise;
  };
}
