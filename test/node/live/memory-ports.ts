// The ports of a live rank in memory: a browser profile's stores and locks, and a network between hosts.

import { randomBytes } from 'node:crypto';
import { buf } from 'crc-32';
import type { SeatLocks } from '../../../src/checkpoint/seat-locks.ts';
import type { WriterRole } from '../../../src/live/host-ports.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { DeviceId, MemberId, SeatId } from '../../../src/ports/ids.ts';
import type { Evidence, Network, NetworkHandlers } from '../../../src/ports/network.ts';
import type {
  BallotStore,
  CheckpointRecord,
  CheckpointStore,
  CheckpointSummary,
} from '../../../src/ports/store.ts';
import { StoreError, compareCheckpoints } from '../../../src/ports/store.ts';

/** Locks by name; each with its holder's release and whoever queues. */
export function createLocks() {
  interface Claim {
    readonly owner: object;
    granted(release: () => void): void;
  }
  const queues = new Map<string, Claim[]>();

  const drop = (name: string, claim: Claim): void => {
    const queue = queues.get(name) ?? [];
    const place = queue.indexOf(claim);
    if (place < 0) return;
    queue.splice(place, 1);
    if (place === 0) grant(name);
  };
  const grant = (name: string): void => {
    const first = queues.get(name)?.[0];
    if (first === undefined) return;
    setImmediate(() => {
      if (queues.get(name)?.[0] === first) first.granted(() => drop(name, first));
    });
  };
  const claim = (name: string, owner: object, granted: (release: () => void) => void): (() => void) => {
    const queue = queues.get(name) ?? [];
    queues.set(name, queue);
    const item: Claim = { owner, granted };
    queue.push(item);
    if (queue.length === 1) grant(name);
    return () => {
      // Only from the queue: what was granted is given back by its release.
      if (queue.indexOf(item) > 0) drop(name, item);
    };
  };

  return {
    claim,
    isHeld: (name: string): boolean => (queues.get(name)?.length ?? 0) > 0,
    /** The owner's worker has stopped: the browser releases what it held, and it queues no more. */
    releaseAll(owner: object): void {
      for (const [name, queue] of queues)
        for (const item of [...queue]) if (item.owner === owner) drop(name, item);
    },
  };
}

/** What the pages of one browser profile share. */
export function createProfile(clock: Clock) {
  const locks = createLocks();
  const ballots = new Map<SeatId, unknown>();
  const records = new Map<string, CheckpointRecord>();
  const checksums = new Map<string, number>();

  const device = randomBytes(16).toString('hex') as DeviceId;

  const ballotStore: BallotStore = {
    load: async (seat) => structuredClone(ballots.get(seat)),
    save: async (seat, record) => {
      ballots.set(seat, structuredClone(record));
    },
    delete: async (seat) => {
      ballots.delete(seat);
    },
  };

  const list = (room: string): readonly CheckpointSummary[] =>
    [...records.values()]
      .map(({ summary }) => summary)
      .filter((summary) => summary.room === room)
      .sort((a, b) => compareCheckpoints(b, a));

  const isWhole = (id: string): boolean => {
    const file = records.get(id)?.file;
    return file !== undefined && buf(file) === checksums.get(id);
  };
  const read = (id: string): CheckpointRecord => {
    const record = records.get(id);
    if (record === undefined) throw new StoreError('missing', `There is no checkpoint ${id}.`);
    if (!isWhole(id)) throw new StoreError('corrupt', `The bytes of checkpoint ${id} do not verify.`);
    return record;
  };

  const checkpointStore: CheckpointStore = {
    async save(key, jobHash, stateHash, file) {
      const id = `${key.generation.incarnation}/${key.generation.number}/${key.step}`;
      const { incarnation, number } = key.generation;
      const isOld = list(key.room).some(
        ({ generation }) => generation.incarnation === incarnation && generation.number > number,
      );
      if (isOld) throw new StoreError('fenced', `Generation ${number} is over.`);
      const bytes = file.length;
      const described = { ...key, id, jobHash, stateHash, bytes, savedAt: clock.now(), pinned: false };
      const summary: CheckpointSummary = { ...described, standing: 'verified' };
      records.set(id, { summary, file: file.slice() });
      checksums.set(id, buf(file));
      return summary;
    },
    list: async (room) => list(room),
    load: async (id) => read(id),
    async loadNewest(room, jobHash) {
      const skipped: { summary: CheckpointSummary; reason: string }[] = [];
      for (const summary of list(room)) {
        if (summary.jobHash !== jobHash) skipped.push({ summary, reason: 'It belongs to another job.' });
        else if (!isWhole(summary.id)) skipped.push({ summary, reason: 'It does not verify.' });
        else return { found: read(summary.id), skipped };
      }
      return { found: undefined, skipped };
    },
    delete: async (id) => {
      records.delete(id);
    },
    rooms: async () => [...new Set([...records.values()].map(({ summary }) => summary.room))],
  };

  return {
    ballots,
    records,
    ballotStore,
    checkpointStore,
    device: () => Promise.resolve(device),
    locks,
    seatLocks: (owner: object): SeatLocks => ({
      hold: (seat) =>
        new Promise((resolve) => {
          locks.claim(`seat:${seat}`, owner, resolve);
        }),
      watch: (seat, acquired) => locks.claim(`seat:${seat}`, owner, acquired),
    }),
    writer: (owner: object): WriterRole => {
      let release: (() => void) | undefined;
      return {
        async acquire() {
          if (release !== undefined) return true;
          if (locks.isHeld('writer')) return false;
          release = await new Promise<() => void>((resolve) => {
            locks.claim('writer', owner, resolve);
          });
          return true;
        },
        giveUp() {
          release?.();
          release = undefined;
        },
      };
    },
  };
}

export type Profile = ReturnType<typeof createProfile>;

/** Links between all hosts that are connected, with a millisecond of delay. */
export function createHub(clock: Clock) {
  const hosts = new Map<MemberId, NetworkHandlers>();

  const deliver = (to: MemberId, act: (handlers: NetworkHandlers) => void): void => {
    clock.after(1, () => {
      const handlers = hosts.get(to);
      if (handlers !== undefined) act(handlers);
    });
  };

  return {
    connect(self: MemberId, handlers: NetworkHandlers): Network {
      for (const peer of hosts.keys()) {
        deliver(peer, (other) => {
          other.linkUp(self);
        });
        deliver(self, (own) => {
          own.linkUp(peer);
        });
      }
      hosts.set(self, handlers);
      return {
        send(peer, lane, bytes) {
          if (!hosts.has(self) || !hosts.has(peer)) return 'no-link';
          const copy = bytes.slice();
          deliver(peer, (other) => {
            if (hosts.has(self)) other.message(self, lane, copy);
          });
          return 'sent';
        },
        queuedBytes: () => 0,
        drop: () => undefined,
        peers: () => [...hosts.keys()].filter((peer) => peer !== self),
      };
    },
    /** Takes a host off the network. Without evidence, nobody is told. */
    remove(member: MemberId, evidence?: Evidence): void {
      hosts.delete(member);
      if (evidence === undefined) return;
      for (const peer of hosts.keys()) {
        deliver(peer, (other) => {
          other.linkDown(member, evidence);
        });
      }
    },
  };
}

export type Hub = ReturnType<typeof createHub>;
