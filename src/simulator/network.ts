// The simulated network: a link for each pair of hosts, in order and reliable until a fault strikes it, as a data channel is.

import { MAX_MESSAGE_BYTES, MAX_QUEUED_BYTES, type Evidence, type SendOutcome } from '../ports/network.ts';
import type { Due, Happening } from './due.ts';
import type { Endpoint, Link, LinkEvent, LinkFault, Size } from './link.ts';
import { nextTurn } from './hidden.ts';
import type { Entropy } from './random.ts';
import { USUAL_BANDWIDTH, createWires } from './wire.ts';

/** Durations in virtual milliseconds, each drawn between its bounds. */
const LATENCY = [1, 6] as const;
const GOODBYE = [2, 15] as const;
/** A closed or killed tab's connection fails at the peers (measured: about 16 s). */
const ICE = [6_000, 16_600] as const;
const SETUP = [5, 60] as const;
const RECONNECT = [300, 3_000] as const;
/** A link that was dropped on purpose is not taken up again soon. */
const RECONCILE = [10_000, 30_000] as const;

/** What a network needs of its world. */
export interface Fabric<H, Id, M> {
  readonly now: () => number;
  readonly entropy: Entropy;
  /** There are links only where they were asked for; absent: everybody has one with everybody. */
  readonly sparse?: boolean;
  at(time: number, due: Due): void;
  delay(site: string, bounds: readonly [number, number], host: H): number;
  /** Absent: messages take no room. */
  sizeOf?: ((message: M) => Size) | undefined;
  deliver(host: H, event: LinkEvent<Id, M>): void;
  /** Called for each message that leaves. */
  left?: ((from: H, to: H, message: M) => void) | undefined;
  /** Called for each message that arrives whole. */
  arrived?: ((from: H, to: H, message: M, sentAt: number) => void) | undefined;
}

export interface Network<H, Id, M> {
  /** By the name of the receiver. What is not sent is told to its sender as well, as an event. */
  send(from: H, to: Id, message: M): SendOutcome;
  /** Bytes on their way to a peer that are not on the wire yet. */
  queuedBytes(from: H, to: H): number;
  /** When the last of what a host has sent arrives; 0 where it has sent nothing. */
  lastArrival(from: H): number;
  /** Sets up both directions, unless one is cut or an end is gone. */
  connect(a: H, b: H): void;
  /** Both ends notice; what is in flight is lost. */
  disconnect(a: H, b: H, evidence: Evidence): void;
  /** One end has had enough of the other, which sees its channel close. */
  drop(from: H, to: H): void;
  /** The connection ends and is set up anew a little later. */
  reset(a: H, b: H): void;
  /** One direction; undefined heals, and brings a connection that failed back. */
  setFault(from: H, to: H, fault: LinkFault | undefined): void;
  /** A page has gone; its peers notice. */
  depart(host: H, how: 'close' | 'kill'): void;
}

/** A message on its way, and the event that it is when it comes. */
export class Arrival<H extends Endpoint<H, Id, M>, Id, M> implements Happening {
  readonly kind = 'message';
  constructor(
    readonly from: Id,
    readonly message: M,
    readonly link: Link<H, M>,
    private readonly connection: number,
    private readonly sentAt: number,
    private readonly fabric: Fabric<H, Id, M>,
  ) {}

  happen(): void {
    const { link, fabric } = this;
    // A connection that has ended has taken with it what was on its way.
    if (!link.up || link.connection !== this.connection) return;
    fabric.arrived?.(link.from, link.to, this.message, this.sentAt);
    fabric.deliver(link.to, this);
  }
}

/** The links over which a host sent last, and where in them the next message is likely to find its own. */
interface Round<H, M> {
  readonly links: Link<H, M>[];
  next: number;
}

const LONGEST_ROUND = 16;

const NO_ROOM: Size = { lane: 'control', bytes: 0 };

