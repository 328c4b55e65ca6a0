// Data channels in memory, and a clock that tests turn by hand.

import type { Clock } from '../../../src/ports/clock.ts';
import type { LinkChannel } from '../../../src/transport/link.ts';

export interface ManualClock extends Clock {
  /** Runs every timer that falls due within `ms`, in order. */
  advance(ms: number): void;
}

export function manualClock(): ManualClock {
  let now = 0;
  const timers = new Set<{ at: number; callback: () => void }>();
  return {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers.delete(next);
        now = next.at;
        next.callback();
      }
      now = end;
    },
  };
}

type Handlers = Parameters<LinkChannel['listen']>[0];

/** One end of a lane in memory. It buffers until `flush`, as a data channel does until its event loop turns. */
export interface FakeLane extends LinkChannel {
  state: 'opening' | 'open' | 'closed';
  bufferedAmount: number;
  /** Frames sent and not flushed. */
  readonly buffer: Uint8Array<ArrayBuffer>[];
  handlers: Handlers | undefined;
  /** Makes `send` throw, as a full or closing channel does. */
  refuses: boolean;
  open(): void;
  /** Gives up to `frames` buffered frames to the other end; how many it gave. */
  flush(frames?: number): number;
}

function lane(other: () => FakeLane): FakeLane {
  const self: FakeLane = {
    state: 'opening',
    bufferedAmount: 0,
    buffer: [],
    handlers: undefined,
    refuses: false,
    listen(handlers) {
      self.handlers = handlers;
    },
    send(bytes) {
      if (self.refuses || self.state !== 'open') throw new DOMException('full', 'OperationError');
      self.buffer.push(bytes.slice());
      self.bufferedAmount += bytes.length;
    },
    open() {
      self.state = 'open';
      self.handlers?.open();
    },
    flush(frames = Number.POSITIVE_INFINITY) {
      let given = 0;
      for (; given < frames; given++) {
        const frame = self.buffer.shift();
        if (frame === undefined) break;
        self.bufferedAmount -= frame.length;
        if (other().state === 'open') other().handlers?.frame(frame);
      }
      if (given > 0) self.handlers?.low();
      return given;
    },
    close() {
      for (const end of [self, other()]) {
        if (end.state === 'closed') continue;
        end.state = 'closed';
        end.handlers?.closed();
      }
    },
  };
  return self;
}

export function fakeLanes(): [FakeLane, FakeLane] {
  const a: FakeLane = lane(() => b);
  const b: FakeLane = lane(() => a);
  return [a, b];
}
