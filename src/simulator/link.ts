// One direction of a simulated connection, what it connects, and what its network tells of it.

import type { Evidence, Lane } from '../ports/network.ts';
import type { Wire } from './wire.ts';

/** What is wrong with one direction of a link. */
export type LinkFault =
  /** Messages vanish; in time the connection fails, unless nobody is told (`silent`). */
  | { readonly kind: 'cut'; readonly silent?: boolean }
  /** Each message has this chance of a flipped bit. */
  | { readonly kind: 'corrupt'; readonly chance: number }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Each message waits up to this long. */
  | { readonly kind: 'jitter'; readonly ms: number }
  | { readonly kind: 'bandwidth'; readonly bytesPerMs: number }
  /** Messages wait until the fault is healed. */
  | { readonly kind: 'hold' }
  /** The send queue is full: nothing leaves, and the sender is told; or the channel closes, as in older browsers. */
  | { readonly kind: 'full'; readonly closes: boolean }
  /** Messages with this chance arrive a second time, up to `ms` later and over whatever connection there is then. */
  | { readonly kind: 'late'; readonly chance: number; readonly ms: number };

/** What a message takes on the wire. */
export interface Size {
  readonly lane: Lane;
  readonly bytes: number;
}

/** One direction between two hosts `H` that send each other `M`. */
export interface Link<H, M> {
  /** The name of the receiver. */
  readonly peer: unknown;
  up: boolean;
  /** A connection that ended takes what was in flight with it. */
  connection: number;
  fault: LinkFault | undefined;
  /** Its send queues. */
  readonly wire: Wire;
  readonly from: H;
  readonly to: H;
  /** What waits for a fault to end; undefined where nothing does. */
  held: { readonly message: M; readonly size: Size; readonly sentAt: number }[] | undefined;
  heldBytes: number;
}

/** A host as its network sees it, by the name `Id`. */
export interface Endpoint<H, Id, M> {
  readonly member: Id;
  /** Its place in the order in which hosts were opened. */
  readonly ordinal: number;
  alive: boolean;
  /** A hidden tab's page gets its turns once a second; its worker is not affected. */
  hidden: boolean;
  /** Outgoing, by the peer's name. */
  readonly links: Map<Id, Link<H, M>>;
}

/** What a network brings to a host. */
export type LinkEvent<Id, M> =
  | { readonly kind: 'message'; readonly from: Id; readonly message: M }
  | { readonly kind: 'linkUp'; readonly peer: Id }
  | { readonly kind: 'linkDown'; readonly peer: Id; readonly evidence: Evidence }
  | { readonly kind: 'garbled'; readonly from: Id; readonly detail: string }
  | { readonly kind: 'unsent'; readonly to: Id };
