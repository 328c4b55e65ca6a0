// The worker's half of the transport: authenticates links that the page opens, and moves whole messages over them.

import type { Clock } from '../ports/clock.ts';
import type { MemberId } from '../ports/ids.ts';
import type { Carrier, Lane, Network, NetworkHandlers } from '../ports/network.ts';
import { parsePageMessage } from './bridge.ts';
import type { PageMessage, WorkerMessage } from './bridge.ts';
import { laneOfDataChannel } from './data-channel.ts';
import { openFallback } from './fallback/fallback.ts';
import type { OpenMedium } from './fallback/medium.ts';
import type { LinkRole } from './handshake.ts';
import { createLink } from './link.ts';
import type { Link, LinkChannel, LinkEvents } from './link.ts';
import { createMac } from './mac.ts';
import { LANE_LIMITS } from './outbox.ts';
import { refusal, type Refusal, type RefusalCode } from './refusal.ts';
import type { SignallingState } from './signalling-state.ts';
import { systemClock } from './system-clock.ts';
import { TransportError } from './transport-error.ts';

type Again = Extract<WorkerMessage, { kind: 'close' }>['again'];

export interface WorkerTransportHandlers extends NetworkHandlers {
  /** A link was refused or dropped for breaking the rules, by us or by the peer. For the lab; the room goes on. */
  refused(refusal: Refusal): void;
  /** How it stands with finding other pages. For the lab; open links do not depend on it. */
  signalling(state: SignallingState): void;
}

/** What is used of a `MessagePort`. */
export interface PagePort {
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
  postMessage(message: unknown): void;
}

export interface WorkerTransportOptions {
  /** The other end of the port is `openPageTransport`'s. */
  readonly port: PagePort;
  readonly self: MemberId;
  readonly room: string;
  /** From the room's link. Random and long: 128 bits. */
  readonly secret: string;
  readonly handlers: WorkerTransportHandlers;
  /** Tighter bounds on received messages than `MAX_MESSAGE_BYTES`. */
  readonly maxMessageBytes?: Readonly<Record<Lane, number>>;
  readonly clock?: Clock;
  /** Where WebRTC does not open, in order of preference. Default: none. */
  readonly fallbacks?: readonly OpenMedium[];
}

export interface WorkerTransport extends Network {
  /** What carries the link to a linked peer. */
  carrier(peer: MemberId): Carrier | undefined;
  /** Says goodbye to all peers and closes every link. Handlers are not called any more. */
  close(): void;
}

/**
 * Opens the network of one rank.
 *
 * Bytes given to `send` must not change afterwards: they are cut into frames as the wire takes them. Every link that was up goes
 * down once, also one that `drop` closes: with evidence `misbehaved` here and `channel-closed` at the peer, and never before
 * `drop` has returned.
 *
 * @throws {TransportError} when the secret is empty or the page is not a secure context
 */
