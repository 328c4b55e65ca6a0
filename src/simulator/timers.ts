// Named timers of a simulated machine. One that is set again and again, as deadlines are, stays in the queue once.

import type { Due, Happening } from './due.ts';

/** A machine with a clock, whose timers are named by `N`. */
interface Ticking<N> {
  readonly timers: Slots<N>;
  readonly alive: boolean;
  readonly clockRate: number;
}

/** By name. */
interface Slots<N> {
  get(name: N): TimerSlot | undefined;
  set(name: N, slot: TimerSlot): unknown;
}

interface Clockwork<H, N> {
  readonly now: () => number;
  at(time: number, due: Due): void;
  fire(host: H, event: { readonly kind: 'timer'; readonly name: N }): void;
}

export interface TimerSlot {
  /** When it fires, in world time; Infinity when it was cleared. */
  due: number;
  /** Puts it into the queue, unless the queue comes back to it in time anyhow. */
  queue(): void;
}

/** What lies in the queue is the timer itself, so that one that fires for the thousandth time leaves nothing to be collected. */
export class Timer<N, H extends Ticking<N>> implements TimerSlot, Happening {
  due = Infinity;
  /** When the queue comes back to it. */
  private queuedAt = Infinity;

  constructor(
    readonly host: H,
    private readonly name: N,
    private readonly clockwork: Clockwork<H, N>,
  ) {}

  queue(): void {
    if (this.due >= this.queuedAt) return;
    this.queuedAt = this.due;
    this.clockwork.at(this.due, this);
  }

  happen(): void {
    const now = this.clockwork.now();
    // Another entry has taken this one's place.
    if (this.queuedAt !== now) return;
    this.queuedAt = Infinity;
    if (this.due === Infinity || !this.host.alive) return;
    if (this.due > now) {
      this.queue();
      return;
    }
    this.due = Infinity;
    this.clockwork.fire(this.host, { kind: 'timer', name: this.name });
  }
}

/** Undefined clears it. A clock that runs fast fires early. */
export function setTimer<N, H extends Ticking<N>>(
  clockwork: Clockwork<H, N>,
  host: H,
  name: N,
  ms: number | undefined,
): void {
  let slot = host.timers.get(name);
  if (slot === undefined) {
    if (ms === undefined) return;
    slot = new Timer(host, name, clockwork);
    host.timers.set(name, slot);
  }
  slot.due = ms === undefined ? Infinity : clockwork.now() + Math.max(0, ms) / host.clockRate;
  slot.queue();
}
