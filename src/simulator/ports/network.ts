// The simulated network behind the interface that the browser's implements: stations that send bytes.

import type { MemberId } from '../../ports/ids.ts';
import { bytesOf } from '../../ports/network.ts';
import type { Lane, Network, NetworkHandlers } from '../../ports/network.ts';
import type { Endpoint, LinkEvent, LinkFault } from '../link.ts';
import { createNetwork } from '../network.ts';
import type { Stage } from './stage.ts';

interface Letter {
  readonly lane: Lane;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

interface Host extends Endpoint<Host, MemberId, Letter> {
  readonly handlers: NetworkHandlers;
  /** What has reached it while it stands still; undefined: it does not. */
  waiting: (() => void)[] | undefined;
}

export interface SimulatedHub {
  /** Opens a station, and links to all others. */
  connect(self: MemberId, handlers: NetworkHandlers): Network;
  depart(member: MemberId, how: 'close' | 'kill'): void;
  /** The connection between two stations ends, and is set up anew. */
  reset(a: MemberId, b: MemberId): void;
  /** The station takes no turn for so many milliseconds. */
  freeze(member: MemberId, ms: number): void;
  /** What is wrong between two stations, both ways; undefined: nothing any more. */
  setFault(a: MemberId, b: MemberId, fault: LinkFault | undefined): void;
}

export function createSimulatedHub(stage: Stage): SimulatedHub {
  const hosts = new Map<MemberId, Host>();

  const deliver = (host: Host, event: LinkEvent<MemberId, Letter>): void => {
    const { alive, handlers, waiting } = host;
    if (!alive) return;
    if (waiting !== undefined) {
      waiting.push(() => deliver(host, event));
      return;
    }
    switch (event.kind) {
      case 'linkUp':
        handlers.linkUp(event.peer);
        return;
      case 'linkDown':
        handlers.linkDown(event.peer, event.evidence);
        return;
      case 'message':
        handlers.message(event.from, event.message.lane, event.message.bytes);
        return;
      case 'garbled':
      case 'unsent':
        // Behind this interface the sender has its answer, and flipped bits are for the receiver's checksum to find.
        return;
    }
  };

  const network = createNetwork<Host, MemberId, Letter>({
    now: stage.now,
    entropy: stage.entropy,
    at: (time, due) => stage.at(time, due),
    delay: (site, [low, high]) => stage.entropy.between('net', site, low, high),
    sizeOf: ({ lane, bytes }) => ({ lane, bytes: bytes.length }),
    deliver,
  });

  return {
    connect(self, handlers) {
      const host: Host = {
        member: self,
        ordinal: hosts.size,
        alive: true,
        hidden: false,
        links: new Map(),
        handlers,
        waiting: undefined,
      };
      for (const other of hosts.values()) if (other.alive) network.connect(host, other);
      hosts.set(self, host);
      return {
        send(peer, lane, message) {
          return network.send(host, peer, { lane, bytes: bytesOf(message).slice() });
        },
        queuedBytes(peer) {
          const to = hosts.get(peer);
          return to === undefined ? 0 : network.queuedBytes(host, to);
        },
        drop(peer) {
          const to = hosts.get(peer);
          if (to !== undefined) network.drop(host, to);
        },
        peers: () => [...host.links.values()].filter(({ up }) => up).map(({ to }) => to.member),
      };
    },
    depart(member, how) {
      const host = hosts.get(member);
      if (host === undefined) return;
      host.alive = false;
      network.depart(host, how);
    },
    reset(a, b) {
      const [from, to] = [hosts.get(a), hosts.get(b)];
      if (from !== undefined && to !== undefined) network.reset(from, to);
    },
    freeze(member, ms) {
      const host = hosts.get(member);
      if (host === undefined) return;
      const waiting: (() => void)[] = [];
      host.waiting = waiting;
      stage.at(stage.now() + ms, () => {
        host.waiting = undefined;
        for (const action of waiting) action();
      });
    },
    setFault(a, b, fault) {
      const [from, to] = [hosts.get(a), hosts.get(b)];
      if (from === undefined || to === undefined) return;
      network.setFault(from, to, fault);
      network.setFault(to, from, fault);
    },
  };
}