export function openWorkerTransport(options: WorkerTransportOptions): WorkerTransport {
  const { port, self, room, handlers, maxMessageBytes } = options;
  const clock = options.clock ?? systemClock();
  const mac = createMac(options.secret);
  /** All links that the page has named and not closed, by its number. */
  const links = new Map<number, Link>();
  /** The authenticated ones, and what carries them. */
  const peers = new Map<MemberId, { readonly link: Link; readonly carrier: Carrier }>();
  /** Links in whose place another one of the same page has come, over a connection of its own. */
  const replaced = new WeakSet<Link>();
  let closed = false;

  const tell = (message: WorkerMessage): void => port.postMessage(message);

  const turnedAway = (count: number): void =>
    handlers.refused(refusal('flood', 'self', undefined, `${count} were not heard`));

  const keptApart = (pages: number): void =>
    handlers.refused(refusal('wrong-secret', 'self', undefined, `pages kept apart by the relay: ${pages}`));

  /** Everything about a link that does not depend on its carrier. `closed` is told how soon another try makes sense. */
  function makeLink(spec: {
    readonly carrier: Carrier;
    readonly role: LinkRole;
    readonly control: LinkChannel;
    readonly bulk: LinkChannel;
    linked(): void;
    closed(again: Again): void;
  }): Link {
    const { carrier, role, control, bulk } = spec;
    let member: MemberId | undefined;
    let again: Again = 'soon';
    const events: LinkEvents = {
      linked(peer) {
        if (closed) return 'dropped';
        const refused = admit(peer, link, carrier);
        if (refused !== undefined) return refused;
        member = peer;
        spec.linked();
        handlers.linkUp(peer);
        return undefined;
      },
      message(peer, lane, bytes) {
        if (!closed) handlers.message(peer, lane, bytes);
      },
      refused(refusal) {
        if (refusal.code === 'linked-otherwise') {
          again = 'seldom';
          return;
        }
        if (refusal.code !== 'timeout') again = 'later';
        if (!closed) handlers.refused(refusal);
      },
      ended(evidence) {
        if (member === undefined) return;
        if (evidence === undefined) again = 'later';
        if (peers.get(member)?.link !== link) return;
        peers.delete(member);
        if (evidence !== undefined && !closed) handlers.linkDown(member, evidence);
      },
      // Taken up anew, the older connection would take the place of the newer one in turn, and so on for ever.
      closed: () => spec.closed(replaced.has(link) ? 'never' : again),
    };
    const link = createLink({ role, room, self, mac, clock, control, bulk, events, maxMessageBytes });
    return link;
  }

  function openLink({ link: id, role, control, bulk }: Extract<PageMessage, { kind: 'link' }>): void {
    const link = makeLink({
      carrier: 'webrtc',
      role,
      control: laneOfDataChannel(control, LANE_LIMITS.control.lowWaterBytes),
      bulk: laneOfDataChannel(bulk, LANE_LIMITS.bulk.lowWaterBytes),
      linked: () => tell({ kind: 'linked', link: id }),
      closed(again) {
        links.delete(id);
        if (!closed) tell({ kind: 'close', link: id, again });
      },
    });
    links.set(id, link);
  }

  /** Takes a link that has proved the secret, unless the member is somebody else or is linked well enough. */
  function admit(peer: MemberId, link: Link, carrier: Carrier): RefusalCode | undefined {
    const older = peers.get(peer);
    if (older !== undefined) {
      if (older.carrier !== carrier) {
        // A link that works is kept: to change over would look like a peer that went away and came back. One that the peer has
        // given up on does not work.
        if (carrier === 'webrtc') return 'linked-otherwise';
      } else if (older.link.binding()?.remote !== link.binding()?.remote) {
        // A page keeps its certificate: the same fingerprint is the same page, which has lost the older link before we did.
        return 'duplicate-member';
      } else replaced.add(older.link);
      older.link.lost('channel-closed');
    }
    peers.set(peer, { link, carrier });
    return undefined;
  }

  function receive(message: PageMessage): void {
    switch (message.kind) {
      case 'link':
        if (links.has(message.link)) {
          throw new TransportError(
            'bad-bridge',
            `Expected a new link from the page, found link ${message.link} again.`,
          );
        }
        openLink(message);
        break;
      case 'bound':
        links.get(message.link)?.bind({ local: message.local, remote: message.remote });
        break;
      case 'down':
        links.get(message.link)?.lost(message.evidence);
        break;
      case 'turned-away':
        turnedAway(message.count);
        break;
      case 'signalling':
        handlers.signalling(message.signalling);
        break;
    }
  }

  port.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (closed) return;
    const parsed = parsePageMessage(data);
    // The page is ours: a message that it should not have sent is a bug, and says so where bugs are seen.
    if (!parsed.ok) {
      throw new TransportError('bad-bridge', `Expected a message of the page's transport: ${parsed.detail}`);
    }
    receive(parsed.message);
  };
  tell({ kind: 'ready' });

  const fallback = openFallback({
    self,
    media: options.fallbacks ?? [],
    clock,
    linked: (member) => peers.has(member),
    turnedAway,
    keptApart,
    // Sooner than its word over the connection, which this page has to hear: a busy page hears it late, and may see its worker miss it.
    left: (member) => peers.get(member)?.link.lost('goodbye'),
    carry: ({ closed: ended, ...spec }) => makeLink({ ...spec, linked: () => undefined, closed: ended }),
  });

  return {
    send: (peer, lane, message) => peers.get(peer)?.link.send(lane, message) ?? 'no-link',
    queuedBytes: (peer) => peers.get(peer)?.link.queuedBytes() ?? 0,
    carrier: (peer) => peers.get(peer)?.carrier,
    drop(peer, reason) {
      const link = peers.get(peer)?.link;
      if (link === undefined) return;
      peers.delete(peer);
      link.drop('dropped', reason);
      queueMicrotask(() => {
        if (!closed) handlers.linkDown(peer, 'misbehaved');
      });
    },
    peers: () => [...peers.keys()],
    close() {
      if (closed) return;
      closed = true;
      fallback.close();
      // The page says goodbye, on its own channel, and closes the connections under the links. Closed from here, a channel
      // could be seen to close before the goodbye.
      tell({ kind: 'close-all' });
      links.clear();
      peers.clear();
      port.onmessage = null;
    },
  };
}
