// A queue that holds messages back for as long as a fault says, and never lets one overtake another.

import type { Clock } from '../ports/clock.ts';

export interface DelayLine {
  /** Bytes held back. */
  readonly bytes: number;
  /** Nothing is held back. */
  readonly idle: boolean;
  /** Passes the message on now when nothing is in its way, else in its turn. */
  push(bytes: Uint8Array<ArrayBuffer>, luck?: number): void;
  /** To be called when what holds messages back has changed. */
  settle(): void;
  /** Passes on everything at once. */
  flush(): void;
  clear(): void;
}

/** Pause before a message that was not taken is offered again, in milliseconds. */
const RETRY_MS = 5;

export interface Held {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** When it came. */
  readonly since: number;
  /** In [0, 1): drawn for this message, where chance has a say. */
  readonly luck: number;
}

/**
 * `dueAt` says when a message may go on, given when the one before it could; Infinity: not yet. It is asked again each time.
 * `deliver` returns whether the message was taken; else it is offered again.
 */
export function createDelayLine(
  clock: Clock,
  dueAt: (held: Held, previous: number) => number,
  deliver: (bytes: Uint8Array<ArrayBuffer>) => boolean,
): DelayLine {
  const queue: Held[] = [];
  /** When the last message that went on was due. */
  let previous = -Infinity;
  let held = 0;
  let cancel = (): void => undefined;
  let draining = false;

  function drain(isDue: (due: number) => boolean): void {
    // A delivery may push or clear: the head is looked at anew each time, and only one loop runs.
    if (draining) return;
    draining = true;
    cancel();
    let refused = false;
    try {
      for (let head = queue[0]; head !== undefined; head = queue[0]) {
        const due = dueAt(head, previous);
        if (!isDue(due)) break;
        refused = !deliver(head.bytes);
        if (refused) break;
        if (queue[0] !== head) continue;
        previous = Math.min(due, clock.now());
        queue.shift();
        held -= head.bytes.length;
      }
    } finally {
      draining = false;
    }
    const next = queue[0];
    if (next === undefined) return;
    const wait = refused ? RETRY_MS : dueAt(next, previous) - clock.now();
    if (wait === Infinity) return;
    cancel = clock.after(Math.max(0, wait), settle);
  }

  const settle = (): void => {
    drain((due) => due <= clock.now());
  };

  return {
    get bytes() {
      return held;
    },
    get idle() {
      return queue.length === 0;
    },
    push(bytes, luck = 0) {
      queue.push({ bytes, since: clock.now(), luck });
      held += bytes.length;
      settle();
    },
    settle,
    flush() {
      drain(() => true);
    },
    clear() {
      cancel();
      queue.length = 0;
      held = 0;
    },
  };
}
