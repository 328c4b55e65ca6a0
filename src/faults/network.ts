// Faults on a rank's links: cut, slowed, held, repeated, corrupted, reset, full. With none active, every call passes straight through.

import type { Clock } from '../ports/clock.ts';
import type { MemberId } from '../ports/ids.ts';
import { bytesOf } from '../ports/network.ts';
import type { Lane, Network, NetworkHandlers, SendOutcome } from '../ports/network.ts';
import { createDelayLine } from './delay-line.ts';
import type { DelayLine, Held } from './delay-line.ts';
import { FaultError } from './fault-error.ts';
import type { FaultPort } from './port.ts';
import type { SiteRandom } from './site-random.ts';
import type { FaultOf } from './vocabulary.ts';

const LINK_FAULT_KINDS = [
  'cut',
  'delay',
  'jitter',
  'limit-bandwidth',
  'hold-link',
  'repeat-late',
  'corrupt',
  'fill-queue',
  'reset-link',
  'silent-link',
  'partition',
  'stall-collective',
  'reconnect-storm',
  'mute',
] as const;
type LinkFaultKind = (typeof LINK_FAULT_KINDS)[number];
type LinkFault = FaultOf<LinkFaultKind>;
type Direction = 'in' | 'out';

interface Active {
  readonly fault: LinkFault;
  /** Undefined: every peer, those to come included. */
  readonly peers: ReadonlySet<MemberId> | undefined;
}

export interface FaultyNetwork {
  /** Opens the network through the faults. */
  connect(handlers: NetworkHandlers): Network;
  readonly faults: FaultPort<LinkFaultKind>;
}

/** What a browser's send queue holds when it is full, and what a delayed link may hold back: 16 MiB. */
const FULL_QUEUE_BYTES = 16 * 1024 * 1024;

/**
 * A cut lets messages vanish and leaves the link up, as a network does that says nothing. Delay, jitter and bandwidth act on
 * both directions and keep the order of each lane; once healed, what was held back arrives at once. A link that goes down first hands over
 * what had already arrived.
 */
