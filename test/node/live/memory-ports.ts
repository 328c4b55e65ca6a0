// The ports of a live rank in memory: a browser profile's stores and locks, and a network between hosts.

import { randomBytes } from 'node:crypto';
import { buf } from 'crc-32';
import type { SeatLocks } from '../../../src/checkpoint/seat-locks.ts';
import type { WriterRole } from '../../../src/live/host-ports.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { DeviceId, MemberId, SeatId } from '../../../src/ports/ids.ts';
import { bytesOf, MAX_MESSAGE_BYTES, MAX_QUEUED_BYTES } from '../../../src/ports/network.ts';
import type { Evidence, Lane, Network, NetworkHandlers, SendOutcome } from '../../../src/ports/network.ts';
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

/** One direction of a link. */
interface Wire {
  readonly to: MemberId;
  isUp: boolean;
  readonly queued: Record<Lane, number>;
  /** When what was sent last on each lane arrives. */
  readonly arrives: Record<Lane, number>;
}

/** Milliseconds that every message takes, and each MiB of it. */
const DELAY_MS = 1;
const MIB_MS = 1;
const MIB = 1024 * 1024;
/** A silent death is told by ICE so much later. */
const ICE_MS = 10_000;

/** Links between all hosts that are connected, with a millisecond of delay. */
export function createHub(clock: Clock) {
  const hosts = new Map<MemberId, NetworkHandlers>();
  /** By sender, and then by receiver. */
  const wires = new Map<MemberId, Map<MemberId, Wire>>();

  const tell = (to: MemberId, afterMs: number, act: (handlers: NetworkHandlers) => void): void => {
    clock.after(afterMs, () => {
      const handlers = hosts.get(to);
      if (handlers !== undefined) act(handlers);
    });
  };
  const wireOf = (from: MemberId, to: MemberId): Wire | undefined => wires.get(from)?.get(to);

  function open(from: MemberId, to: MemberId): void {
    const wire: Wire = {
      to,
      isUp: false,
      queued: { control: 0, bulk: 0 },
      arrives: { control: 0, bulk: 0 },
    };
    const own = wires.get(from) ?? new Map<MemberId, Wire>();
    wires.set(from, own.set(to, wire));
    tell(from, DELAY_MS, ({ linkUp }) => {
      if (wireOf(from, to) !== wire) return;
      wire.isUp = true;
      linkUp(to);
    });
  }

  /** What was under way on it is lost. */
  function end(from: MemberId, to: MemberId, evidence: Evidence, afterMs = DELAY_MS): void {
    const wire = wireOf(from, to);
    if (wire === undefined) return;
    const close = (): void => {
      if (wireOf(from, to) === wire) wires.get(from)?.delete(to);
    };
    if (afterMs === DELAY_MS) close();
    tell(from, afterMs, ({ linkDown }) => {
      // Somebody else has ended it meanwhile.
      if (afterMs !== DELAY_MS && wireOf(from, to) !== wire) return;
      close();
      if (wire.isUp) linkDown(to, evidence);
    });
  }

  function send(from: MemberId, to: MemberId, lane: Lane, bytes: Uint8Array): SendOutcome {
    const wire = wireOf(from, to);
    if (wire?.isUp !== true || !hosts.has(from)) return 'no-link';
    const waiting = wire.queued[lane];
    const isTooMuch = waiting > 0 && waiting + bytes.length > MAX_QUEUED_BYTES[lane];
    if (bytes.length > MAX_MESSAGE_BYTES[lane] || isTooMuch) return 'overflow';
    const copy = bytes.slice();
    const at = Math.max(wire.arrives[lane], clock.now() + DELAY_MS + Math.floor(copy.length / MIB) * MIB_MS);
    wire.arrives[lane] = at;
    wire.queued[lane] += copy.length;
    clock.after(at - clock.now(), () => {
      wire.queued[lane] -= copy.length;
      if (wireOf(from, to) === wire && wireOf(to, from) !== undefined && hosts.has(from))
        hosts.get(to)?.message(from, lane, copy);
    });
    return 'sent';
  }

  return {
    connect(self: MemberId, handlers: NetworkHandlers): Network {
      for (const peer of hosts.keys()) {
        open(peer, self);
        open(self, peer);
      }
      hosts.set(self, handlers);
      return {
        send: (peer, lane, message) => send(self, peer, lane, bytesOf(message)),
        queuedBytes(peer) {
          const { control = 0, bulk = 0 } = wireOf(self, peer)?.queued ?? {};
          return control + bulk;
        },
        drop(peer) {
          end(self, peer, 'misbehaved');
          end(peer, self, 'channel-closed');
        },
        peers: () => [...(wires.get(self)?.values() ?? [])].flatMap(({ to, isUp }) => (isUp ? [to] : [])),
      };
    },
    /** The connection between two hosts ends, and is set up anew. */
    reset(a: MemberId, b: MemberId): void {
      end(a, b, 'channel-closed');
      end(b, a, 'channel-closed');
      open(a, b);
      open(b, a);
    },
    /** Takes a host off the network. Without evidence, nobody is told for long. */
    remove(member: MemberId, evidence?: Evidence): void {
      hosts.delete(member);
      wires.delete(member);
      for (const peer of hosts.keys())
        if (evidence === undefined) end(peer, member, 'ice', ICE_MS);
        else end(peer, member, evidence);
    },
  };
}

export type Hub = ReturnType<typeof createHub>;
