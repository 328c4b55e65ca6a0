// Named timers of a simulated machine. One that is set again and again, as deadlines are, stays in the queue once.

export interface TimerSlot {
  /** When it fires, in world time; Infinity when it was cleared. */
  due: number;
  /** When the queue comes back to it; a timer that is set again and again stays queued once. */
  queuedAt: number;
  /** What the queue does then. */
  readonly ring: () => void;
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
    slot = createSlot(clockwork, host, name);
    host.timers.set(name, slot);
  }
  slot.due = ms === undefined ? Infinity : clockwork.now() + Math.max(0, ms) / host.clockRate;
  if (slot.due < slot.queuedAt) queue(clockwork, slot);
}

function queue<N, H extends Ticking<N>>(clockwork: Clockwork<H, N>, slot: TimerSlot): void {
  slot.queuedAt = slot.due;
  clockwork.at(slot.due, slot.ring);
}

function createSlot<N, H extends Ticking<N>>(clockwork: Clockwork<H, N>, host: H, name: N): TimerSlot {
  const slot: TimerSlot = {
    due: Infinity,
    queuedAt: Infinity,
    ring() {
      // Another entry has taken this one's place.
      if (slot.queuedAt !== clockwork.now()) return;
      slot.queuedAt = Infinity;
      if (slot.due === Infinity || !host.alive) return;
      if (slot.due > clockwork.now()) {
        queue(clockwork, slot);
        return;
      }
      slot.due = Infinity;
      clockwork.fire(host, { kind: 'timer', name });
    },
  };
  return slot;
}
