// A page of the simulated world: a rank with what belongs to its machine: links, timers, clock, GPU, and whether it is awake. Or the
// server with a witness: such a host has no rank, and its core never boots.

import type { MemberId, SeatId } from '../ports/ids.ts';
import type { TimerName } from '../protocol/effects.ts';
import { createDurability, type Durability } from './durability.ts';
import type { Compute } from './compute.ts';
import { createGpu, type Gpu } from './gpu.ts';
import type { Endpoint } from './link.ts';
import type { Message } from '../protocol/messages.ts';
import type { WitnessState } from '../protocol/witness.ts';
import type { TimerSlot } from './timers.ts';
import type { SavedState, SimRank } from './sim-rank.ts';
import { createRank } from '../protocol/rank.ts';

/** The timers of a rank, which are few and known: each event sets or clears one. */
class RankTimers {
  private beat: TimerSlot | undefined = undefined;
  private progress: TimerSlot | undefined = undefined;
  private propose: TimerSlot | undefined = undefined;
  private retry: TimerSlot | undefined = undefined;
  private found: TimerSlot | undefined = undefined;
  private join: TimerSlot | undefined = undefined;
  private heal: TimerSlot | undefined = undefined;

  get(name: TimerName): TimerSlot | undefined {
    return this[name];
  }

  set(name: TimerName, slot: TimerSlot): void {
    this[name] = slot;
  }
}

export interface Host extends SimRank, Endpoint<Host, MemberId, Message> {
  readonly timers: RankTimers;
  readonly gpu: Gpu;
  /** The witness that it hosts instead of a rank. */
  witness: WitnessState | undefined;
  /** The checkpoint that it wants the room to go back to: held until the room has agreed, or has not. */
  heldBack: SavedState | undefined;
  /** What its storage has confirmed to it. */
  readonly durable: Durability;
  /** What reaches a frozen page waits here until it wakes; undefined while it is awake. */
  waiting: (() => void)[] | undefined;
  /** Its clock runs this fast, and is this many milliseconds ahead. */
  clockRate: number;
  clockAhead: number;
}

export const createHost = (
  member: MemberId,
  seat: SeatId,
  profile: string,
  ordinal: number,
  compute: Compute,
  witness?: WitnessState,
): Host => ({
  // What every event touches stands together: a thousand hosts do not fit into a processor's nearest memory.
  member,
  alive: true,
  waiting: undefined,
  core: createRank({ member, seat }),
  clockRate: 1,
  clockAhead: 0,
  ordinal,
  witness,
  heldBack: undefined,
  links: new Map(),
  timers: new RankTimers(),
  durable: createDurability(),
  hidden: false,
  seat,
  profile,
  compute,
  engine: undefined,
  watching: [],
  seq: 0,
  gpu: createGpu(),
});
