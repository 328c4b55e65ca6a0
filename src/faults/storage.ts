// Storage that refuses to store: every write is rejected and nothing is written; what is there can still be read.

import { StoreError } from '../ports/store.ts';
import type { BallotStore, CheckpointStore } from '../ports/store.ts';
import type { FaultPort } from './port.ts';

export interface FaultyStore<Store> {
  readonly store: Store;
  readonly faults: FaultPort<'refuse-storage'>;
}

export function faultyCheckpointStore(store: CheckpointStore): FaultyStore<CheckpointStore> {
  const { write, faults } = refusal('The checkpoint');
  return {
    store: {
      save: (key, jobHash, stateHash, file) => write(() => store.save(key, jobHash, stateHash, file)),
      list: (room) => store.list(room),
      load: (id) => store.load(id),
      loadNewest: (room, jobHash) => store.loadNewest(room, jobHash),
      delete: (id) => write(() => store.delete(id)),
      rooms: () => store.rooms(),
    },
    faults,
  };
}

export function faultyBallotStore(store: BallotStore): FaultyStore<BallotStore> {
  const { write, faults } = refusal('The ballot');
  return {
    store: {
      load: (seat) => store.load(seat),
      save: (seat, record) => write(() => store.save(seat, record)),
      delete: (seat) => write(() => store.delete(seat)),
    },
    faults,
  };
}

function refusal(what: string) {
  const active = new Set<string>();
  const faults: FaultPort<'refuse-storage'> = {
    kinds: ['refuse-storage'],
    inject: ({ id }) => void active.add(id),
    heal: (id) => void active.delete(id),
  };
  const write = <T>(work: () => Promise<T>): Promise<T> =>
    active.size === 0
      ? work()
      : Promise.reject(
          new StoreError(
            'refused',
            `${what} was not stored: an injected fault refuses storage until it is healed.`,
          ),
        );
  return { write, faults };
}
