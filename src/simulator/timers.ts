// Named timers of a simulated worker. One that is set again and again, as deadlines are, stays in the queue once.

import type { Event, TimerName } from '../protocol/effects.ts';
import type { Host, TimerSlot } from './host.ts';

interface Clockwork {
  readonly now: () => number;
  at(time: number, action: () => void): void;
  fire(host: Host, event: Event): void;
}

/** Undefined clears it. A clock that runs fast fires early. */
export function setTimer(clockwork: Clockwork, host: Host, name: TimerName, ms: number | undefined): void {
  let slot = host.timers.get(name);
  if (slot === undefined) {
    if (ms === undefined) return;
    slot = { due: undefined, queuedAt: Infinity };
    host.timers.set(name, slot);
  }
  slot.due = ms === undefined ? undefined : clockwork.now() + ms / host.clockRate;
  if (slot.due !== undefined && slot.due < slot.queuedAt) queue(clockwork, host, name, slot, slot.due);
}

function queue(clockwork: Clockwork, host: Host, name: TimerName, slot: TimerSlot, at: number): void {
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
