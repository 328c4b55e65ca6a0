// A page of the simulated world: a rank with what belongs to its machine: links, timers, clock, GPU, and whether it is awake.

import type { MemberId, SeatId } from '../ports/ids.ts';
import type { TimerName } from '../protocol/effects.ts';
import { createDurability, type Durability } from './durability.ts';
import type { Gpu } from './gpu.ts';
import type { Message } from '../protocol/messages.ts';
import { createSimRank, type SimRank } from './sim-rank.ts';

/** What is wrong with one direction of a link. */
export type LinkFault =
  /** Messages vanish; in time the connection fails, unless nobody is told (`silent`). */
  | { readonly kind: 'cut'; readonly silent?: boolean }
  /** Each message has this chance of a flipped bit. */
  | { readonly kind: 'corrupt'; readonly chance: number }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Messages wait until the fault is healed. */
  | { readonly kind: 'hold' }
  /** The send queue is full: nothing leaves, and the sender is told. */
  | { readonly kind: 'full' }
  /** Messages with this chance arrive a second time, up to `ms` later and over whatever connection there is then. */
  | { readonly kind: 'late'; readonly chance: number; readonly ms: number };

/** One direction. */
export interface Link {
  readonly from: Host;
  readonly to: Host;
  up: boolean;
  /** A connection that ended takes what was in flight with it. */
  connection: number;
  fault: LinkFault | undefined;
  /** Nothing arrives before what was sent earlier. */
  lastArrival: number;
  held: { readonly message: Message; readonly sentAt: number }[];
}

export interface Host extends SimRank {
  /** Its place in the order in which pages were opened. */
  readonly ordinal: number;
  /** Outgoing, by the peer's name. */
  readonly links: Map<MemberId, Link>;
  readonly timers: Map<TimerName, TimerSlot>;
  readonly gpu: Gpu;
  /** What its storage has confirmed to it. */
  readonly durable: Durability;
  /** What reaches a frozen page waits here until it wakes; undefined while it is awake. */
  waiting: (() => void)[] | undefined;
  /** Its clock runs this fast, and is this many milliseconds ahead. */
  clockRate: number;
  clockAhead: number;
  /** A hidden tab's page gets its turns once a second; its worker is not affected. */
  hidden: boolean;
}

export interface TimerSlot {
  /** When it fires, in world time; undefined when it was cleared. */
  due: number | undefined;
  /** When the queue comes back to it; a timer that is set again and again stays queued once. */
  queuedAt: number;
}

export const createHost = (member: MemberId, seat: SeatId, profile: string, ordinal: number): Host => ({
  ...createSimRank(member, seat, profile),
  ordinal,
  links: new Map(),
  timers: new Map(),
  gpu: { losses: 0, busyUntil: 0, slowdowns: [], refusing: 0, failing: 0, poisoned: 0, hung: 0, stalled: [] },
  durable: createDurability(),
  waiting: undefined,
  clockRate: 1,
  clockAhead: 0,
  hidden: false,
});
