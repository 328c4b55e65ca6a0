// A queue that holds messages back for as long as a delay is in force, and never lets one overtake another.

import type { Clock } from '../ports/clock.ts';

export interface DelayLine {
  /** Bytes held back. */
  readonly bytes: number;
  /** Nothing is held back. */
  readonly idle: boolean;
  /** Passes the message on now when nothing is in its way, else in its turn. */
  push(bytes: Uint8Array<ArrayBuffer>): void;
  /** To be called when the delay has changed. */
  settle(): void;
  /** Passes on everything at once. */
  flush(): void;
  clear(): void;
}

/** Pause before a message that was not taken is offered again, in milliseconds. */
const RETRY_MS = 5;

/** `delayMs` is asked again each time. `deliver` returns whether the message was taken; else it is offered again. */
export function createDelayLine(
  clock: Clock,
  delayMs: () => number,
  deliver: (bytes: Uint8Array<ArrayBuffer>) => boolean,
): DelayLine {
  const queue: { readonly bytes: Uint8Array<ArrayBuffer>; readonly since: number }[] = [];
  let held = 0;
  let cancel = (): void => undefined;
  let draining = false;

  function drain(isDue: (since: number) => boolean): void {
    // A delivery may push or clear: the head is looked at anew each time, and only one loop runs.
    if (draining) return;
    draining = true;
    cancel();
    let refused = false;
    try {
      for (let head = queue[0]; head !== undefined && isDue(head.since); head = queue[0]) {
        refused = !deliver(head.bytes);
        if (refused) break;
        if (queue[0] !== head) continue;
        queue.shift();
        held -= head.bytes.length;
      }
    } finally {
      draining = false;
    }
    const next = queue[0];
    if (next === undefined) return;
    const wait = refused ? RETRY_MS : next.since + delayMs() - clock.now();
    cancel = clock.after(Math.max(0, wait), settle);
  }

  const settle = (): void => {
    drain((since) => since + delayMs() <= clock.now());
  };

  return {
    get bytes() {
      return held;
    },
    get idle() {
      return queue.length === 0;
    },
    push(bytes) {
      queue.push({ bytes, since: clock.now() });
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