export function createNetwork<H extends Endpoint<H, Id, M>, Id, M>(
  fabric: Fabric<H, Id, M>,
): Network<H, Id, M> {
  const { now, entropy } = fabric;
  const wires = createWires();

  function linkBetween(from: H, to: H): Link<H, M> {
    let link = from.links.get(to.member);
    if (link === undefined) {
      link = {
        peer: to.member,
        up: false,
        connection: 0,
        fault: undefined,
        wire: wires.create(),
        from,
        to,
        held: undefined,
        heldBytes: 0,
      };
      from.links.set(to.member, link);
    }
    return link;
  }

  /**
   * A host says the same to the same peers, in the same order, turn after turn: where it found the link for the last message, the one for
   * this message comes next. In a large room that is at hand, and the table of all links is far.
   */
  const rounds: Round<H, M>[] = [];

  function linkTo(from: H, to: Id): Link<H, M> | undefined {
    const round = (rounds[from.ordinal] ??= { links: [], next: 0 });
    const { links } = round;
    let place = round.next < links.length && links[round.next]?.peer === to ? round.next : 0;
    if (links[place]?.peer !== to) {
      const link = from.links.get(to);
      if (link === undefined) return undefined;
      place = round.next % LONGEST_ROUND;
      links[place] = link;
    }
    round.next = place + 1;
    return links[place];
  }

  /** What the page, not the worker, has to pass on. */
  function pageEvent(host: H, event: LinkEvent<Id, M>): void {
    if (!host.hidden) fabric.deliver(host, event);
    else {
      fabric.at(nextTurn(now()), () => {
        // By then it may be out of date.
        const peer = event.kind === 'linkUp' || event.kind === 'linkDown' ? event.peer : undefined;
        const link = peer === undefined ? undefined : host.links.get(peer);
        if (link !== undefined && link.up !== (event.kind === 'linkUp')) return;
        fabric.deliver(host, event);
      });
    }
  }

  /** False: it does not fit into the send queue. */
  function transmit(link: Link<H, M>, message: M, { lane, bytes }: Size, sentAt: number): boolean {
    const { to, fault, connection, wire } = link;
    const queued = wires.offer(wire, lane, bytes, MAX_QUEUED_BYTES[lane], now());
    if (queued === undefined) return false;
    const slow = fault?.kind === 'delay' ? fault.ms : 0;
    const jitter = fault?.kind === 'jitter' ? fabric.delay('jitter', [0, fault.ms], to) : 0;
    const due = now() + queued + fabric.delay('latency', LATENCY, to) + slow + jitter;
    const at = wires.inOrder(wire, lane, due);
    const garbled = fault?.kind === 'corrupt' && entropy.chance('net', 'corrupt', fault.chance);
    if (garbled) garbleAt(at, link, connection);
    else fabric.at(at, new Arrival(link.from.member, message, link, connection, sentAt, fabric));
    if (fault?.kind === 'late' && entropy.chance('net', 'duplicate', fault.chance))
      repeatAt(at + entropy.between('net', 'duplicate delay', 0, fault.ms), link, message, sentAt);
    return true;
  }

  // What waits for its time keeps what it needs and no more.

  function garbleAt(at: number, link: Link<H, M>, connection: number): void {
    fabric.at(at, () => {
      if (link.up && link.connection === connection)
        fabric.deliver(link.to, { kind: 'garbled', from: link.from.member, detail: 'a flipped bit' });
    });
  }

  function repeatAt(at: number, link: Link<H, M>, message: M, sentAt: number): void {
    fabric.at(at, () => {
      if (link.up) arrive(link, message, sentAt);
    });
  }

  function arrive(link: Link<H, M>, message: M, sentAt: number): void {
    fabric.arrived?.(link.from, link.to, message, sentAt);
    fabric.deliver(link.to, { kind: 'message', from: link.from.member, message });
  }

  /** What is on its way, and what waits to be, is lost. */
  function sever(link: Link<H, M>): void {
    link.up = false;
    link.connection += 1;
    link.held = undefined;
    link.heldBytes = 0;
    wires.clear(link.wire);
  }

  function disconnect(a: H, b: H, evidence: Evidence): void {
    const [there, back] = [linkBetween(a, b), linkBetween(b, a)];
    if (!there.up && !back.up) return;
    for (const link of [there, back]) sever(link);
    pageEvent(a, { kind: 'linkDown', peer: b.member, evidence });
    pageEvent(b, { kind: 'linkDown', peer: a.member, evidence });
  }

  const isCut = (a: H, b: H): boolean =>
    a.links.get(b.member)?.fault?.kind === 'cut' || b.links.get(a.member)?.fault?.kind === 'cut';

  function connectIn(ms: number, a: H, b: H): void {
    fabric.at(now() + ms, () => {
      const [there, back] = [linkBetween(a, b), linkBetween(b, a)];
      if (!a.alive || !b.alive || there.up || isCut(a, b)) return;
      there.up = true;
      back.up = true;
      pageEvent(a, { kind: 'linkUp', peer: b.member });
      pageEvent(b, { kind: 'linkUp', peer: a.member });
    });
  }

  function reset(a: H, b: H): void {
    if (!linkBetween(a, b).up) return;
    disconnect(a, b, 'channel-closed');
    connectIn(fabric.delay('reconnect', RECONNECT, a), a, b);
  }

  // What happens to few messages stands apart: a function that may have to wait for something costs a little each time it is called.

  function resetSoon({ from, to }: Link<H, M>): void {
    fabric.at(now(), () => reset(from, to));
  }

  function refuse(from: H, to: Id): void {
    fabric.at(now(), () => fabric.deliver(from, { kind: 'unsent', to }));
  }

  /** Takes a message on its way, or says why not. */
  function accept(link: Link<H, M> | undefined, message: M): SendOutcome {
    if (link?.up !== true) return 'no-link';
    const size = fabric.sizeOf?.(message) ?? NO_ROOM;
    if (size.bytes > MAX_MESSAGE_BYTES[size.lane]) return 'overflow';
    switch (link.fault?.kind) {
      case 'cut':
        return 'sent';
      case 'hold':
        if (link.heldBytes + size.bytes > MAX_QUEUED_BYTES[size.lane]) return 'overflow';
        link.heldBytes += size.bytes;
        (link.held ??= []).push({ message, size, sentAt: now() });
        return 'sent';
      case 'full':
        if (link.fault.closes) resetSoon(link);
        return 'overflow';
      case 'corrupt':
      case 'delay':
      case 'jitter':
      case 'bandwidth':
      case 'late':
      case undefined:
        return transmit(link, message, size, now()) ? 'sent' : 'overflow';
    }
  }

  /** Cut for so long that the connection fails. */
  function failInTime(link: Link<H, M>, fault: LinkFault): void {
    fabric.at(now() + fabric.delay('ice', ICE, link.to), () => {
      if (link.fault === fault && link.from.alive && link.to.alive) disconnect(link.from, link.to, 'ice');
    });
  }

  return {
    send(from, to, message) {
      const link = linkTo(from, to);
      const outcome = accept(link, message);
      if (outcome !== 'sent') refuse(from, to);
      else if (link !== undefined) fabric.left?.(from, link.to, message);
      return outcome;
    },
    queuedBytes(from, to) {
      const wire = from.links.get(to.member)?.wire;
      return wire === undefined
        ? 0
        : wires.queuedOn(wire, 'control', now()) + wires.queuedOn(wire, 'bulk', now());
    },
    lastArrival: (from) =>
      Math.max(0, ...[...from.links.values()].map(({ wire }) => wires.lastArrival(wire))),
    connect(a, b) {
      connectIn(fabric.delay('setup', SETUP, a), a, b);
    },
    disconnect,
    drop(from, to) {
      const [there, back] = [linkBetween(from, to), linkBetween(to, from)];
      if (!there.up) return;
      for (const link of [there, back]) sever(link);
      fabric.at(now(), () => pageEvent(from, { kind: 'linkDown', peer: to.member, evidence: 'misbehaved' }));
      fabric.at(now() + fabric.delay('latency', LATENCY, to), () =>
        pageEvent(to, { kind: 'linkDown', peer: from.member, evidence: 'channel-closed' }),
      );
      connectIn(fabric.delay('reconcile', RECONCILE, from), from, to);
    },
    reset,
    setFault(from, to, fault) {
      const link = linkBetween(from, to);
      const before = link.fault;
      link.fault = fault;
      if (fault?.kind === 'cut' && fault.silent !== true) failInTime(link, fault);
      wires.setBandwidth(link.wire, fault?.kind === 'bandwidth' ? fault.bytesPerMs : USUAL_BANDWIDTH, now());
      if (before?.kind === 'hold' && fault?.kind !== 'hold') {
        const held = link.held ?? [];
        link.held = undefined;
        link.heldBytes = 0;
        for (const { message, size, sentAt } of held) transmit(link, message, size, sentAt);
      }
      const wanted = fabric.sparse !== true || link.connection > 0;
      if (before?.kind === 'cut' && wanted && !link.up && !isCut(from, to))
        connectIn(fabric.delay('reconnect', RECONNECT, from), from, to);
    },
    depart(host, how) {
      for (const { to: other, up, connection } of [...host.links.values()]) {
        if (!up || !other.alive) continue;
        const goodbye = how === 'close' && !isCut(host, other);
        const ms = fabric.delay(goodbye ? 'goodbye' : 'ice', goodbye ? GOODBYE : ICE, other);
        fabric.at(now() + ms, () => {
          const [there, back] = [linkBetween(host, other), linkBetween(other, host)];
          if (!back.up || there.connection !== connection) return;
          there.up = false;
          back.up = false;
          pageEvent(other, { kind: 'linkDown', peer: host.member, evidence: goodbye ? 'goodbye' : 'ice' });
        });
      }
    },
  };
}
