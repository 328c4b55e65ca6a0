// The real stores behind their fault decorators, for the ports' contract: in a browser, and over an IndexedDB in memory.

import { openDB } from 'idb';
import { openBallotStore } from '../../src/checkpoint/ballots.ts';
import { openCheckpointStore } from '../../src/checkpoint/store.ts';
import type { FaultPort } from '../../src/faults/port.ts';
import { faultyBallotStore, faultyCheckpointStore } from '../../src/faults/storage.ts';
import type { FaultKind, FaultOf } from '../../src/faults/vocabulary.ts';
import type { BallotHarness, CheckpointHarness } from '../../src/ports/contract/stores.ts';

let databases = 0;
const unusedName = (what: string): string =>
  `contract ${what} ${Math.floor(performance.now())} ${databases++}`;

/** Injects a fault, or heals it. */
function acting<Kind extends FaultKind>(port: FaultPort<Kind>, fault: FaultOf<Kind>, acts: boolean): void {
  const id = fault.kind;
  port.heal(id);
  if (!acts) return;
  const nothing = (): undefined => undefined;
  port.inject({ id, resolvePeer: nothing, ended: nothing, working: nothing }, fault);
}

export function ballotHarness(): BallotHarness {
  const { store, faults } = faultyBallotStore(openBallotStore(unusedName('ballots')));
  return {
    ballots: store,
    hideAnswers: (hidden) => acting(faults, { kind: 'ambiguous-storage' }, hidden),
    refuse: (refuses) => acting(faults, { kind: 'refuse-storage' }, refuses),
  };
}

export function checkpointHarness(): CheckpointHarness {
  const databaseName = unusedName('checkpoints');
  const { store, faults } = faultyCheckpointStore(
    openCheckpointStore({ databaseName, keep: 3, now: () => Date.now() }),
  );
  return {
    checkpoints: store,
    hideAnswers: (hidden) => acting(faults, { kind: 'ambiguous-storage' }, hidden),
    limit: (bytes) => acting(faults, { kind: 'limit-storage', maxBytes: bytes ?? 0 }, bytes !== undefined),
    async damage(id) {
      const database = await openDB(databaseName);
      const manifest = (await database.get('manifests', id)) as { pieces: { hash: string }[] };
      const hash = manifest.pieces[0]?.hash ?? '';
      const piece = (await database.get('pieces', hash)) as Uint8Array;
      piece[0] = (piece[0] ?? 0) ^ 1;
      await database.put('pieces', piece, hash);
      database.close();
    },
  };
}
