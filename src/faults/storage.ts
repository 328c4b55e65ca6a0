// Storage that misbehaves: writes that are refused, that do not fit, or that land though their writer is told otherwise. What is
// there can always be read.

import { StoreError } from '../ports/store.ts';
import type { BallotStore, CheckpointStore } from '../ports/store.ts';
import type { FaultPort } from './port.ts';
import type { FaultOf } from './vocabulary.ts';

type BallotFaultKind = 'refuse-storage' | 'ambiguous-storage';
type CheckpointFaultKind = BallotFaultKind | 'limit-storage';

export interface FaultyStore<Store, Kind extends CheckpointFaultKind> {
  readonly store: Store;
  readonly faults: FaultPort<Kind>;
}

/** Checkpoints that rot or go while they are stored. */
export function storedCheckpointFaults(
  /** `damage` flips a bit of what is stored, or takes a piece away. */
  store: CheckpointStore & { damage(id: string, how: 'rotten' | 'torn'): Promise<void> },
  /** Whose newest checkpoint rots. */
  room: string,
): FaultPort<'damage-checkpoint' | 'evict-checkpoints'> {
  const evict = async (): Promise<string> => {
    const rooms = await store.rooms();
    const all = (await Promise.all(rooms.map((room) => store.list(room)))).flat();
    for (const { id } of all) await store.delete(id);
    return `${all.length} checkpoints are gone`;
  };
  const damageNewest = async (how: NonNullable<FaultOf<'damage-checkpoint'>['how']>): Promise<string> => {
    const [newest] = await store.list(room);
    if (newest === undefined) return 'no checkpoint is stored';
    if (how === 'stale') {
      await store.delete(newest.id);
      return `the checkpoint of step ${newest.step} is gone, and older ones are left`;
    }
    await store.damage(newest.id, how);
    return `the checkpoint of step ${newest.step} ${how === 'torn' ? 'lacks a piece' : 'has a flipped bit'}`;
  };
  return {
    kinds: ['damage-checkpoint', 'evict-checkpoints'],
    inject({ working, ended }, fault) {
      const strike = fault.kind === 'evict-checkpoints' ? evict() : damageNewest(fault.how ?? 'rotten');
      working(
        strike.then((detail) => {
          ended();
          return detail;
        }),
      );
    },
    // What is gone is gone.
    heal: () => undefined,
  };
}

export function faultyCheckpointStore(
  store: CheckpointStore,
): FaultyStore<CheckpointStore, CheckpointFaultKind> {
  const { active, write } = afflicted<CheckpointFaultKind>('The checkpoint');

  async function makeSureItFits(bytes: number): Promise<void> {
    const limits = [...active.values()].flatMap((fault) =>
      fault.kind === 'limit-storage' ? [fault.maxBytes] : [],
    );
    if (limits.length === 0) return;
    const most = Math.min(...limits);
    const rooms = await store.rooms();
    const stored = (await Promise.all(rooms.map((room) => store.list(room))))
      .flat()
      .reduce((sum, summary) => sum + summary.bytes, 0);
    if (stored + bytes <= most) return;
    throw new StoreError(
      'quota',
      `The checkpoint of ${bytes} bytes was not stored: ${stored} are taken, and an injected fault leaves room for ${most}.`,
    );
  }

  return {
    store: {
      save: (key, jobHash, stateHash, file) =>
        write(async () => {
          await makeSureItFits(file.length);
          return await store.save(key, jobHash, stateHash, file);
        }),
      list: (room) => store.list(room),
      load: (id) => store.load(id),
      loadNewest: (room, jobHash) => store.loadNewest(room, jobHash),
      delete: (id) => write(() => store.delete(id)),
      rooms: () => store.rooms(),
    },
    faults: portOf(['refuse-storage', 'ambiguous-storage', 'limit-storage'], active),
  };
}

export function faultyBallotStore(store: BallotStore): FaultyStore<BallotStore, BallotFaultKind> {
  const { active, write } = afflicted<BallotFaultKind>('The ballot');
  return {
    store: {
      load: (seat) => store.load(seat),
      save: (seat, record) => write(() => store.save(seat, record)),
      delete: (seat) => write(() => store.delete(seat)),
    },
    faults: portOf(['refuse-storage', 'ambiguous-storage'], active),
  };
}

function portOf<Kind extends CheckpointFaultKind>(
  kinds: readonly Kind[],
  active: Map<string, FaultOf<Kind>>,
): FaultPort<Kind> {
  return {
    kinds,
    inject: ({ id }, fault) => void active.set(id, fault),
    heal: (id) => void active.delete(id),
  };
}

function afflicted<Kind extends CheckpointFaultKind>(what: string) {
  const active = new Map<string, FaultOf<Kind>>();
  const acts = (kind: BallotFaultKind): boolean => [...active.values()].some((fault) => fault.kind === kind);

  async function write<T>(work: () => Promise<T>): Promise<T> {
    if (acts('refuse-storage'))
      throw new StoreError(
        'refused',
        `${what} was not stored: an injected fault refuses storage until it is healed.`,
      );
    const result = await work();
    // Asked when the work is done: that is when the answer is given.
    if (acts('ambiguous-storage'))
      throw new StoreError(
        'unavailable',
        `${what} may have been stored: an injected fault hides the answer until it is healed.`,
      );
    return result;
  }
  return { active, write };
}
