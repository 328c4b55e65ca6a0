// Faults on a rank's links: cut, delay, corrupt, fill the send queue. With none active, every call passes straight through.

import type { Clock } from '../ports/clock.ts';
import type { MemberId } from '../ports/ids.ts';
import type { Lane, Network, NetworkHandlers, SendOutcome } from '../ports/network.ts';
import { createDelayLine } from './delay-line.ts';
import type { DelayLine } from './delay-line.ts';
import { FaultError } from './fault-error.ts';
import type { FaultPort } from './port.ts';
import type { SiteRandom } from './site-random.ts';
import type { FaultOf } from './vocabulary.ts';

type LinkFaultKind = 'cut' | 'delay' | 'corrupt' | 'fill-queue';
type LinkFault = FaultOf<LinkFaultKind>;
type Direction = 'in' | 'out';

interface Active {
  readonly fault: LinkFault;
  /** Undefined: every peer, those to come included. */
  readonly peer: MemberId | undefined;
}

export interface FaultyNetwork {
  /** Opens the network through the faults. */
  connect(handlers: NetworkHandlers): Network;
  readonly faults: FaultPort<LinkFaultKind>;
}

/** What a browser's send queue holds when it is full, and what a delayed link may hold back: 16 MiB. */
const FULL_QUEUE_BYTES = 16 * 1024 * 1024;

/**
 * A cut lets messages vanish and leaves the link up, as a network does that says nothing. A delay acts on both directions
 * and keeps the order of each lane; once healed, what was held back arrives at once. A link that goes down first hands over
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
    { readonly peer: MemberId; readonly direction: Direction; readonly line: DelayLine }
  >();

  /** The faults of a kind that act on a peer's link. */
  const acting = <Kind extends LinkFaultKind>(kind: Kind, peer: MemberId): FaultOf<Kind>[] =>
    [...active.values()]
      .filter((one) => one.fault.kind === kind && (one.peer === undefined || one.peer === peer))
      .map((one) => one.fault as FaultOf<Kind>);
  const isCut = (peer: MemberId, direction: Direction): boolean =>
    acting('cut', peer).some((fault) => fault.direction !== (direction === 'in' ? 'out' : 'in'));
  const delayOf = (peer: MemberId): number => Math.max(0, ...acting('delay', peer).map((fault) => fault.ms));

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
    if (known !== undefined || delayOf(peer) === 0) return known;
    const line = createDelayLine(
      clock,
      () => delayOf(peer),
      // A cut also catches what is under way.
      (bytes) => isCut(peer, direction) || deliver(bytes),
    );
    lines.set(key, { peer, direction, line });
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
    for (const [key, { peer, line }] of [...lines]) {
      line.settle();
      if (line.idle && delayOf(peer) === 0) lines.delete(key);
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
          line.push(arrived);
        },
      });

      return {
        send(peer, lane, bytes): SendOutcome {
          if (active.size === 0 && lines.size === 0) return network.send(peer, lane, bytes);
          if (!network.peers().includes(peer)) return network.send(peer, lane, bytes);
          if (acting('fill-queue', peer).length > 0) return 'overflow';
          if (isCut(peer, 'out')) return 'sent';
          const leaving = corrupted(peer, 'out', bytes);
          const line = lineFor('out', peer, lane, (held) => network.send(peer, lane, held) !== 'overflow');
          if (line === undefined) return network.send(peer, lane, leaving);
          const held = heldFor(peer);
          if (held > 0 && held + leaving.length > FULL_QUEUE_BYTES) return 'overflow';
          line.push(leaving);
          return 'sent';
        },
        queuedBytes(peer) {
          const queued = network.queuedBytes(peer) + heldFor(peer);
          return acting('fill-queue', peer).length > 0 ? Math.max(queued, FULL_QUEUE_BYTES) : queued;
        },
        drop(peer, reason) {
          forget(peer);
          network.drop(peer, reason);
        },
        peers: () => network.peers(),
      };
    },

    faults: {
      kinds: ['cut', 'delay', 'corrupt', 'fill-queue'],
      inject({ id, resolvePeer }, fault) {
        const peer = fault.to === undefined ? undefined : resolvePeer(fault.to);
        if (fault.to !== undefined && peer === undefined) {
          throw new FaultError(
            'no-such-rank',
            `Fault "${fault.kind}" names rank ${fault.to}, and there is no such rank now.`,
          );
        }
        active.set(id, { fault, peer });
        settle();
      },
      heal(id) {
        if (active.delete(id)) settle();
      },
    },
  };
}
