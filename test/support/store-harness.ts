// Stores behind their fault decorators, for the ports' contract: the real ones in a browser and over an IndexedDB in memory, and those
// that tests have.

import { openDB } from 'idb';
import { openBallotStore } from '../../src/checkpoint/ballots.ts';
import { openCheckpointStore } from '../../src/checkpoint/store.ts';
import type { FaultPort } from '../../src/faults/port.ts';
import { faultyBallotStore, faultyCheckpointStore } from '../../src/faults/storage.ts';
import type { FaultKind, FaultOf } from '../../src/faults/vocabulary.ts';
import type { BallotStore, CheckpointStore } from '../../src/ports/store.ts';
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

export function ballotHarness(inner: BallotStore = openBallotStore(unusedName('ballots'))): BallotHarness {
  const { store, faults } = faultyBallotStore(inner);
  return {
    ballots: store,
    hideAnswers: (hidden) => acting(faults, { kind: 'ambiguous-storage' }, hidden),
    refuse: (refuses) => acting(faults, { kind: 'refuse-storage' }, refuses),
  };
}

/** A store, and what changes the bytes that it holds. */
type Damageable = Pick<CheckpointHarness, 'damage'> & { readonly store: CheckpointStore };

export function checkpointHarness(inner: Damageable = inIndexedDb()): CheckpointHarness {
  const { store, faults } = faultyCheckpointStore(inner.store);
  return {
    checkpoints: store,
    hideAnswers: (hidden) => acting(faults, { kind: 'ambiguous-storage' }, hidden),
    limit: (bytes) => acting(faults, { kind: 'limit-storage', maxBytes: bytes ?? 0 }, bytes !== undefined),
    damage: inner.damage,
  };
}

function inIndexedDb(): Damageable {
  const databaseName = unusedName('checkpoints');
  return {
    store: openCheckpointStore({ databaseName, keep: 3, now: () => Date.now() }),
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
