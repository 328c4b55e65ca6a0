// A worker that saves checkpoints as fast as it can, until it is stopped.

import { openCheckpointStore } from '../../../src/checkpoint/store.ts';
import type { IncarnationId, JobHash, StateHash } from '../../../src/ports/ids.ts';

self.addEventListener('message', ({ data }: MessageEvent<{ databaseName: string; bytes: number }>) => {
  const store = openCheckpointStore({ databaseName: data.databaseName, keep: 2, now: () => 0 });
  const generation = { incarnation: `00000000-${'a'.repeat(32)}` as IncarnationId, number: 1 };
  void (async () => {
    for (let step = 1; ; step++) {
      const file = new Uint8Array(data.bytes).fill(step % 256);
      const summary = await store.save(
        { room: 'room', generation, step },
        'b'.repeat(64) as JobHash,
        step.toString(16).padStart(32, '0') as StateHash,
        file,
      );
      self.postMessage(summary.step);
    }
  })();
});
