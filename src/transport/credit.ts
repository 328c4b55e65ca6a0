// Credit between the two ends of a link: how much a sender may have under way that its receiver has not taken. A data channel
// acknowledges what the browser has received, not what a busy worker has taken: without credit, the queue in front of one that is
// held up for seconds would grow as fast as the wire allows.
//
// A credit frame's payload: u8 lane, three bytes of 0, u32 bytes taken since the last credit, little-endian.

import type { Lane } from '../ports/network.ts';
import { MAX_FRAME_BYTES } from './frame.ts';

/** Bytes of frames that may be under way on a lane, headers included. */
export interface CreditWindow {
  /** What a lane begins with. */
  readonly least: number;
  readonly most: number;
}

/**
 * All of a link's bytes take one way: whatever is under way on bulk, a control message waits behind, in the sender's and in the
 * receiver's queues. So the window is as small as keeps the way busy, and follows it (`createCreditSpent`). Its least is two full frames:
 * one travels while credit for the other comes back. Where eight tabs share two cores, each moves 2.7 MB in a second, and 256 KiB take a
 * tenth of one.
 */
export const CREDIT_WINDOW_BYTES: Readonly<Record<Lane, CreditWindow>> = {
  control: { least: 512 * 1024, most: 512 * 1024 },
  bulk: { least: 2 * MAX_FRAME_BYTES.bulk, most: 2 * 1024 * 1024 },
};

/**
 * Bytes taken for which a receiver gives credit at once. What it has not given yet, less than this, and one more frame must fit into the
 * least window, or both ends would wait for ever: a change is another version of the wire.
 */
export const CREDIT_GRAIN_BYTES: Readonly<Record<Lane, number>> = {
  control: 128 * 1024,
  bulk: MAX_FRAME_BYTES.bulk,
};

const CREDIT_BYTES = 8;
const LANES = ['control', 'bulk'] as const satisfies readonly Lane[];

export interface Credit {
  readonly lane: Lane;
  readonly bytes: number;
}

export function encodeCredit({ lane, bytes }: Credit): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(CREDIT_BYTES);
  payload[0] = LANES.indexOf(lane);
  new DataView(payload.buffer).setUint32(4, bytes, true);
  return payload;
}

/** `undefined` for bytes that are no credit. */
export function decodeCredit(payload: Uint8Array<ArrayBuffer>): Credit | undefined {
  if (payload.length !== CREDIT_BYTES) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const lane = LANES[view.getUint8(0)];
  if (lane === undefined || view.getUint8(1) !== 0 || view.getUint16(2, true) !== 0) return undefined;
  const bytes = view.getUint32(4, true);
  return bytes === 0 ? undefined : { lane, bytes };
}

/** The sender's side: what of each lane is under way. */
export interface CreditSpent {
  /** Whether so many more bytes may leave now. */
  allows(bytes: number): boolean;
  spend(bytes: number): void;
  /** False for credit on what was never sent. */
  restore(bytes: number): boolean;
}

/** Round trips are timed for bytes this far apart. */
const MARK_BYTES = 16 * 1024;
/**
 * What waits on the way lasts so long at its mean rate, in milliseconds, or as long as its shortest round trip, where that is longer: a tab
 * waits for its turn on a core about as long, and must not run dry meanwhile.
 */
export const HOLD_MS = 25;
/** The mean is taken over so long, in milliseconds, in which something was under way. */
const MEAN_MS = 50;

/**
 * The window follows the way: its mean rate of late times its shortest round trip and what may wait (after Jin, Wei and Low, "FAST TCP",
 * 2004). Where more waits, rounds take longer, and the window gets smaller in the same measure. The mean and not the fastest rate, as BBR
 * has it: a tab that gets a core in turns takes what has come meanwhile in one go, and looked several times as fast as it is.
 *
 * `grainBytes`: what the receiver gives credit for at once. `now` in milliseconds.
 */
export function createCreditSpent(
  { least, most }: CreditWindow,
  grainBytes: number,
  now: () => number,
): CreditSpent {
  let window = least;
  let spent = 0;
  let restored = 0;
  /** Bytes that were sent up to a time: oldest first. */
  const marks: { readonly end: number; readonly at: number }[] = [];
  let shortestMs = Infinity;
  /** What the next mean is taken of. */
  let busy = { ms: 0, since: 0, restored: 0 };

  /** Counts the time since it was last called, unless all that was sent may have been taken: for less than a grain there is no credit. */
  function pass(): void {
    const at = now();
    if (spent - restored >= grainBytes) busy.ms += at - busy.since;
    busy.since = at;
  }

  function measure(): void {
    while (marks[0] !== undefined && marks[0].end <= restored) {
      const ms = now() - marks[0].at;
      if (ms > 0) shortestMs = Math.min(shortestMs, ms);
      marks.shift();
    }
    if (busy.ms < MEAN_MS || shortestMs === Infinity) return;
    const mean = (restored - busy.restored) / busy.ms;
    window = Math.min(most, Math.max(least, mean * (shortestMs + Math.max(HOLD_MS, shortestMs))));
    busy = { ms: 0, since: now(), restored };
  }

  return {
    allows: (bytes) => spent - restored + bytes <= window,
    spend(bytes) {
      pass();
      spent += bytes;
      if (least < most && spent - (marks.at(-1)?.end ?? restored) >= MARK_BYTES)
        marks.push({ end: spent, at: now() });
    },
    restore(bytes) {
      if (bytes > spent - restored) return false;
      pass();
      restored += bytes;
      if (least < most) measure();
      return true;
    },
  };
}

/** The receiver's side: tells how much credit is due, a grain at a time. */
export function createCreditDue(grainBytes: number): (taken: number) => number {
  let due = 0;
  return (taken) => {
    due += taken;
    if (due < grainBytes) return 0;
    const given = due;
    due = 0;
    return given;
  };
}

/**
 * More frames than this within a second are a flood, which costs a rank its time however small they are. An honest rank sends some
 * hundred control messages a second at most, and some thousand small parts.
 */
export const FLOOD_FRAMES: Readonly<Record<Lane, number>> = { control: 2_000, bulk: 20_000 };
export const FLOOD_MS = 1_000;