export function faultyNetwork(
  connect: (handlers: NetworkHandlers) => Network,
  clock: Clock,
  random: SiteRandom,
): FaultyNetwork {
  const active = new Map<string, Active>();
  const lines = new Map<
    string,
    { readonly peer: MemberId; readonly direction: Direction; readonly lane: Lane; readonly line: DelayLine }
  >();

  /** The faults of a kind that act on a peer's link. */
  const acting = <Kind extends LinkFaultKind>(kind: Kind, peer: MemberId): FaultOf<Kind>[] =>
    [...active.values()]
      .filter((one) => one.fault.kind === kind && (one.peers?.has(peer) ?? true))
      .map((one) => one.fault as FaultOf<Kind>);
  const isCut = (peer: MemberId, direction: Direction): boolean =>
    acting('cut', peer).some((fault) => fault.direction !== (direction === 'in' ? 'out' : 'in')) ||
    (direction === 'out' && acting('mute', peer).length > 0) ||
    acting('silent-link', peer).length > 0 ||
    acting('partition', peer).length > 0;
  /** Whether what leaves on this lane waits until a fault ends. */
  const isHeld = (peer: MemberId, lane: Lane): boolean =>
    acting('hold-link', peer).length > 0 || (lane === 'bulk' && acting('stall-collective', peer).length > 0);
  const isSlow = (peer: MemberId, direction: Direction, lane: Lane): boolean =>
    acting('delay', peer).some(({ ms }) => ms > 0) ||
    acting('jitter', peer).length > 0 ||
    acting('limit-bandwidth', peer).length > 0 ||
    (direction === 'out' && isHeld(peer, lane));

  /** When a message may go on: each lane moves one after the other, at the least bandwidth in force. */
  function dueAt(
    peer: MemberId,
    direction: Direction,
    lane: Lane,
    { bytes, since, luck }: Held,
    previous: number,
  ): number {
    if (direction === 'out' && isHeld(peer, lane)) return Infinity;
    const delay = Math.max(0, ...acting('delay', peer).map(({ ms }) => ms));
    const jitter = luck * Math.max(0, ...acting('jitter', peer).map(({ ms }) => ms));
    const perMs = Math.min(...acting('limit-bandwidth', peer).map((limit) => limit.bytesPerSecond / 1000));
    const wire = bytes.length / perMs;
    return Math.max(since + delay + jitter + wire, wire > 0 ? previous + wire : 0);
  }

  /** The message, or a copy of it with flipped bits: one for each corrupting fault that strikes. */
  function corrupted(
    peer: MemberId,
    direction: Direction,
    bytes: Uint8Array<ArrayBuffer>,
  ): Uint8Array<ArrayBuffer> {
    let result = bytes;
    for (const { chance } of acting('corrupt', peer)) {
      if (bytes.length === 0 || random.fraction(`corrupt ${direction}`) >= chance) continue;
      const bit = random.integer(`corrupt ${direction} bit`, bytes.length * 8);
      if (result === bytes) result = bytes.slice();
      result[bit >>> 3] = (result[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    }
    return result;
  }

  /** The line that holds back, where there is one or a delay asks for one. */
  function lineFor(
    direction: Direction,
    peer: MemberId,
    lane: Lane,
    deliver: (bytes: Uint8Array<ArrayBuffer>) => boolean,
  ): DelayLine | undefined {
    const key = `${direction} ${lane} ${peer}`;
    const known = lines.get(key)?.line;
    if (known !== undefined || !isSlow(peer, direction, lane)) return known;
    const line = createDelayLine(
      clock,
      (held, previous) => dueAt(peer, direction, lane, held, previous),
      // A cut also catches what is under way.
      (bytes) => isCut(peer, direction) || deliver(bytes),
    );
    lines.set(key, { peer, direction, lane, line });
    return line;
  }

  /** Bytes held back on the way to a peer. */
  const heldFor = (peer: MemberId): number =>
    [...lines.values()].reduce(
      (sum, one) => sum + (one.peer === peer && one.direction === 'out' ? one.line.bytes : 0),
      0,
    );

  function forget(peer: MemberId): void {
    for (const [key, one] of lines) {
      if (one.peer !== peer) continue;
      one.line.clear();
      lines.delete(key);
    }
  }

  /** The faults have changed: held back messages may be due, and empty lines are not needed any more. */
  function settle(): void {
    for (const [key, { peer, direction, lane, line }] of [...lines]) {
      line.settle();
      if (line.idle && !isSlow(peer, direction, lane)) lines.delete(key);
    }
  }

  /** For the line of a message that just came: drawn only where chance has a say. */
  const luckOf = (peer: MemberId, direction: Direction): number =>
    acting('jitter', peer).length > 0 ? random.fraction(`jitter ${direction}`) : 0;

  /** The network under the faults, once it is open. */
  let opened: Network | undefined;

  function drop(peer: MemberId, reason: string): void {
    forget(peer);
    opened?.drop(peer, reason);
  }

  /** Sends some of what was sent a second time, over whatever link there is then. */
  function repeatLate(peer: MemberId, lane: Lane, bytes: Uint8Array<ArrayBuffer>): void {
    for (const { chance, ms } of acting('repeat-late', peer)) {
      if (random.fraction('repeat') >= chance) continue;
      clock.after(random.fraction('repeat after') * ms, () => void opened?.send(peer, lane, bytes));
    }
  }

  return {
    connect(handlers) {
      const receive =
        (peer: MemberId, lane: Lane) =>
        (bytes: Uint8Array<ArrayBuffer>): boolean => {
          handlers.message(peer, lane, bytes);
          return true;
        };

      const network = connect({
        linkUp(peer) {
          forget(peer);
          handlers.linkUp(peer);
        },
        linkDown(peer, evidence) {
          for (const one of [...lines.values()])
            if (one.peer === peer && one.direction === 'in') one.line.flush();
          forget(peer);
          handlers.linkDown(peer, evidence);
        },
        message(peer, lane, bytes) {
          if (active.size === 0 && lines.size === 0) {
            handlers.message(peer, lane, bytes);
            return;
          }
          if (isCut(peer, 'in')) return;
          const arrived = corrupted(peer, 'in', bytes);
          const line = lineFor('in', peer, lane, receive(peer, lane));
          if (line === undefined) {
            handlers.message(peer, lane, arrived);
            return;
          }
          // The sender cannot be slowed down from here: past the limit, the delay gives way.
          if (line.bytes > FULL_QUEUE_BYTES) line.flush();
          line.push(arrived, luckOf(peer, 'in'));
        },
      });

      opened = network;

      return {
        send(peer, lane, message): SendOutcome {
          if (active.size === 0 && lines.size === 0) return network.send(peer, lane, message);
          if (!network.peers().includes(peer)) return network.send(peer, lane, message);
          const full = acting('fill-queue', peer);
          if (full.some(({ closes }) => closes === true)) drop(peer, 'its send queue overflowed');
          if (full.length > 0) return 'overflow';
          if (isCut(peer, 'out')) return 'sent';
          const leaving = corrupted(peer, 'out', bytesOf(message));
          repeatLate(peer, lane, leaving);
          const line = lineFor('out', peer, lane, (held) => network.send(peer, lane, held) !== 'overflow');
          if (line === undefined) return network.send(peer, lane, leaving);
          const held = heldFor(peer);
          if (held > 0 && held + leaving.length > FULL_QUEUE_BYTES) return 'overflow';
          line.push(leaving, luckOf(peer, 'out'));
          return 'sent';
        },
        queuedBytes(peer) {
          const queued = network.queuedBytes(peer) + heldFor(peer);
          return acting('fill-queue', peer).length > 0 ? Math.max(queued, FULL_QUEUE_BYTES) : queued;
        },
        drop,
        peers: () => network.peers(),
      };
    },

    faults: {
      kinds: LINK_FAULT_KINDS,
      inject({ id, resolvePeer, ended }, fault) {
        const peers = peersOf(fault, resolvePeer);
        const resetAll = (): void => {
          for (const one of peers ?? opened?.peers() ?? []) drop(one, 'reset by a fault');
        };
        if (fault.kind === 'reset-link') {
          resetAll();
          // Over at once, but not before it is known to have begun.
          clock.after(0, ended);
          return;
        }
        active.set(id, { fault, peers });
        if (fault.kind === 'reconnect-storm') {
          const again = (): void => {
            if (!active.has(id)) return;
            resetAll();
            clock.after(fault.everyMs, again);
          };
          again();
        }
        settle();
      },
      heal(id) {
        if (active.delete(id)) settle();
      },
    },
  };
}

/** Ranks in the bit mask of a partition. */
const MASK_RANKS = 32;

/** On whose links a fault acts; undefined: on everybody's, those to come included. Throws where it names a rank that there is not. */
function peersOf(
  fault: LinkFault,
  resolvePeer: (rank: number) => MemberId | undefined,
): ReadonlySet<MemberId> | undefined {
  if (fault.kind === 'partition') {
    const { side } = fault;
    if (side === undefined) return undefined;
    const others = Array.from({ length: MASK_RANKS }, (_, rank) => rank).filter(
      (rank) => ((side >>> rank) & 1) === 0,
    );
    return new Set(others.flatMap((rank) => resolvePeer(rank) ?? []));
  }
  if (fault.kind === 'mute' || fault.to === undefined) return undefined;
  const peer = resolvePeer(fault.to);
  if (peer !== undefined) return new Set([peer]);
  throw new FaultError(
    'no-such-rank',
    `Fault "${fault.kind}" names rank ${fault.to}, and there is no such rank now.`,
  );
}
