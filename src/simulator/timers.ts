// Named timers of a simulated machine. One that is set again and again, as deadlines are, stays in the queue once.

export interface TimerSlot {
  /** When it fires, in world time; undefined when it was cleared. */
  due: number | undefined;
  /** When the queue comes back to it; a timer that is set again and again stays queued once. */
  queuedAt: number;
}

/** A machine with a clock, whose timers are named by `N`. */
interface Ticking<N> {
  readonly timers: Map<N, TimerSlot>;
  readonly alive: boolean;
  readonly clockRate: number;
}

interface Clockwork<H, N> {
  readonly now: () => number;
  at(time: number, action: () => void): void;
  fire(host: H, event: { readonly kind: 'timer'; readonly name: N }): void;
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
    slot = { due: undefined, queuedAt: Infinity };
    host.timers.set(name, slot);
  }
  slot.due = ms === undefined ? undefined : clockwork.now() + ms / host.clockRate;
  if (slot.due !== undefined && slot.due < slot.queuedAt) queue(clockwork, host, name, slot, slot.due);
}

function queue<N, H extends Ticking<N>>(
  clockwork: Clockwork<H, N>,
  host: H,
  name: N,
  slot: TimerSlot,
  at: number,
): void {
  slot.queuedAt = at;
  clockwork.at(at, () => {
    // Another entry has taken this one's place.
    if (slot.queuedAt !== at) return;
    slot.queuedAt = Infinity;
    if (slot.due === undefined || !host.alive) return;
    if (slot.due > at) {
      queue(clockwork, host, name, slot, slot.due);
      return;
    }
    slot.due = undefined;
    clockwork.fire(host, { kind: 'timer', name });
  });
}
